import type { KubeObject } from './object.ts';
import type { Place } from './place.ts';
import { asArray, dig } from './read.ts';
import { isBeingDeleted } from './rollout.ts';

/** The places that `isSomebodyElses` reads. */
export const OWNER_PLACES: readonly Place[] = ['metadata.ownerReferences', 'metadata.deletionTimestamp'];

/**
 * Reports whether an object stays and is not one that the controller has created for a Rollout. The controller compares
 * uids, which manifests lack, so the name of the Rollout is enough here. Source: k8s.io/apimachinery v0.34,
 * pkg/apis/meta/v1/controller_ref.go (IsControlledBy).
 */
export function isSomebodyElses(object: KubeObject, rollout: KubeObject): boolean {
  return (
    !isBeingDeleted(object) &&
    !asArray(object.metadata['ownerReferences']).some(
      (owner) =>
        dig(owner, 'controller') === true &&
        dig(owner, 'kind') === rollout.kind &&
        dig(owner, 'name') === rollout.metadata.name,
    )
  );
}
