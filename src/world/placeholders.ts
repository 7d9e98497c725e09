import type { Path } from './path.ts';

const OPEN = '{{';
const CLOSE = '}}';

/** The placeholders of one text. */
export interface Placeholders {
  /** The content between the braces, without surrounding spaces, in order. */
  readonly tags: readonly string[];
  /** Whether the last `{{` is not closed. */
  readonly unclosed: boolean;
}

/**
 * Finds the placeholders `{{ tag }}` in a text of an analysis, as the controller does: the first `}}` after a `{{` ends
 * it, whatever is between. Source: fasttemplate v1.2.2 (`Template.Reset`) as used by Argo Rollouts v1.9.1,
 * `utils/template`, on the JSON of a metric, in which a line break or tab is an escape and so not a space.
 */
export function placeholdersIn(text: string): Placeholders {
  const tags: string[] = [];
  const unclosed = visitPlaceholders(text, (tag) => tags.push(tag));
  return { tags, unclosed };
}

/** Visits the tags that `placeholdersIn` returns. Returns whether the last `{{` is not closed. */
export function visitPlaceholders(text: string, visit: (tag: string) => void): boolean {
  let position = text.indexOf(OPEN);
  while (position >= 0) {
    const end = text.indexOf(CLOSE, position + OPEN.length);
    if (end < 0) return true;
    visit(asInJson(text.slice(position + OPEN.length, end)).trim());
    position = text.indexOf(OPEN, end + CLOSE.length);
  }
  return false;
}

// Most have nothing that JSON escapes, and a text may have a hundred thousand.
const UNESCAPED = /^[ !#-[\]-~]*$/;

function asInJson(text: string): string {
  return UNESCAPED.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/**
 * Replaces each `{{`, text without braces, and `}}` in a text. Unlike a regular expression it looks at each character
 * once, however many `{{` are not closed.
 */
export function withoutPlaceholders(text: string, replacement: string): string {
  let result = '';
  let position = 0;
  for (let start = text.indexOf(OPEN); start >= 0;) {
    const end = text.indexOf('}', start + OPEN.length);
    if (end < 0) break;
    const isClosed = text.startsWith(CLOSE, end);
    if (isClosed) {
      result += text.slice(position, start) + replacement;
      position = end + CLOSE.length;
    }
    // What opens before a single brace ends there as well.
    start = text.indexOf(OPEN, isClosed ? position : end + 1);
  }
  return result + text.slice(position);
}

// One value may be as large as an object, and fill in thousands of placeholders. No text of a metric is as long.
const MAX_FILLED = 100_000;

/**
 * Fills in the placeholders of a text. Returns undefined if one has no value or is not closed, or if the result has more
 * than a hundred thousand characters.
 */
export function fillIn(text: string, valueOf: (tag: string) => string | undefined): string | undefined {
  const { tags, unclosed } = placeholdersIn(text);
  if (unclosed) return undefined;
  let filled = '';
  let position = 0;
  for (const tag of tags) {
    const value = valueOf(tag);
    if (value === undefined) return undefined;
    const start = text.indexOf(OPEN, position);
    filled += text.slice(position, start) + value;
    if (filled.length > MAX_FILLED) return undefined;
    position = text.indexOf(CLOSE, start + OPEN.length) + CLOSE.length;
  }
  return filled + text.slice(position);
}

const ARGS = 'args.';

/** Returns the argument of a tag `args.NAME`, or undefined for other tags. */
export function argumentOf(tag: string): string | undefined {
  return tag.startsWith(ARGS) ? tag.slice(ARGS.length) : undefined;
}

/** A text in a JSON value. */
export interface Text {
  readonly text: string;
  /** The first keys of its path within the value, at most 24. */
  readonly head: Path;
  /** Made each time: ten thousands of texts can be at the end of a path of two hundred keys. */
  readonly path: Path;
}

// Enough for every field of a metric with the indexes of lists above it: the schema is eleven fields deep.
const KEYS_OF_HEAD = 24;

// A value and how it was reached; paths are built only for matches.
interface Node {
  readonly value: unknown;
  readonly key: string | number;
  readonly parent: Node | undefined;
  readonly head: Path;
}

class TextAt implements Text {
  readonly text: string;
  readonly #base: Path;
  readonly #node: Node;

  constructor(text: string, base: Path, node: Node) {
    this.text = text;
    this.#base = base;
    this.#node = node;
  }

  get head(): Path {
    return this.#node.head;
  }

  get path(): Path {
    const keys: (string | number)[] = [];
    for (let at = this.#node; at.parent !== undefined; at = at.parent) keys.push(at.key);
    return [...this.#base, ...keys.reverse()];
  }
}

// What is visited in a microsecond.
const VALUES_OF_OPERATION = 5;

/**
 * Returns every text in a JSON value that contains `{{`, including keys of mappings, in order of appearance. Does not
 * recurse.
 *
 * @param spend - Counts operations, before they are done.
 */
export function* textsWithPlaceholders(
  value: unknown,
  path: Path,
  spend: (operations: number) => void,
): Generator<Text, void, undefined> {
  const stack: Node[] = [{ value, key: '', parent: undefined, head: [] }];
  let visited = 0;
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const { value: current } = node;
    if (typeof current === 'string') {
      if (current.includes(OPEN)) yield new TextAt(current, path, node);
      continue;
    }
    if (typeof current !== 'object' || current === null) continue;
    const keys = Array.isArray(current) ? undefined : Object.keys(current);
    const length = keys?.length ?? (current as readonly unknown[]).length;
    visited += 1 + length;
    spend(Math.floor(visited / VALUES_OF_OPERATION));
    visited %= VALUES_OF_OPERATION;
    for (let at = length - 1; at >= 0; at--) push(stack, node, keys?.[at] ?? at);
  }
}

// Numbers and the like are never a text.
function push(stack: Node[], parent: Node, key: string | number): void {
  const value = (parent.value as Readonly<Record<string | number, unknown>>)[key];
  const isPlaceholder = typeof key === 'string' && key.includes(OPEN);
  if (!isPlaceholder && !mayHaveText(value)) return;
  const head = parent.head.length < KEYS_OF_HEAD ? [...parent.head, key] : parent.head;
  stack.push({ value, key, parent, head });
  if (isPlaceholder) stack.push({ value: key, key, parent, head });
}

function mayHaveText(value: unknown): boolean {
  return typeof value === 'string' ? value.includes(OPEN) : typeof value === 'object' && value !== null;
}
