import { Composer, isAlias, isCollection, isMap, isNode, isScalar, isSeq, Parser } from 'yaml';
import type { CST, Document, Node, Pair, YAMLMap, YAMLParseError } from 'yaml';
import { messageOf } from './error.ts';
import { Outline, OutlineBuilder, type RepeatedKey } from './outline.ts';
import { isDeeperThan } from './read.ts';
import { indentedMore, offsetsBefore } from './yaml-indent.ts';
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
  for (const document of composed(text)) yield read(document, text);
}

function composed(text: string): Iterable<Document.Parsed> {
  const composer = new Composer({
    uniqueKeys: false,
    merge: true,
    logLevel: 'silent',
    customTags: (tags) => [...GO_SCALARS, ...tags],
  });
  return composer.compose(tokensOf(text));
}

/** Returns a document in a text with other offsets. */
export function withOffsets(
  document: ParsedDocument | DocumentError,
  moved: (offset: number) => number,
): ParsedDocument | DocumentError {
  if ('error' in document) return { ...document, offset: moved(document.offset) };
  const { outline, repeated } = document;
  return {
    ...document,
    outline: { offsetOf: (path) => moved(outline.offsetOf(path)) },
    repeated: repeated.map((each) => ({ ...each, first: moved(each.first), last: moved(each.last) })),
  };
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
  const mistake = firstMistake(document);
  if (mistake === undefined) return contentOf(document, text);
  return readIndented(document, text) ?? { error: problemOf(mistake), offset: mistake.pos[0] };
}

function firstMistake(document: Document.Parsed): YAMLParseError | undefined {
  return document.errors.toSorted((a, b) => a.pos[0] - b.pos[0])[0];
}

function contentOf(document: Document.Parsed, text: string): ParsedDocument | DocumentError {
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

// Each time shows the next text that is indented too little. Every one costs as much as reading the document.
const MAX_CORRECTIONS = 8;
const MARK = /\n(?:---|\.\.\.)(?=\s|$)/;

/**
 * Reads a document with mistakes as if the texts in quotes and brackets with too little indentation had enough. What is
 * then wrong is another mistake. Undefined if it has no such text.
 */
function readIndented(document: Document.Parsed, text: string): ParsedDocument | DocumentError | undefined {
  const [start, , end] = document.range;
  let opened = startOfShallow(document);
  if (opened === undefined) return undefined;
  opened -= start;
  const rest = text.slice(start);
  const part = rest.slice(0, MARK.exec(rest)?.index);
  if (end > start + part.length + 1) return undefined;
  let corrected = part;
  let found: DocumentError | undefined;
  for (let corrections = 0; corrections < MAX_CORRECTIONS && opened !== undefined; corrections++) {
    const indented = indentedMore(corrected, opened);
    if (indented === undefined) return found;
    corrected = indented.text;
    const [again, another] = composed(corrected);
    if (again === undefined || another !== undefined) return found;
    // Otherwise more than it has been indented.
    const [from, to] = openedBefore(again, opened + 1)?.range ?? [];
    if (from !== opened || to !== indented.end) return found;
    const before = offsetsBefore(corrected, part);
    const offsetOf = (offset: number): number => start + before(offset);
    const mistake = firstMistake(again);
    if (mistake === undefined) return withOffsets(contentOf(again, corrected), offsetOf);
    found = { error: problemOf(mistake), offset: offsetOf(mistake.pos[0]) };
    opened = startOfShallow(again);
  }
  return found;
}

// Returns the offset of the text in quotes or brackets in which the parser gave up first.
function startOfShallow(document: Document.Parsed): number | undefined {
  const at = firstMistake(document)?.pos[0] ?? 0;
  const [start, end = 0] = openedBefore(document, at)?.range ?? [];
  return end >= at ? start : undefined;
}

// Returns the outermost text in quotes or brackets that begins before an offset, if it is the last thing there.
function openedBefore(document: Document.Parsed, offset: number): Node | undefined {
  let node: unknown = document.contents;
  while (isNode(node) && startOf(node) < offset) {
    if ((isCollection(node) && node.flow === true) || (isScalar(node) && node.type?.startsWith('QUOTE') === true))
      return node;
    const inside = isMap(node) ? node.items.flatMap(({ key, value }) => [key, value]) : isSeq(node) ? node.items : [];
    node = inside.findLast((each) => isNode(each) && startOf(each) < offset);
  }
  return undefined;
}

function problemOf({ code, message }: YAMLParseError): string {
  // The parser catches the error of the engine, and gives its message as that of the text.
  if (message.startsWith('Maximum call stack size exceeded')) return TOO_DEEP;
  const isQuote = code === 'MISSING_CHAR' && message.includes('quote');
  return isQuote ? 'a quoted text does not end: close it' : firstLine(message);
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
