import { OutlineBuilder, Outline, type RepeatedKey } from './outline.ts';
import type { ParsedDocument } from './yaml-documents.ts';

/**
 * Parses a text that is one JSON object or array. Returns undefined for every other text. The YAML parser gives the same
 * result for JSON, but takes many times the memory and the time.
 *
 * @param maxDepth - Returns undefined if something is nested more deeply.
 */
export function parseJsonDocument(text: string, maxDepth: number): ParsedDocument | undefined {
  return isJsonLike(text) ? parseJson(text, 0, text.length, maxDepth) : undefined;
}

/**
 * Parses a text that is JSON objects, one after the other, which Go reads as a stream. Returns undefined for every other
 * text, such as YAML, and for a single object.
 */
export function parseJsonStream(text: string, maxDepth: number): ParsedDocument[] | undefined {
  if (!isJsonLike(text)) return undefined;
  const documents: ParsedDocument[] = [];
  for (let start = spaceEnd(text, 0); start < text.length;) {
    const end = text.charCodeAt(start) === OPEN_MAP ? objectEnd(text, start) : undefined;
    const document = end === undefined ? undefined : parseJson(text, start, end, maxDepth);
    if (end === undefined || document === undefined) return undefined;
    documents.push(document);
    start = spaceEnd(text, end);
  }
  return documents.length > 1 ? documents : undefined;
}

function isJsonLike(text: string): boolean {
  return /^[ \t\r\n]*[{[]/.test(text) && !/\r(?!\n)/.test(text);
}

function spaceEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++;
  return at;
}

// Undefined if it has no end.
function objectEnd(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      for (at++; at < text.length && text.charCodeAt(at) !== QUOTE; at++) if (text.charCodeAt(at) === BACKSLASH) at++;
    } else if (code === OPEN_MAP) depth++;
    else if (code === CLOSE_MAP && --depth === 0) return at + 1;
  }
  return undefined;
}

function parseJson(text: string, start: number, end: number, maxDepth: number): ParsedDocument | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.slice(start, end));
  } catch {
    return undefined;
  }
  const reader = new JsonReader(text, maxDepth, start);
  reader.read();
  // V8 takes such a key for the one that came next in an earlier object, if that ends with a backslash.
  if (reader.hasEscapedKey || reader.hasHugeNumber || reader.isTooDeep || reader.repeated.length > MOST_REPEATED)
    return undefined;
  return { value, outline: new Outline(reader.nodes), repeated: reader.repeated };
}

// The YAML parser gives up at as many, or tells the first.
const MOST_REPEATED = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;

interface Entry {
  readonly key: number;
  readonly start: number;
  readonly end: number;
  /** What the text says, if it is a scalar and was compared. */
  scalar?: unknown;
}

/** Walks through a text that is known to be JSON. */
class JsonReader {
  readonly nodes = new OutlineBuilder();
  readonly repeated: RepeatedKey[] = [];
  hasEscapedKey = false;
  /** Whether a number is too large to be one: kubectl takes it for text. */
  hasHugeNumber = false;
  /** Whether something is nested too deeply, also where a later key takes its place. It is not read then. */
  isTooDeep = false;
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #path: (string | number)[] = [];
  #at: number;

  constructor(text: string, maxDepth: number, start: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#at = start;
  }

  read(): void {
    this.#skipSpace();
    this.#value(this.#at, undefined);
  }

  #value(start: number, key: string | undefined): void {
    const code = this.#text.charCodeAt(this.#at);
    const node = this.nodes.begin(code === OPEN_MAP ? 'map' : code === OPEN_LIST ? 'list' : 'scalar', start, key);
    if (code !== OPEN_MAP && code !== OPEN_LIST) this.#scalar();
    else if (this.#path.length > this.#maxDepth) this.isTooDeep = true;
    else if (code === OPEN_MAP) this.#map();
    else this.#list();
    this.nodes.end(node);
  }

  #map(): void {
    const entries = new Map<string, Entry>();
    for (this.#enter(); !this.#ends && !this.#leaves(CLOSE_MAP); this.#skipComma()) {
      const keyStart = this.#at;
      const key = this.#key();
      // `<<` may be merged more than once in YAML, and this is YAML too.
      const first = key === '<<' ? undefined : entries.get(key);
      // What is inside comes later.
      const slot = first === undefined ? undefined : this.repeated.push(undefined as never) - 1;
      this.#skipSpace();
      const start = this.#at;
      this.#path.push(key);
      this.#value(keyStart, key);
      const last: Entry = { key: keyStart, start, end: this.#at };
      if (first === undefined) entries.set(key, last);
      else if (slot !== undefined)
        this.repeated[slot] = {
          path: [...this.#path],
          key,
          first: first.key,
          last: keyStart,
          same: this.#isSame(first, last),
          empty: [first, last].some(({ start }) => this.#text.startsWith('null', start)),
        };
      this.#path.pop();
    }
  }

  #list(): void {
    let index = 0;
    for (this.#enter(); !this.#ends && !this.#leaves(CLOSE_LIST); this.#skipComma()) {
      this.#path.push(index++);
      this.#value(this.#at, undefined);
      this.#path.pop();
    }
  }

  #key(): string {
    const start = this.#at;
    this.#scalar();
    const key = this.#text.slice(start + 1, this.#at - 1);
    this.hasEscapedKey ||= key.includes('\\');
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) === COLON) this.#at++;
    return key;
  }

  #scalar(): void {
    const text = this.#text;
    const start = this.#at;
    let code = text.charCodeAt(this.#at++);
    if (code === QUOTE) {
      while ((code = text.charCodeAt(this.#at++)) !== QUOTE) if (code === BACKSLASH) this.#at++;
      return;
    }
    for (;;) {
      code = text.charCodeAt(this.#at);
      if (!(code > SPACE) || code === COMMA || code === CLOSE_LIST || code === CLOSE_MAP) break;
      this.#at++;
    }
    // The least of them is 2e308.
    if (this.#at - start > 4) this.hasHugeNumber ||= Math.abs(Number(text.slice(start, this.#at))) === Infinity;
  }

  #isSame(first: Entry, last: Entry): boolean {
    const isScalar = ({ start }: Entry): boolean => ![OPEN_MAP, OPEN_LIST].includes(this.#text.charCodeAt(start));
    // Scalars by value: 1 and 1.0 are the same.
    if (isScalar(first) && isScalar(last)) return this.#scalarOf(first) === this.#scalarOf(last);
    const length = first.end - first.start;
    return (
      length === last.end - last.start && this.#text.startsWith(this.#text.slice(first.start, first.end), last.start)
    );
  }

  // Once for each, because a key may come thousands of times.
  #scalarOf(entry: Entry): unknown {
    if (!('scalar' in entry)) entry.scalar = JSON.parse(this.#text.slice(entry.start, entry.end));
    return entry.scalar;
  }

  get #ends(): boolean {
    return this.isTooDeep || this.repeated.length > MOST_REPEATED;
  }

  #enter(): void {
    this.#at++;
    this.#skipSpace();
  }

  #leaves(close: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== close) return false;
    this.#at++;
    return true;
  }

  #skipComma(): void {
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== COMMA) return;
    this.#at++;
    this.#skipSpace();
  }

  #skipSpace(): void {
    while (this.#text.charCodeAt(this.#at) <= SPACE) this.#at++;
  }
}
