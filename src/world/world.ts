import type { InstalledFields } from './field-tree.ts';
import { memo } from './memo.ts';
import { kindOf, type KindId, type KubeObject, type ObjectKey } from './object.ts';
import type { RolloutsVersions } from './rollouts-versions.ts';

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
  /** The releases of Argo Rollouts that the world is judged for. */
  readonly versions: RolloutsVersions;
  /** The fields of the installed custom resources, as far as they are known. The same object until one changes. */
  readonly fields: InstalledFields;
  /** Looks up an object. The namespace is ignored for a cluster-scoped kind. */
  get(kind: KindId, namespace: string, name: string): Lookup;
  /** Returns the objects of a kind in a namespace (undefined: in all), in no particular order. */
  list(kind: KindId, namespace: string | undefined): Listing;
  /**
   * Returns the objects that directly refer to a key, whose object need not exist, in no particular order. Of two or more
   * it is the same list until one of them changes.
   */
  referrers(key: ObjectKey): readonly KubeObject[];
}

const byKind = memo((_objects: readonly KubeObject[]) => new Map<KindId, readonly KubeObject[]>());

/** Returns the objects of one kind: always the same list for the same objects. */
export function ofKind(objects: readonly KubeObject[], kind: KindId): readonly KubeObject[] {
  if (objects.length < 2) return objects.filter((object) => kindOf(object) === kind);
  const known = byKind(objects);
  let found = known.get(kind);
  if (found === undefined) {
    found = objects.filter((object) => kindOf(object) === kind);
    known.set(kind, found);
  }
  return found;
}

/** The answer that an object does not exist. */
export const ABSENT: Lookup = Object.freeze({ state: 'absent' });
