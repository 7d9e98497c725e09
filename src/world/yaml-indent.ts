import { lineStarts } from './line-starts.ts';

// kubectl, Helm and Argo CD do not look at the indentation inside of quotes and brackets (go.yaml.in/yaml/v2 and v3,
// scannerc.go: "In the flow context, do nothing"). YAML does, and so does the parser, which ignores more indentation than
// is needed.

/** A text, and the offset in it after a quote or bracket that closes. */
export interface Indented {
  readonly text: string;
  readonly end: number;
}

/**
 * Returns a YAML document in which the further lines of a quoted text, a list or a mapping in brackets have more
 * indentation. Undefined if nothing closes it. No line is added, and no other line changes.
 *
 * @param start - The offset of the quote or bracket that opens it.
 */
export function indentedMore(text: string, start: number): Indented | undefined {
  const end = isQuote(text[start]) ? quoteEnd(text, start) : bracketEnd(text, start);
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(start, end).split('\n');
  const column = start - (text.lastIndexOf('\n', start) + 1);
  const inside = [first, ...lines.map((line) => ' '.repeat(column + 1) + line)].join('\n');
  return { text: text.slice(0, start) + inside + text.slice(end), end: start + inside.length };
}

/** Returns a function from the offsets in a text with more indentation to those of the same in the text before. */
export function offsetsBefore(indented: string, before: string): (offset: number) => number {
  const from = [...lineStarts(indented), indented.length];
  const to = [...lineStarts(before), before.length];
  return (offset) => {
    let [line, above] = [0, from.length - 1];
    while (above - line > 1) {
      const middle = (line + above) >> 1;
      if ((from[middle] ?? 0) <= offset) line = middle;
      else above = middle;
    }
    const added = lengthOf(from, line) - lengthOf(to, line);
    return (to[line] ?? 0) + Math.max(0, offset - (from[line] ?? 0) - added);
  };
}

function lengthOf(starts: readonly number[], line: number): number {
  return (starts[line + 1] ?? 0) - (starts[line] ?? 0);
}

function isQuote(char: string | undefined): boolean {
  return char === '"' || char === "'";
}

function quoteEnd(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') at++;
    else if (text[at] === quote) {
      if (quote === '"' || text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return -1;
}

function bracketEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at >= 0 && at < text.length; at++) {
    const char = text[at];
    if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth--;
    else at = lastOf(text, at);
    if (depth === 0) return at > start ? at + 1 : -1;
    if (at < 0) return -1;
  }
  return -1;
}

// Returns the last offset of a quoted text or comment that begins here, -1 if it has no end. In a word both are letters.
function lastOf(text: string, at: number): number {
  const before = text[at - 1] ?? '';
  if (isQuote(text[at]) && /[\s,:[{]/.test(before)) return Math.max(quoteEnd(text, at), 0) - 1;
  return text[at] === '#' && /\s/.test(before) ? text.indexOf('\n', at) : at;
}
