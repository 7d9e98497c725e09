import { withOperations } from '../world/json-patch.ts';
import { NOT_AN_OBJECT, type ManifestError, type Manifests, type SourceObject } from '../world/manifests.ts';
import type { KubeObject } from '../world/object.ts';
import { at, pointer, type Path } from '../world/path.ts';
import { asObject, isObject } from '../world/read.ts';

// What Argo Rollouts and Argo Workflows replace themselves. Everything else in double braces is for Helm and the like.
const PLACEHOLDER = /\{\{ *(?:args|experiment|inputs|item|outputs|pod|steps|tasks|templates|workflow)\b[\w.-]* *\}\}/y;

// What nothing but a chart names.
const HELM = /\{\{-? ?(?:\.Values\.|\.Release\.|\.Chart\.|include ")/;

/**
 * Reports whether a text is a template that has to be rendered first: it has actions of a template language, and breaks
 * YAML or reads as an object whose key is an object. In quotes, actions are plain text, except those that only Helm has.
 */
export function isTemplate(text: string, { objects, errors }: Manifests): boolean {
  if (!hasActions(text)) return false;
  if (HELM.test(text)) return true;
  if (errors.some(({ message }) => message !== NOT_AN_OBJECT)) return true;
  // A name that is an object was read as an empty one.
  return objects.some(
    ({ object }) =>
      mappingsAsKeys(object, []).next().done === false ||
      (object.metadata.name === '' && /\bname:[ \t]*\{\{/.test(text)),
  );
}

function hasActions(text: string): boolean {
  for (let at = text.indexOf('{{'); at >= 0; at = text.indexOf('{{', at + 2)) {
    PLACEHOLDER.lastIndex = at;
    if (!PLACEHOLDER.test(text)) return true;
  }
  return false;
}

/**
 * Returns the manifests with an error for each object with a placeholder without quotes, which kubectl rejects: YAML
 * reads a mapping. In the objects the placeholders are texts, so that the rules do not report the same mistake again.
 */
export function withQuotedPlaceholders(manifests: Manifests): Manifests {
  const errors: ManifestError[] = [];
  const read = new Map<KubeObject, KubeObject>();
  const objects = manifests.objects.map((source): SourceObject => {
    const paths = [...mappingsAsKeys(source.object, [])];
    const [first] = paths;
    if (first === undefined) return source;
    errors.push({
      file: source.file,
      ...source.position(first),
      message: 'YAML reads {{...}} without quotes as a mapping: put it in quotes',
    });
    const object = withOperations(
      source.object,
      paths.flatMap((path) => quoted(source.object, path)),
    );
    read.set(source.object, object);
    return { ...source, object };
  });
  if (errors.length === 0) return manifests;
  const duplicateKeys = manifests.duplicateKeys.map((duplicate) => {
    const object = duplicate.object === undefined ? undefined : read.get(duplicate.object);
    return object === undefined ? duplicate : { ...duplicate, object };
  });
  return { objects, errors: [...manifests.errors, ...errors], duplicateKeys };
}

// How the parser writes a mapping that is a key. In quotes a key may hold braces.
const MAPPING_AS_KEY = /^\{ [^]* \}$/;

function quoted(object: KubeObject, path: Path) {
  const [key = '', ...others] = Object.keys(asObject(at(object, path)));
  return path.length === 0 || others.length > 0
    ? []
    : [{ op: 'replace' as const, path: pointer(path), value: `{{${key.slice(1, -1).trim()}}}` }];
}

function* mappingsAsKeys(value: unknown, path: Path): Generator<Path> {
  const entries = Array.isArray(value) ? value.entries() : isObject(value) ? Object.entries(value) : [];
  for (const [key, entry] of entries as Iterable<[string | number, unknown]>) {
    if (typeof key === 'string' && MAPPING_AS_KEY.test(key)) yield path;
    else yield* mappingsAsKeys(entry, [...path, key]);
  }
}
