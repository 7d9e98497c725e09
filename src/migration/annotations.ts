import type { KubeObject } from '../world/object.ts';
import { asArray, dig, isObject, optionalNumber, optionalString, asString } from '../world/read.ts';

/**
 * The annotation of a Deployment that names the profile by which it becomes a Rollout, or `off`. As a label of a
 * namespace it applies to Deployments that are created there.
 */
export const CONVERT = 'rollgate.io/convert';
/**
 * How many pods are wanted. On the Deployment: the submitted count, while its own is 0. On the Rollout: the count that
 * was passed on last.
 */
export const REPLICAS = 'rollgate.io/replicas';
/** The uid of the Rollout that runs the pods. */
export const ROLLOUT_UID = 'rollgate.io/rollout-uid';
/** Why the conversion is suspended, as `code: sentence`. Removing it starts the conversion again. */
export const SUSPENDED = 'rollgate.io/convert-suspended';
/** On a Rollout: the Deployment that it was made from. */
export const CONVERTED_FROM = 'rollgate.io/converted-from';

/**
 * The uids of the conversion policy and its binding that were in effect when admission accepted the Deployment. They make
 * the count a proof: nobody without the right to create Rollouts can write them while both are in effect, and nobody
 * knows them before.
 */
export const POLICY_UIDS = 'rollgate.io/conversion-policy';

/** The value of `rollgate.io/convert` that opts out of conversion. */
export const OFF = 'off';

/** The rule id of conversion in warnings, logs and denials. */
export const MIGRATION_RULE = 'deployment-convert';

/**
 * Why a conversion is suspended. Rollgate tries again after `refused`, but never creates a Rollout again that a user
 * deleted. After `not-proven` somebody who may create Rollouts has to ask for it again.
 */
export type SuspensionCode = 'refused' | 'rollout-deleted' | 'name-taken' | 'not-proven';

/** What Rollgate has noted on a Deployment, and what its owner asks for. */
export interface MigrationAnnotations {
  /** The profile that is asked for. Undefined where none is, or `off`. */
  readonly profile: string | undefined;
  /** How many pods are wanted. Set once admission has accepted the Deployment as one to convert. */
  readonly replicas: number | undefined;
  readonly rolloutUid: string | undefined;
  readonly suspended: string | undefined;
  /** The uids of the conversion policy and its binding, as they were when admission accepted the Deployment. */
  readonly policyUids: string | undefined;
}

/** The annotations of a Deployment that only Rollgate writes. */
export const OWN_ANNOTATIONS: readonly string[] = [REPLICAS, ROLLOUT_UID, SUSPENDED, POLICY_UIDS];
const KEYS: readonly string[] = [CONVERT, ...OWN_ANNOTATIONS];

/** Returns whether an object has any annotation of conversion. */
export function hasMigrationAnnotations(object: KubeObject): boolean {
  const annotations = object.metadata['annotations'];
  return isObject(annotations) && KEYS.some((key) => Object.hasOwn(annotations, key));
}

/** Returns the annotations of conversion. An invalid count reads as absent. */
export function migrationAnnotationsOf(deployment: KubeObject): MigrationAnnotations {
  const read = (key: string): string | undefined => optionalString(dig(deployment.metadata, 'annotations', key));
  const profile = read(CONVERT);
  return {
    profile: profile === OFF ? undefined : profile,
    replicas: countIn(read(REPLICAS)),
    rolloutUid: read(ROLLOUT_UID),
    suspended: read(SUSPENDED),
    policyUids: read(POLICY_UIDS),
  };
}

/** Returns the count in a text, or undefined. */
export function countIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/**
 * Returns whether Rollgate decides about the replica count of the Deployment: it is converted, or on its way there or
 * back.
 */
export function isConverting({ profile, replicas, rolloutUid }: MigrationAnnotations): boolean {
  return replicas !== undefined && (profile !== undefined || rolloutUid !== undefined);
}

/** Returns whether a conversion is suspended for one reason. */
export function isSuspendedAs({ suspended }: MigrationAnnotations, code: SuspensionCode): boolean {
  return suspended?.startsWith(`${code}:`) === true;
}

/** Returns the replica count of a stored workload, by default 1. */
export function replicasOf(workload: KubeObject): number {
  return optionalNumber(dig(workload, 'spec', 'replicas')) ?? 1;
}

/** Returns the uid of an object, empty if it has none yet. */
export function uidOf(object: KubeObject): string {
  return asString(object.metadata['uid']);
}

/** How a Rollout belongs to a Deployment. */
export type Ownership =
  /** Made from this Deployment. */
  | 'ours'
  /** Made from an earlier Deployment of that name: garbage collection is about to delete it. */
  | 'predecessor'
  | 'foreign';

/**
 * Returns how a Rollout belongs to a Deployment. A Rollout that outlived its Deployment (`--cascade=orphan`) belongs to
 * the next Deployment of that name.
 *
 * @param deployment - Has no uid while it is being created.
 */
export function ownershipOf(rollout: KubeObject, deployment: KubeObject): Ownership {
  if (dig(rollout.metadata, 'annotations', CONVERTED_FROM) !== deployment.metadata.name) return 'foreign';
  const owners = asArray(rollout.metadata['ownerReferences']);
  if (owners.length === 0) return 'ours';
  if (owners.some((owner) => dig(owner, 'uid') === uidOf(deployment) && uidOf(deployment) !== '')) return 'ours';
  return owners.every((owner) => dig(owner, 'kind') === 'Deployment' && dig(owner, 'name') === deployment.metadata.name)
    ? 'predecessor'
    : 'foreign';
}

/**
 * Returns whether a Rollout shows that this Deployment was accepted for conversion: it is controlled by the Deployment and
 * refers to it. Without the right to create Rollouts nobody can have made it.
 */
export function provesConversion(rollout: KubeObject, deployment: KubeObject): boolean {
  const ref = dig(rollout, 'spec', 'workloadRef');
  return (
    ownershipOf(rollout, deployment) === 'ours' &&
    dig(ref, 'kind') === 'Deployment' &&
    dig(ref, 'name') === deployment.metadata.name &&
    asArray(rollout.metadata['ownerReferences']).some(
      (owner) => dig(owner, 'controller') === true && dig(owner, 'uid') === uidOf(deployment),
    )
  );
}
