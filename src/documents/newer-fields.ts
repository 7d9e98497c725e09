import type { Path } from '../world/path.ts';
import { NEWER_FIELDS } from './newer-field-list.ts';

const NOTHING: ReadonlySet<string> = new Set();
const BY_KIND: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(NEWER_FIELDS).map(([kind, places]) => [kind, new Set(places)]),
);

/** Returns the newer fields at the place of an object within a kind. */
export function newerFieldsAt(kind: string, path: Path): string[] {
  const prefix = `${placeOf(path)}.`;
  return [...(BY_KIND.get(kind) ?? NOTHING)].flatMap((place) => {
    const field = place.startsWith(prefix) ? place.slice(prefix.length) : '.';
    return /[.[]/.test(field) ? [] : [field];
  });
}

/**
 * Reports whether a field is in the newest custom resource definition of a kind (Argo Rollouts 1.10, Istio 1.32, Gateway
 * API 1.6), but not in the compiled schemas. `npm run newer-fields` makes the list.
 */
export function isNewerField(kind: string, path: Path): boolean {
  return (BY_KIND.get(kind) ?? NOTHING).has(placeOf(path));
}

/** Returns a path without the numbers of list items: `spec.http[].timeout`. */
export function placeOf(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? '[]' : `${index === 0 ? '' : '.'}${part}`)).join('');
}
