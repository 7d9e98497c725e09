import type { KubeObject } from './object.ts';
import { asArray, dig, isObject, asString } from './read.ts';

/**
 * The annotation in which `kubectl apply` and Argo CD keep what they applied last, unless they apply on the server's
 * side.
 */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** One entry of `metadata.managedFields` for the object itself: who, and how. */
export interface Writer {
  readonly manager: string;
  readonly applies: boolean;
  readonly fields: unknown;
}

/** In: an object. Out: who writes it, by its managedFields; those who write a subresource are left out. */
export function writersOf(object: KubeObject): Writer[] {
  return asArray(object.metadata['managedFields'])
    .filter((entry) => asString(dig(entry, 'subresource')) === '')
    .map((entry) => ({
      manager: asString(dig(entry, 'manager')),
      applies: dig(entry, 'operation') === 'Apply',
      fields: dig(entry, 'fieldsV1'),
    }));
}

/** In: a writer. Out: whether it owns `spec.replicas`. */
export function ownsReplicas(writer: Writer): boolean {
  return isObject(dig(writer.fields, 'f:spec', 'f:replicas'));
}

/**
 * In: an object. Out: the manifest that was applied last, by its annotation; undefined if there is none or it cannot be
 * read.
 */
export function lastApplied(object: KubeObject): unknown {
  const text = dig(object.metadata, 'annotations', LAST_APPLIED);
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

// What only a person at a terminal writes with; kubectl scale uses the scale subresource.
const BY_HAND: ReadonlySet<string> = new Set(['kubectl-edit', 'kubectl-patch']);

/** In: a field manager. Out: whether a person at a terminal chose what it writes. */
export function isByHand(manager: string): boolean {
  return BY_HAND.has(manager);
}
