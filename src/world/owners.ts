import type { KubeObject } from './object.ts';
import type { Place } from './place.ts';
import { asArray, dig } from './read.ts';

/** The places that `isOwnedBy` reads. */
export const OWNER_PLACES: readonly Place[] = ['metadata.ownerReferences'];

/**
 * Reports whether the controller has created an object for a Rollout. The controller compares uids, which manifests lack,
 * so the name of the Rollout is enough here. Source: k8s.io/apimachinery v0.34, pkg/apis/meta/v1/controller_ref.go
 * (IsControlledBy).
 */
export function isOwnedBy(object: KubeObject, rollout: KubeObject): boolean {
  return asArray(object.metadata['ownerReferences']).some(
    (owner) =>
      dig(owner, 'controller') === true &&
      dig(owner, 'kind') === rollout.kind &&
      dig(owner, 'name') === rollout.metadata.name,
  );
}
