import { schemaOf } from '../documents/models.ts';
import { NOT_AN_OBJECT, type ManifestError, type Manifests, type SourceObject } from '../world/manifests.ts';
import { isKubeObject, type KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { isObject } from '../world/read.ts';

// What Argo Rollouts and Argo Workflows replace themselves. Everything else in double braces is for Helm and the like.
const PLACEHOLDER = /\{\{ *(?:args|experiment|inputs|item|outputs|pod|steps|tasks|templates|workflow)\b[\w.-]* *\}\}/y;

// What nothing but a chart names.
const HELM = /\{\{-? ?(?:\.Values\.|\.Release\.|\.Chart\.|include ")/;

// What nothing but a chart has in an object that Rollgate checks: its values in longer actions, and braces that it keeps
// for others, as in `{{ "{{" }}`. Elsewhere they are also rendered text: Grafana and Argo CD have such templates.
const HELM_IN_TEXT = /\{\{-? ?["`]\{\{|\{\{[^{}]*\.(?:Values|Release|Chart|Capabilities)\./;

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
      pathOfMappingAsKey(object, []) !== undefined ||
      (object.metadata.name === '' && /\bname:[ \t]*\{\{/.test(text)) ||
      (schemaOf(object.apiVersion, object.kind) !== undefined && hasHelmText(object['spec'])),
  );
}

function hasHelmText(value: unknown): boolean {
  if (typeof value === 'string') return HELM_IN_TEXT.test(value);
  if (Array.isArray(value)) return value.some(hasHelmText);
  return isObject(value) && Object.values(value).some(hasHelmText);
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
 * reads a mapping. In the objects the placeholder is a text, so that no rule reports the same mistake again.
 */
export function withQuotedPlaceholders(manifests: Manifests): Manifests {
  const errors: ManifestError[] = [];
  const read = new Map<KubeObject | undefined, KubeObject>();
  const objects = manifests.objects.map((source): SourceObject => {
    const { object, file, position } = source;
    const path = pathOfMappingAsKey(object, []);
    if (path === undefined) return source;
    errors.push({
      file,
      ...position(path),
      message: 'YAML reads {{...}} without quotes as a mapping: put it in quotes',
    });
    const quoted = withTexts(object);
    if (!isKubeObject(quoted)) return source;
    read.set(object, quoted);
    return { ...source, object: quoted };
  });
  if (errors.length === 0) return manifests;
  return {
    objects,
    errors: [...manifests.errors, ...errors],
    duplicateKeys: manifests.duplicateKeys.map((key) => ({ ...key, object: read.get(key.object) ?? key.object })),
  };
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

function withTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTexts);
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  const [[key, entry] = ['', undefined], second] = entries;
  if (second === undefined && entry === null && MAPPING_AS_KEY.test(key)) return `{{${key.slice(2, -2)}}}`;
  // Not by assignment: a key may be `__proto__`.
  return Object.fromEntries(entries.map(([name, inner]) => [name, withTexts(inner)]));
}
