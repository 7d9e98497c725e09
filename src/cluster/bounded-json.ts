/** The outcome of parsing the JSON of an object. */
export interface BoundedJson {
  /** The object; without its content if that would take too much memory. */
  readonly value: unknown;
  /** Whether the value is the whole object. */
  readonly whole: boolean;
}

/**
 * The most memory that one object may take while it is parsed, in bytes. An object of 1.5 MiB, the most that etcd
 * stores, usually takes 8 times its length, and at most 65 times.
 */
export const MAX_PARSED = 24 * 1024 * 1024;

// Bytes of memory for each bracket, brace, comma and colon outside of strings. Measured with Node.js 24: 4 for objects with
// the same keys, 30 for `{},`, 64 for many different keys.
const PER_MARK = 64;

// Metadata whose text is longer is dropped when only the name is kept.
const MAX_FIELD = 16 * 1024;
const NAMING = ['name', 'namespace', 'uid', 'resourceVersion', 'deletionTimestamp', 'ownerReferences'];

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Returns about how many bytes a JSON text takes in memory once it is parsed. Looks only at its characters. */
export function weightOf(text: string): number {
  let weight = text.length;
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (character === QUOTE) index = endOfString(text, index);
    else if (character === COMMA || character === COLON || character === OPEN_OBJECT || character === OPEN_ARRAY)
      weight += PER_MARK;
  }
  return weight;
}

/**
 * Parses the JSON of an object, or only its name if the rest would take more than `MAX_PARSED`.
 * @throws A SyntaxError if the text is not JSON.
 */
export function parseObject(text: string): BoundedJson {
  return isTooHeavy(text) ? { value: headOf(text), whole: false } : { value: JSON.parse(text), whole: true };
}

/**
 * Parses the JSON of a watch event, with the object as `parseObject` returns it.
 * @throws A SyntaxError if the text is not JSON.
 */
export function parseEvent(text: string): BoundedJson {
  if (!isTooHeavy(text)) return { value: JSON.parse(text), whole: true };
  const fields = fieldsOf(text);
  const type: unknown = JSON.parse(fields.get('type') ?? 'null');
  return { value: { type, object: headOf(fields.get('object') ?? '{}') }, whole: false };
}

function isTooHeavy(text: string): boolean {
  return text.length * (PER_MARK + 1) > MAX_PARSED && weightOf(text) > MAX_PARSED;
}

/**
 * Returns the name of an object whose text may end early.
 * @throws A SyntaxError if a field of its name is not JSON.
 */
export function headOf(text: string): unknown {
  const metadata: Record<string, unknown> = {};
  for (const [key, value] of fieldsOf(fieldsOf(text).get('metadata') ?? '{}'))
    if (NAMING.includes(key) && value.length <= MAX_FIELD) metadata[key] = JSON.parse(value);
  return { metadata };
}

/** Returns the texts of the complete fields of a JSON object, by key, without parsing them. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let depth = 0;
  let key: string | undefined;
  // Where the value of the key starts; 0 until its colon.
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index);
    if (character === QUOTE) {
      const end = endOfString(text, index);
      if (depth === 1 && start === 0) key = text.slice(index + 1, end);
      index = end;
      continue;
    }
    if (depth === 1 && character === COLON) start = index + 1;
    if (depth === 1 && (character === COMMA || character === CLOSE_OBJECT)) {
      if (key !== undefined && start > 0) fields.set(key, text.slice(start, index));
      key = undefined;
      start = 0;
    }
    depth += levelsOf(character);
    if (depth === 0 && fields.size > 0) break;
  }
  return fields;
}

/** Returns by how much a character changes the depth. */
function levelsOf(character: number): -1 | 0 | 1 {
  if (character === OPEN_OBJECT || character === OPEN_ARRAY) return 1;
  return character === CLOSE_OBJECT || character === CLOSE_ARRAY ? -1 : 0;
}

/** Returns the index of the quote that ends a string, or the length of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
