import { Composer, isAlias, isMap, isNode, isScalar, isSeq, Parser } from 'yaml';
import type { CST, Document, Node, Pair, YAMLMap, YAMLParseError } from 'yaml';
import { messageOf } from './error.ts';
import { Outline, OutlineBuilder, type RepeatedKey } from './outline.ts';
import { isDeeperThan } from './read.ts';
import { GO_SCALARS } from './yaml-scalars.ts';

/** The content of one document, and where it is in the text. */
export interface ParsedDocument {
  readonly value: unknown;
  readonly outline: Pick<Outline, 'offsetOf'>;
  readonly repeated: readonly RepeatedKey[];
}

/** Why a document could not be read, and the offset of the mistake. */
export interface DocumentError {
  readonly error: string;
  readonly offset: number;
}

// Aliases may expand a small text to gigabytes; ordinary manifests contain a handful.
const MAX_ALIASES = 100;
/** No manifest is nested more deeply, and recursion over it could overflow the stack. */
export const MAX_DEPTH = 200;
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`;

/**
 * Returns the documents of a text, one after the other: only one of them is a tree of the parser at a time, which is far
 * larger than what becomes of it.
 *
 * @throws if the text is nested so deeply that it cannot be parsed
 */
export function* yamlDocuments(text: string): Generator<ParsedDocument | DocumentError> {
  const composer = new Composer({
    uniqueKeys: false,
    merge: true,
    logLevel: 'silent',
    customTags: (tags) => [...GO_SCALARS, ...tags],
  });
  for (const document of composer.compose(tokensOf(text))) yield read(document, text);
}

// The parser gives a mistake at the beginning of a document before the document, and the composer counts it to the one
// before, which has no mistake.
function* tokensOf(text: string): Generator<CST.Token> {
  const mistakes: CST.Token[] = [];
  for (const token of new Parser().parse(text)) {
    if (token.type === 'error') {
      mistakes.push(token);
      continue;
    }
    const later = token.type === 'document' ? mistakes.findIndex(({ offset }) => offset >= token.offset) : -1;
    const held = later === -1 ? [] : mistakes.splice(later);
    yield* mistakes.splice(0);
    yield token;
    yield* held;
  }
  yield* mistakes;
}

function read(document: Document.Parsed, text: string): ParsedDocument | DocumentError {
  const [mistake] = document.errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  if (mistake !== undefined) return { error: problemOf(mistake), offset: mistake.pos[0] };
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    if (isDeeperThan(value, MAX_DEPTH)) throw new Error(TOO_DEEP);
    const reader = new NodeReader(text);
    reader.add(document.contents, document.contents?.range?.[0] ?? document.range[0], undefined);
    return { value, outline: new Outline(reader.nodes), repeated: reader.repeated };
  } catch (error) {
    return { error: parseProblem(error), offset: document.range[0] };
  }
}

// kubectl accepts a quoted text that goes on with too little indentation. YAML does not, and neither does the parser.
function problemOf({ code, message }: YAMLParseError): string {
  // The parser catches the error of the engine, and gives its message as that of the text.
  if (message.startsWith('Maximum call stack size exceeded')) return TOO_DEEP;
  const isQuote = code === 'MISSING_CHAR' && message.includes('quote');
  return isQuote
    ? 'a quoted text does not end: close it, or indent its other lines more than the key'
    : firstLine(message);
}

/** Returns what is wrong with a text that could not be parsed. */
export function parseProblem(error: unknown): string {
  if (error instanceof RangeError) return 'nested too deeply';
  return firstLine(messageOf(error));
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

/** Walks through the tree of a document. */
class NodeReader {
  readonly nodes = new OutlineBuilder();
  readonly repeated: RepeatedKey[] = [];
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  readonly #anchors = new Map<string, number>();

  constructor(text: string) {
    this.#text = text;
  }

  add(value: unknown, start: number, key: string | undefined): void {
    const node = this.nodes.begin(isMap(value) ? 'map' : isSeq(value) ? 'list' : 'scalar', start, key);
    if (isAlias(value)) {
      const target = this.#anchors.get(value.source);
      if (target !== undefined) this.nodes.aliases.set(node, target);
    } else if (isNode(value) && value.anchor !== undefined) this.#anchors.set(value.anchor, node);
    if (isMap(value)) this.#addEntries(value);
    else if (isSeq(value))
      for (const [index, item] of value.items.entries()) {
        this.#path.push(index);
        this.add(item, startOf(item), undefined);
        this.#path.pop();
      }
    this.nodes.end(node);
  }

  #addEntries(map: YAMLMap): void {
    const firsts = new Map<string, Pair>();
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? nameOf(pair.key.value) : undefined;
      // An alias may name what is in a key.
      if (key === undefined || (pair.key as Node).anchor !== undefined)
        this.add(pair.key, startOf(pair.key), undefined);
      this.#path.push(key ?? '');
      if (key !== undefined) this.#compare(pair, key, firsts);
      this.add(pair.value, startOf(pair.key), key);
      this.#path.pop();
    }
  }

  #compare(pair: Pair, key: string, firsts: Map<string, Pair>): void {
    const first = firsts.get(key);
    // `<<` may be merged more than once.
    if (first === undefined || key === '<<') {
      firsts.set(key, pair);
      return;
    }
    this.repeated.push({
      path: [...this.#path],
      key,
      first: startOf(first.key),
      last: startOf(pair.key),
      same: hasSameValue(first, pair, this.#text),
      empty: [first, pair].some(({ value }) => value === null || (isScalar(value) && value.value === null)),
    });
  }
}

// The parser has a symbol for the key `<<` that merges a mapping.
function nameOf(key: unknown): string {
  return typeof key === 'symbol' ? (key.description ?? '') : String(key);
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

// Scalars by value, everything else as text: turning each into an object could cost far more than the length of the
// text.
function hasSameValue(a: Pair, b: Pair, text: string): boolean {
  if (isScalar(a.value) && isScalar(b.value)) return a.value.value === b.value.value;
  const written = ({ value }: Pair): string | undefined =>
    isNode(value) && value.range ? text.slice(value.range[0], value.range[1]) : undefined;
  return written(a) === written(b);
}
