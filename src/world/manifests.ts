import { LineCounter } from 'yaml';
import { getOrAdd } from './get-or-add.ts';
import { groupOf, isKubeObject, kindOf, KINDS, namespaceOf, type KindId, type KubeObject } from './object.ts';
import type { EditedDocuments } from './edited-documents.ts';
import { parseJsonDocument, parseJsonStream } from './json-document.ts';
import { lineStarts } from './line-starts.ts';
import { memo } from './memo.ts';
import type { Path } from './path.ts';
import { asArray, asObject, asString, dig, isObject, optionalString } from './read.ts';
import type { RolloutsVersions } from './rollouts-versions.ts';
import { storeOf, type WhyUnknown, type ObjectStore } from './store.ts';
import { MAX_DEPTH, parseProblem, yamlDocuments, type DocumentError, type ParsedDocument } from './yaml-documents.ts';

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
  /** Whether one of the two is null. */
  readonly empty: boolean;
}

/** The content of manifests. */
export interface Manifests {
  readonly objects: readonly SourceObject[];
  readonly errors: readonly ManifestError[];
  readonly duplicateKeys: readonly DuplicateKey[];
}

/** The error for a document that is YAML but not a manifest. */
export const NOT_AN_OBJECT = 'not a Kubernetes object: set apiVersion, kind and metadata.name';

/** The errors for a mapping that is nearly a Kubernetes object. */
export const NEARLY_AN_OBJECT = {
  apiVersion: 'not a Kubernetes object: apiVersion is missing',
  kind: 'not a Kubernetes object: kind is missing',
  // `name: on` is one.
  boolean: 'metadata.name is a boolean: put the name in quotes',
  number: 'metadata.name is a number: put the name in quotes',
} as const;

// The parser takes time that grows with the cube of these.
const NESTED_MARKS = /^ *(?:[-?] +){50}/m;

/**
 * Parses YAML or JSON (many documents, `kind: List`, a JSON array). Returns its objects with their positions, and the
 * errors. Never throws.
 * @param file - Its name in reports.
 * @param edited - What is known of this text from before it was edited.
 */
export function parseManifests(text: string, file: string, edited?: EditedDocuments): Manifests {
  const objects: SourceObject[] = [];
  const errors: ManifestError[] = [];
  const duplicateKeys: DuplicateKey[] = [];
  if (NESTED_MARKS.test(text)) {
    return { objects, duplicateKeys, errors: [{ file, line: 1, column: 1, message: 'nested too deeply' }] };
  }
  const lines = new LineCounter();
  // Not by the parser, which counts no line after a mistake in it.
  for (const start of lineStarts(text)) lines.addNewLine(start);
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  let document = -1;
  try {
    for (const parsed of documentsOf(text, edited)) {
      document++;
      if ('error' in parsed) {
        errors.push({ file, ...positionOf(parsed.offset), message: parsed.error });
        continue;
      }
      const { value, outline } = parsed;
      if (value === null || value === undefined) continue;
      const near: NearObject[] = [];
      const found = unwrap(value, [], near);
      for (const { path, message } of near) errors.push({ file, ...positionOf(outline.offsetOf(path)), message });
      if (found.length + near.length === 0)
        errors.push({ file, ...positionOf(outline.offsetOf([])), message: NOT_AN_OBJECT });
      const index = document;
      // One by one: a hundred thousand arguments of one call would not fit on the stack.
      for (const { object, path } of found)
        objects.push({
          object,
          file,
          document: index,
          position: (inside) => positionOf(outline.offsetOf([...path, ...inside])),
        });
      for (const repeated of duplicateKeysOf(parsed, found, file, positionOf)) duplicateKeys.push(repeated);
    }
  } catch (error) {
    return { objects: [], duplicateKeys: [], errors: [{ file, line: 1, column: 1, message: parseProblem(error) }] };
  }
  return { objects, errors, duplicateKeys };
}

function documentsOf(text: string, edited: EditedDocuments | undefined): Iterable<ParsedDocument | DocumentError> {
  const json = parseJsonDocument(text, MAX_DEPTH);
  if (json !== undefined) return [json];
  const stream = parseJsonStream(text, MAX_DEPTH);
  if (stream !== undefined) return stream;
  return edited?.read(text) ?? yamlDocuments(text);
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
  /** Returns the releases of Argo Rollouts that they are judged for; by default all that are supported. */
  readonly versions?: () => RolloutsVersions;
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
    return {
      ...source,
      object: getOrAdd(copies(source.object), namespace, () => inNamespace(source.object, namespace)),
    };
  });
  return { sources: placed, namespace };
}

// The same one each time, so that what is derived from it is still known.
const copies = memo((_object: KubeObject) => new Map<string, KubeObject>());

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** Returns a world of the objects. Other objects are absent or, for kinds that a bundle rarely contains, unknown. */
export function bundleWorld(objects: Iterable<KubeObject>, options: BundleOptions = {}): ObjectStore {
  const whyUnknown: WhyUnknown = (kind) =>
    options.complete !== true && RARELY_INCLUDED.has(kind) ? 'not among these manifests' : undefined;
  return storeOf(objects, whyUnknown, options.versions);
}

const GROUPS: ReadonlySet<string> = new Set(Object.values(KINDS).map(({ group }) => group));
const KIND_NAMES: ReadonlySet<string> = new Set(Object.values(KINDS).map(({ kind }) => kind));

interface NearObject {
  readonly path: Path;
  readonly message: string;
}

// A kind is an exact word: no API server knows `rollout` or `Rollouts`.
const EXACT_KINDS: ReadonlyMap<string, string> = new Map(
  Object.values(KINDS).flatMap(({ group, kind }) =>
    [kind, `${kind}s`].map((name) => [`${group}/${name}`.toLowerCase(), kind] as const),
  ),
);

interface FoundObject {
  readonly object: KubeObject;
  readonly path: Path;
}

function withExactKind(found: FoundObject, near: NearObject[]): FoundObject[] {
  const { apiVersion, kind } = found.object;
  const exact = EXACT_KINDS.get(`${groupOf(apiVersion)}/${kind}`.toLowerCase());
  if (exact === undefined || exact === kind) return [found];
  near.push({ path: [...found.path, 'kind'], message: `no API server knows kind "${kind}": write ${exact}` });
  return [];
}

function unwrap(value: unknown, path: Path, near: NearObject[]): FoundObject[] {
  if (Array.isArray(value)) return asArray(value).flatMap((entry, index) => unwrap(entry, [...path, index], near));
  if (!isObject(value)) return [];
  if (asString(value['kind']).endsWith('List') && Array.isArray(value['items'])) {
    return asArray(value['items']).flatMap((entry, index) => unwrap(entry, [...path, 'items', index], near));
  }
  if (isKubeObject(value)) return withExactKind({ object: value, path }, near);
  // Some servers accept `generateName` or a missing name. Rules can still check such an object by itself.
  if (typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string') {
    const metadata = asObject(value['metadata']);
    const type = typeof metadata['name'];
    if (type === 'boolean' || type === 'number') {
      near.push({ path: [...path, 'metadata', 'name'], message: NEARLY_AN_OBJECT[type] });
      return [];
    }
    const name = asString(dig(metadata, 'generateName'));
    return [
      {
        object: { ...value, apiVersion: value['apiVersion'], kind: value['kind'], metadata: { ...metadata, name } },
        path,
      },
    ];
  }
  if (optionalString(dig(value, 'metadata', 'name')) !== undefined) {
    // Other tools have files with the same fields.
    const { apiVersion, kind } = value;
    if (kind === undefined && typeof apiVersion === 'string' && GROUPS.has(groupOf(apiVersion)))
      near.push({ path, message: NEARLY_AN_OBJECT.kind });
    if (apiVersion === undefined && KIND_NAMES.has(asString(kind)))
      near.push({ path, message: NEARLY_AN_OBJECT.apiVersion });
  }
  return [];
}

function duplicateKeysOf(
  { repeated }: ParsedDocument,
  found: readonly { readonly object: KubeObject; readonly path: Path }[],
  file: string,
  positionOf: (offset: number) => Position,
): DuplicateKey[] {
  if (repeated.length === 0) return [];
  const holders = new Map(found.map((entry) => [JSON.stringify(entry.path), entry]));
  return repeated.map(({ path, key, first, last, same, empty }) => {
    const holder = holderOf(path, holders);
    return {
      file,
      object: holder?.object,
      path: path.slice(holder?.path.length ?? 0),
      key,
      first: positionOf(first),
      same,
      empty,
      ...positionOf(last),
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
