import type { KindId, KubeObject, ObjectKey } from './object.ts';

/** The result of looking up one object. */
export type Lookup =
  | { readonly state: 'present'; readonly object: KubeObject }
  | { readonly state: 'absent' }
  | { readonly state: 'unknown'; readonly reason: string };

/** The result of listing all objects of a kind in a namespace. */
export type Listing =
  | { readonly state: 'known'; readonly objects: readonly KubeObject[] }
  | { readonly state: 'unknown'; readonly reason: string };

/**
 * The Kubernetes objects that the gate knows. The live cluster, a bundle of manifests, and a bundle on top of a cluster
 * are worlds. A world never throws and never waits.
 */
export interface World {
  /** Looks up an object. The namespace is ignored for a cluster-scoped kind. */
  get(kind: KindId, namespace: string, name: string): Lookup;
  /** Returns the objects of a kind in a namespace (undefined: in all), in no particular order. */
  list(kind: KindId, namespace: string | undefined): Listing;
  /** Returns the objects that directly refer to a key, whose object need not exist. */
  referrers(key: ObjectKey): readonly KubeObject[];
}

/** The answer that an object does not exist. */
export const ABSENT: Lookup = Object.freeze({ state: 'absent' });
