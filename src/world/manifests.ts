import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
  type Pair,
  type ParsedNode,
  type ScalarTag,
  type YAMLMap,
} from 'yaml';
import { isKubeObject, kindOf, KINDS, namespaceOf, type KindId, type KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { asArray, dig, isDeeperThan, isObject, asObject, asString } from './read.ts';
import { storeOf, type WhyUnknown, type ObjectStore } from './store.ts';
import { messageOf } from './error.ts';

/** A place in a text: 1-based line and column. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One object of a manifest, and where it stands. */
export interface SourceObject {
  readonly object: KubeObject;
  readonly file: string;
  /** 0-based index of the YAML document in its file. */
  readonly document: number;
  /** In: a path in the object. Out: where it stands; if it is not there, where the nearest thing above it stands. */
  position(path: Path): Position;
}

/** A text, or a document in it, that is no usable manifest. */
export interface ManifestError extends Position {
  readonly file: string;
  readonly message: string;
}

/** A key written twice in one mapping; the last one counts, as in Go's YAML libraries that accept it at all. */
export interface DuplicateKey extends Position {
  readonly file: string;
  readonly object: KubeObject | undefined;
  readonly path: Path;
  readonly key: string;
  /** Where the key is written first. */
  readonly first: Position;
  /** Whether it has the same value there. */
  readonly same: boolean;
}

/** What was read from manifests. */
export interface Manifests {
  readonly objects: readonly SourceObject[];
  readonly errors: readonly ManifestError[];
  readonly duplicateKeys: readonly DuplicateKey[];
}

/** What is said of a document that is YAML, but no manifest. */
export const NOT_AN_OBJECT = 'not a Kubernetes object: apiVersion, kind and metadata.name are needed';

// Aliases may multiply a small text into gigabytes; ordinary manifests hold a handful.
const MAX_ALIASES = 100;
// The parser takes time that grows with the cube of these.
const NESTED_MARKS = /^ *(?:[-?] +){50}/m;
// Deeper nesting is no manifest, and recursion over it could exhaust the stack.
const MAX_DEPTH = 200;

// kubectl and Helm read YAML 1.1, in which a number with a leading 0 is octal: the mode 0644 is 420.
const OCTAL: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => (text.startsWith('-') ? -1 : 1) * Number.parseInt(text.replace(/^[-+]/, ''), 8),
};

/**
 * In: a YAML or JSON text (many documents, `kind: List`, a JSON array) and the name to report it by. Out: its objects
 * with their positions, and what could not be read. Never throws.
 */
export function parseManifests(text: string, file: string): Manifests {
  const objects: SourceObject[] = [];
  const errors: ManifestError[] = [];
  const duplicateKeys: DuplicateKey[] = [];
  if (NESTED_MARKS.test(text)) {
    return { objects, duplicateKeys, errors: [{ file, line: 1, column: 1, message: 'nested too deeply to be read' }] };
  }
  const lines = new LineCounter();
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      uniqueKeys: false,
      merge: true,
      logLevel: 'silent',
      customTags: (tags) => [OCTAL, ...tags],
    });
    documents = Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    return { objects, duplicateKeys, errors: [{ file, line: 1, column: 1, message: parseProblem(error) }] };
  }
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  for (const [index, document] of documents.entries()) {
    const broken = document.errors[0];
    if (broken !== undefined) {
      errors.push({ file, ...place(broken.pos[0]), message: firstLine(broken.message) });
      continue;
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
      if (isDeeperThan(value, MAX_DEPTH)) throw new Error(`nested more than ${MAX_DEPTH} levels deep`);
    } catch (error) {
      errors.push({ file, ...place(document.range[0]), message: parseProblem(error) });
      continue;
    }
    if (value === null || value === undefined) continue;
    const found = unwrap(value, []);
    if (found.length === 0) {
      errors.push({ file, ...place(document.contents?.range?.[0] ?? document.range[0]), message: NOT_AN_OBJECT });
    }
    const sources = found.map(({ object, path }): SourceObject => ({
      object,
      file,
      document: index,
      position: (inside) => place(offsetOf(document, [...path, ...inside])),
    }));
    // One by one: as arguments of one call, a hundred thousand of them would not fit on the stack.
    for (const source of sources) objects.push(source);
    for (const duplicate of duplicateKeysOf(document, found, { file, text, place })) duplicateKeys.push(duplicate);
  }
  return { objects, errors, duplicateKeys };
}

/** In: manifests of several texts. Out: them as one. */
export function joinManifests(parts: readonly Manifests[]): Manifests {
  return {
    objects: parts.flatMap((part) => part.objects),
    errors: parts.flatMap((part) => part.errors),
    duplicateKeys: parts.flatMap((part) => part.duplicateKeys),
  };
}

// Kinds that the author of a bundle rarely ships with it: that one is not there says nothing.
const ELSEWHERE: ReadonlySet<KindId> = new Set([
  'ConfigMap',
  'Secret',
  'ServiceAccount',
  'Namespace',
  'ClusterAnalysisTemplate.argoproj.io',
]);

/** How a bundle is to be read as a world. */
export interface BundleOptions {
  /** The namespace of objects that name none. By default the only one that the others name, else `default`. */
  readonly namespace?: string | undefined;
  /** Whether everything that is not in the bundle counts as not there, ConfigMaps and the like too. */
  readonly complete?: boolean | undefined;
}

/** In: objects from manifests. Out: them with a namespace where their kind has one, and which namespace was assumed. */
export function placeObjects(
  sources: readonly SourceObject[],
  options: BundleOptions = {},
): { readonly sources: readonly SourceObject[]; readonly namespace: string } {
  const named = new Set(sources.map(({ object }) => namespaceOf(object)).filter((namespace) => namespace !== ''));
  const [only] = named;
  const namespace = options.namespace ?? (named.size === 1 && only !== undefined ? only : 'default');
  const placed = sources.map((source): SourceObject => {
    const kind = kindOf(source.object);
    if (kind === undefined || !KINDS[kind].namespaced || namespaceOf(source.object) !== '') return source;
    return { ...source, object: { ...source.object, metadata: { ...source.object.metadata, namespace } } };
  });
  return { sources: placed, namespace };
}

/**
 * In: objects with their namespaces. Out: a world of them; what is not in it is absent, or, for kinds that a bundle
 * rarely holds, not to be known.
 */
export function bundleWorld(objects: Iterable<KubeObject>, options: BundleOptions = {}): ObjectStore {
  const unsaid: WhyUnknown = (kind) =>
    options.complete !== true && ELSEWHERE.has(kind) ? 'not among these manifests' : undefined;
  return storeOf(objects, unsaid);
}

function unwrap(value: unknown, path: Path): { object: KubeObject; path: Path }[] {
  if (Array.isArray(value)) return asArray(value).flatMap((entry, index) => unwrap(entry, [...path, index]));
  if (!isObject(value)) return [];
  if (asString(value['kind']).endsWith('List') && Array.isArray(value['items'])) {
    return asArray(value['items']).flatMap((entry, index) => unwrap(entry, [...path, 'items', index]));
  }
  if (isKubeObject(value)) return [{ object: value, path }];
  // `generateName` and a missing name are both accepted by a server at some time; such an object can be judged by
  // itself all the same.
  if (typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string') {
    const metadata = asObject(value['metadata']);
    const name = asString(dig(metadata, 'generateName'));
    return [
      {
        object: { ...value, apiVersion: value['apiVersion'], kind: value['kind'], metadata: { ...metadata, name } },
        path,
      },
    ];
  }
  return [];
}

function offsetOf(document: Document.Parsed, path: Path): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? document.range[0];
  for (const part of path) {
    node = isAlias(node) ? (node.resolve(document) ?? null) : node;
    if (isMap(node)) {
      const pair: unknown = pairsOf(node).get(String(part));
      if (!isPair(pair)) return offset;
      const key = pair.key as ParsedNode;
      offset = key.range[0];
      node = pair.value as ParsedNode | null;
    } else if (isSeq(node) && typeof part === 'number') {
      const item = node.items[part] as ParsedNode | undefined;
      if (item === undefined) return offset;
      offset = item.range[0];
      node = item;
    } else {
      return offset;
    }
  }
  return offset;
}

const pairs = new WeakMap<YAMLMap, ReadonlyMap<string, unknown>>();

// Kept as long as the mapping: with many findings in a long one, looking through it for each would take the square of
// its length.
function pairsOf(map: YAMLMap): ReadonlyMap<string, unknown> {
  let known = pairs.get(map);
  if (known === undefined) {
    known = new Map(map.items.flatMap((item) => (isScalar(item.key) ? [[String(item.key.value), item] as const] : [])));
    pairs.set(map, known);
  }
  return known;
}

interface Origin {
  readonly file: string;
  readonly text: string;
  readonly place: (offset: number) => Position;
}

function duplicateKeysOf(
  document: Document.Parsed,
  found: readonly { readonly object: KubeObject; readonly path: Path }[],
  { file, text, place }: Origin,
): DuplicateKey[] {
  const holders = new Map(found.map((entry) => [JSON.stringify(entry.path), entry]));
  return repeatedKeys(document.contents, []).map(({ path, key, first, last }) => {
    const holder = holderOf(path, holders);
    return {
      file,
      object: holder?.object,
      path: path.slice(holder?.path.length ?? 0),
      key,
      first: place(offsetOfKey(first)),
      same: sameValue(first, last, text),
      ...place(offsetOfKey(last)),
    };
  });
}

function holderOf<T>(path: Path, holders: ReadonlyMap<string, T>): T | undefined {
  for (let length = path.length; length >= 0; length--) {
    const holder = holders.get(JSON.stringify(path.slice(0, length)));
    if (holder !== undefined) return holder;
  }
  return undefined;
}

interface RepeatedKey {
  readonly path: Path;
  readonly key: string;
  readonly first: Pair;
  readonly last: Pair;
}

function repeatedKeys(node: unknown, path: Path): RepeatedKey[] {
  if (isSeq(node)) return node.items.flatMap((item, index) => repeatedKeys(item, [...path, index]));
  if (!isMap(node)) return [];
  const seen = new Map<string, Pair>();
  return node.items.flatMap((item) => {
    const key = isScalar(item.key) ? String(item.key.value) : undefined;
    if (key === undefined) return [];
    const inside = repeatedKeys(item.value, [...path, key]);
    const first = seen.get(key);
    // `<<` may be merged in more than once.
    if (first === undefined || key === '<<') {
      seen.set(key, item);
      return inside;
    }
    return [{ path: [...path, key], key, first, last: item }, ...inside];
  });
}

function offsetOfKey({ key }: Pair): number {
  return isScalar(key) ? (key.range?.[0] ?? 0) : 0;
}

// Scalars by value, everything else word for word: turning each into an object could cost far more than the text is
// long.
function sameValue(a: Pair, b: Pair, text: string): boolean {
  if (isScalar(a.value) && isScalar(b.value)) return a.value.value === b.value.value;
  const written = ({ value }: Pair): string | undefined =>
    isNode(value) && value.range ? text.slice(value.range[0], value.range[1]) : undefined;
  return written(a) === written(b);
}

function parseProblem(error: unknown): string {
  if (error instanceof RangeError) return 'nested too deeply to be read';
  return firstLine(messageOf(error));
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}
