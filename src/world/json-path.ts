/** A mistake in a JSONPath. */
export interface JsonPathProblem {
  /** The problem in plain words. */
  readonly text: string;
  /** What to do about it, as an instruction. */
  readonly remedy: string;
  /** The path can be parsed, and fails when it is followed. */
  readonly onlyInJson?: true;
}

/** The length of the longest JSONPath that is checked. */
export const MAX_LENGTH = 2_000;

const UNCLOSED: JsonPathProblem = { text: 'a brace is not closed', remedy: 'add }' };
const INDEX = /^(?:-?\d*(?::-?\d*)?(?::-?\d*)?|'[^']*'|\*)$/;
const OF_FIELD = /(?:\\.|[^\s.,[\]$@{}\\])*/y;
const LETTER = /[_\p{L}]/u;
const IDENTIFIER = /[^\s.,[\]$@{}]+/y;
const NUMBER = /[+-]?[\d.]*/y;
const LOOP: ReadonlySet<string> = new Set(['range', 'end', 'true', 'false']);

/**
 * Returns why the controller cannot use a JSONPath, or undefined if it may. What is inside a filter is not checked, nor
 * is a longer path than any that people write: some of the checks take time that grows with the square of its length.
 * Source: `util/jsonpath/parser.go` and `jsonpath.go` (`evalIdentifier`) of client-go v0.34.
 */
export function jsonPathProblem(path: string): JsonPathProblem | undefined {
  if (path.length > MAX_LENGTH) return undefined;
  for (let at = path.indexOf('{'); at >= 0; at = path.indexOf('{', at)) {
    const end = afterAction(path, at + 1);
    if (typeof end !== 'number') return end;
    at = end;
  }
  return undefined;
}

/** Returns the text before the first braces. The controller takes it for the result, because it comes first. */
export function textBefore(path: string): string {
  const at = path.indexOf('{');
  return at < 0 ? path : path.slice(0, at);
}

// Returns the position after the closing brace.
function afterAction(path: string, start: number): number | JsonPathProblem {
  let at = start;
  let isFirst = true;
  while (at < path.length) {
    const character = path.charAt(at);
    if (character === '}') return at + 1;
    // Behind something else it may never be reached.
    const problem = isFirst && LETTER.test(character) ? identifierProblem(path, at) : undefined;
    const next = problem ?? afterPart(path, at, character);
    isFirst &&= ' @$'.includes(character);
    if (typeof next !== 'number') return next;
    at = next;
  }
  return UNCLOSED;
}

function afterPart(path: string, at: number, character: string): number | JsonPathProblem {
  if (path.startsWith('[?(', at)) return afterFilter(path, at + 3);
  if ([' ', '@', '$'].includes(character)) return at + 1;
  if (character === '[') return afterIndex(path, at + 1);
  if (character === '"' || character === "'") return afterQuote(path, at + 1, character);
  if (character === '.') return endOf(OF_FIELD, path, path.startsWith('..', at) ? at + 2 : at + 1);
  if (/[+\-\p{Nd}]/u.test(character)) return Math.max(at + 1, endOf(NUMBER, path, at));
  if (LETTER.test(character)) return endOf(IDENTIFIER, path, at);
  if (character === '\n' || character === '\r') return UNCLOSED;
  const remedy = character === '|' ? 'leave out what follows it' : `remove ${character}`;
  return { text: `${character} cannot stand there`, remedy };
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function identifierProblem(path: string, at: number): JsonPathProblem | undefined {
  const name = path.slice(at, endOf(IDENTIFIER, path, at));
  return LOOP.has(name)
    ? undefined
    : { text: `${name} is no field without a dot`, remedy: `write .${name}`, onlyInJson: true };
}

function afterIndex(path: string, start: number): number | JsonPathProblem {
  const end = path.indexOf(']', start);
  if (end < 0 || path.slice(start, end).includes('\n')) return { text: '[ is not closed', remedy: 'add ]' };
  const index = path.slice(start, end);
  if (index.split(',').every((part, _, all) => INDEX.test(all.length > 1 ? part.replaceAll(/^ +| +$/g, '') : part)))
    return end + 1;
  const key = /^"([^"']*)"$/.exec(index)?.[1];
  return { text: `[${index}] is no index`, remedy: `write ['${key ?? index.replaceAll(/["']/g, '')}']` };
}

function afterFilter(path: string, start: number): number | JsonPathProblem {
  let quote = '';
  let isQuoted = false;
  for (let at = start; at < path.length && path[at] !== '\n'; at++) {
    const character = path.charAt(at);
    if (character === '"' || character === "'") {
      if (quote === '') quote = character;
      else if (character === quote && path[at - 1] !== '\\') isQuoted = true;
    } else if (character === ')' && (quote !== '') === isQuoted)
      return path[at + 1] === ']' ? at + 2 : { text: 'a filter does not end with )]', remedy: 'add ]' };
  }
  return { text: 'a filter is not closed', remedy: 'close its quotes, and end it with )]' };
}

function afterQuote(path: string, start: number, quote: string): number | JsonPathProblem {
  for (let at = start; at < path.length && path[at] !== '\n'; at++)
    if (path[at] === quote && path[at - 1] !== '\\') return at + 1;
  return { text: `${quote} is not closed`, remedy: `add ${quote}` };
}
