import type { KubeObject } from './object.ts';
import { asArray, dig, isObject, asString } from './read.ts';

/** The annotation with the last manifest that `kubectl apply` or Argo CD applied, unless by server-side apply. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The annotation by which a person with the right to do so suspends Rollgate for one object until a moment. */
export const BREAK_GLASS = 'rollgate.io/break-glass';

/** An entry of `metadata.managedFields` for the object itself. */
export interface Writer {
  readonly manager: string;
  readonly applies: boolean;
  readonly fields: unknown;
}

/** Returns the writers of an object by its managedFields, without those of subresources. */
export function writersOf(object: KubeObject): Writer[] {
  return asArray(object.metadata['managedFields'])
    .filter((entry) => asString(dig(entry, 'subresource')) === '')
    .map((entry) => ({
      manager: asString(dig(entry, 'manager')),
      applies: dig(entry, 'operation') === 'Apply',
      fields: dig(entry, 'fieldsV1'),
    }));
}

/** Reports whether a writer owns `spec.replicas`. */
export function ownsReplicas(writer: Writer): boolean {
  return isObject(dig(writer.fields, 'f:spec', 'f:replicas'));
}

/** Returns the last applied manifest from the annotation; undefined if there is none or it is invalid. */
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

// The field managers of people at a terminal; kubectl scale uses the scale subresource.
const BY_HAND: ReadonlySet<string> = new Set(['kubectl-edit', 'kubectl-patch']);

/** Reports whether a field manager belongs to a person at a terminal. */
export function isByHand(manager: string): boolean {
  return BY_HAND.has(manager);
}
