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

/** A position in a text: 1-based line and column. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** An object of a manifest and its position. */
export interface SourceObject {
  readonly object: KubeObject;
  readonly file: string;
  /** 0-based index of the YAML document in its file. */
  readonly document: number;
  /** Returns the position of a path in the object; if the path does not exist, of its nearest existing parent. */
  position(path: Path): Position;
}

/** A text, or a document in it, that is not a valid manifest. */
export interface ManifestError extends Position {
  readonly file: string;
  readonly message: string;
}

/** A duplicate key in a mapping. The last one counts, as in the Go YAML libraries that accept it. */
export interface DuplicateKey extends Position {
  readonly file: string;
  readonly object: KubeObject | undefined;
  readonly path: Path;
  readonly key: string;
  /** The position of the first occurrence. */
  readonly first: Position;
  /** Whether both occurrences have the same value. */
  readonly same: boolean;
}

/** The content of manifests. */
export interface Manifests {
  readonly objects: readonly SourceObject[];
  readonly errors: readonly ManifestError[];
  readonly duplicateKeys: readonly DuplicateKey[];
}

/** The error for a document that is YAML but not a manifest. */
export const NOT_AN_OBJECT = 'not a Kubernetes object: set apiVersion, kind and metadata.name';

// Aliases may expand a small text to gigabytes; ordinary manifests contain a handful.
const MAX_ALIASES = 100;
// The parser takes time that grows with the cube of these.
const NESTED_MARKS = /^ *(?:[-?] +){50}/m;
// No manifest is nested more deeply, and recursion over it could overflow the stack.
const MAX_DEPTH = 200;

// kubectl and Helm read YAML 1.1, in which a number with a leading 0 is octal: the mode 0644 is 420.
const OCTAL: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => (text.startsWith('-') ? -1 : 1) * Number.parseInt(text.replace(/^[-+]/, ''), 8),
};

/**
 * Parses YAML or JSON (many documents, `kind: List`, a JSON array). Returns its objects with their positions, and the
 * errors. Never throws.
 * @param file - Its name in reports.
 */
export function parseManifests(text: string, file: string): Manifests {
  const objects: SourceObject[] = [];
  const errors: ManifestError[] = [];
  const duplicateKeys: DuplicateKey[] = [];
  if (NESTED_MARKS.test(text)) {
    return { objects, duplicateKeys, errors: [{ file, line: 1, column: 1, message: 'nested too deeply' }] };
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
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  for (const [index, document] of documents.entries()) {
    const yamlError = document.errors[0];
    if (yamlError !== undefined) {
      errors.push({ file, ...positionOf(yamlError.pos[0]), message: firstLine(yamlError.message) });
      continue;
    }
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: MAX_ALIASES });
      if (isDeeperThan(value, MAX_DEPTH)) throw new Error(`nested more than ${MAX_DEPTH} levels deep`);
    } catch (error) {
      errors.push({ file, ...positionOf(document.range[0]), message: parseProblem(error) });
      continue;
    }
    if (value === null || value === undefined) continue;
    const found = unwrap(value, []);
    if (found.length === 0) {
      errors.push({ file, ...positionOf(document.contents?.range?.[0] ?? document.range[0]), message: NOT_AN_OBJECT });
    }
    const sources = found.map(({ object, path }): SourceObject => ({
      object,
      file,
      document: index,
      position: (inside) => positionOf(offsetOf(document, [...path, ...inside])),
    }));
    // One by one: a hundred thousand arguments of one call would not fit on the stack.
    for (const source of sources) objects.push(source);
    for (const duplicate of duplicateKeysOf(document, found, { file, text, positionOf })) duplicateKeys.push(duplicate);
  }
  return { objects, errors, duplicateKeys };
}

/** Combines the manifests of several texts. */
export function joinManifests(parts: readonly Manifests[]): Manifests {
  return {
    objects: parts.flatMap((part) => part.objects),
    errors: parts.flatMap((part) => part.errors),
    duplicateKeys: parts.flatMap((part) => part.duplicateKeys),
  };
}

// Kinds that a bundle rarely contains, so their absence means nothing.
const RARELY_INCLUDED: ReadonlySet<KindId> = new Set([
  'ConfigMap',
  'Secret',
  'ServiceAccount',
  'Namespace',
  'ClusterAnalysisTemplate.argoproj.io',
]);

/** How to read a bundle as a world. */
export interface BundleOptions {
  /** The namespace of objects that name none. The default is the only one that the others name, otherwise `default`. */
  readonly namespace?: string | undefined;
  /** Whether everything outside of the bundle is absent, including ConfigMaps and the like. */
  readonly complete?: boolean | undefined;
}

/** Returns the objects with a namespace if their kind has one, and the assumed namespace. */
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

/** Returns a world of the objects. Other objects are absent or, for kinds that a bundle rarely contains, unknown. */
export function bundleWorld(objects: Iterable<KubeObject>, options: BundleOptions = {}): ObjectStore {
  const whyUnknown: WhyUnknown = (kind) =>
    options.complete !== true && RARELY_INCLUDED.has(kind) ? 'not among these manifests' : undefined;
  return storeOf(objects, whyUnknown);
}

function unwrap(value: unknown, path: Path): { object: KubeObject; path: Path }[] {
  if (Array.isArray(value)) return asArray(value).flatMap((entry, index) => unwrap(entry, [...path, index]));
  if (!isObject(value)) return [];
  if (asString(value['kind']).endsWith('List') && Array.isArray(value['items'])) {
    return asArray(value['items']).flatMap((entry, index) => unwrap(entry, [...path, 'items', index]));
  }
  if (isKubeObject(value)) return [{ object: value, path }];
  // Some servers accept `generateName` or a missing name. Rules can still check such an object by itself.
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

// Cached with the mapping: with many findings in a long one, searching it for each would take quadratic time.
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
  readonly positionOf: (offset: number) => Position;
}

function duplicateKeysOf(
  document: Document.Parsed,
  found: readonly { readonly object: KubeObject; readonly path: Path }[],
  { file, text, positionOf }: Origin,
): DuplicateKey[] {
  const holders = new Map(found.map((entry) => [JSON.stringify(entry.path), entry]));
  return repeatedKeys(document.contents, []).map(({ path, key, first, last }) => {
    const holder = holderOf(path, holders);
    return {
      file,
      object: holder?.object,
      path: path.slice(holder?.path.length ?? 0),
      key,
      first: positionOf(offsetOfKey(first)),
      same: sameValue(first, last, text),
      ...positionOf(offsetOfKey(last)),
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
  const firstByKey = new Map<string, Pair>();
  return node.items.flatMap((item) => {
    const key = isScalar(item.key) ? String(item.key.value) : undefined;
    if (key === undefined) return [];
    const inside = repeatedKeys(item.value, [...path, key]);
    const first = firstByKey.get(key);
    // `<<` may be merged more than once.
    if (first === undefined || key === '<<') {
      firstByKey.set(key, item);
      return inside;
    }
    return [{ path: [...path, key], key, first, last: item }, ...inside];
  });
}

function offsetOfKey({ key }: Pair): number {
  return isScalar(key) ? (key.range?.[0] ?? 0) : 0;
}

// Scalars by value, everything else as text: turning each into an object could cost far more than the length of the
// text.
function sameValue(a: Pair, b: Pair, text: string): boolean {
  if (isScalar(a.value) && isScalar(b.value)) return a.value.value === b.value.value;
  const written = ({ value }: Pair): string | undefined =>
    isNode(value) && value.range ? text.slice(value.range[0], value.range[1]) : undefined;
  return written(a) === written(b);
}

function parseProblem(error: unknown): string {
  if (error instanceof RangeError) return 'nested too deeply';
  return firstLine(messageOf(error));
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}
