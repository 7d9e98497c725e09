import { NOT_AN_OBJECT, type ManifestError, type Manifests } from '../world/manifests.ts';
import type { Path } from '../world/path.ts';
import { isObject } from '../world/read.ts';

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
      pathOfMappingAsKey(object, []) !== undefined || (object.metadata.name === '' && /\bname:[ \t]*\{\{/.test(text)),
  );
}

function hasActions(text: string): boolean {
  for (let at = text.indexOf('{{'); at >= 0; at = text.indexOf('{{', at + 2)) {
    PLACEHOLDER.lastIndex = at;
    if (!PLACEHOLDER.test(text)) return true;
  }
  return false;
}

/** Returns an error for each object with a placeholder without quotes, which kubectl rejects: YAML reads a mapping. */
export function unquotedPlaceholders({ objects }: Manifests): readonly ManifestError[] {
  return objects.flatMap(({ object, file, position }) => {
    const path = pathOfMappingAsKey(object, []);
    return path === undefined
      ? []
      : [{ file, ...position(path), message: 'YAML reads {{...}} without quotes as a mapping: put it in quotes' }];
  });
}

// How the parser writes a mapping that is a key. In quotes a key may hold braces.
const MAPPING_AS_KEY = /^\{ [^]* \}$/;

function pathOfMappingAsKey(value: unknown, path: Path): Path | undefined {
  const entries = Array.isArray(value) ? value.entries() : isObject(value) ? Object.entries(value) : [];
  for (const [key, entry] of entries as Iterable<[string | number, unknown]>) {
    const found =
      typeof key === 'string' && MAPPING_AS_KEY.test(key) ? path : pathOfMappingAsKey(entry, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
