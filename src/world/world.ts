import type { KindId, KubeObject, ObjectKey } from './object.ts';

/** What a world answers to a question about one object. */
export type Lookup =
  | { readonly state: 'present'; readonly object: KubeObject }
  | { readonly state: 'absent' }
  | { readonly state: 'unknown'; readonly reason: string };

/** What a world answers to a question about all objects of a kind in a namespace. */
export type Listing =
  | { readonly state: 'known'; readonly objects: readonly KubeObject[] }
  | { readonly state: 'unknown'; readonly reason: string };

/**
 * What the gate knows: a set of Kubernetes objects. The live cluster, a bundle of manifests, and a bundle
 * laid over a cluster are worlds. A world never throws and never waits.
 */
export interface World {
  /**
   * In: a kind and a place; the namespace is ignored for a cluster-scoped kind. Out: there, not there, or not to be
   * known.
   */
  get(kind: KindId, namespace: string, name: string): Lookup;
  /** In: a kind and a namespace (undefined: all of them). Out: the objects, in no particular order. */
  list(kind: KindId, namespace: string | undefined): Listing;
  /** In: the key of an object, which need not exist. Out: the objects that refer to it, directly. */
  referrers(key: ObjectKey): readonly KubeObject[];
}

export const ABSENT: Lookup = Object.freeze({ state: 'absent' });
