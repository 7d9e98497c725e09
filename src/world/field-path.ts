import { isLabelKey } from './names.ts';
import { array, isObject } from './read.ts';

const METADATA: ReadonlySet<string> = new Set(['metadata.name', 'metadata.namespace', 'metadata.uid', 'metadata.labels', 'metadata.annotations']);
const KEYED = /^metadata\.(labels|annotations)\['(.*)'\]$/s;

/**
 * In: a field path under `metadata`. Out: whether a fieldRef can read it: name, namespace, uid, all labels or annotations, or one of them by its key; one that the object does not have reads as
 * the empty string. Source: `k8s.io/kubernetes` v1.34, `pkg/fieldpath` (`ExtractFieldPathAsString`), with which Argo Rollouts v1.9.1 reads what starts with `metadata`.
 */
export function isMetadataPath(path: string): boolean {
  if (METADATA.has(path)) return true;
  const [, map, key] = KEYED.exec(path) ?? [];
  return key !== undefined && isLabelKey(map === 'annotations' ? key.toLowerCase() : key);
}

/** In: a field path. Out: its sections: what dots and brackets separate, quotes left as they are. */
export function sectionsOf(path: string): readonly string[] {
  return path.split(/[.[\]]+/).filter((section) => section !== '');
}

const INDEX = /^[+]?[0-9]+$/;

/**
 * In: a JSON value and the sections of a path. Out: whether a single value stands there; null, a list and a mapping are none. Source: Argo Rollouts v1.9.1, `utils/analysis/factory.go`
 * (`extractValueFromRollout`), which reads a fieldRef that does not start with `metadata`.
 */
export function hasValueAt(value: unknown, sections: readonly string[]): boolean {
  let current = value;
  for (const section of sections) {
    if (Array.isArray(current)) current = INDEX.test(section) ? array(current)[Number(section)] : undefined;
    else if (isObject(current)) current = Object.hasOwn(current, section) ? current[section] : undefined;
    else return false;
  }
  return current !== undefined && current !== null && typeof current !== 'object';
}
