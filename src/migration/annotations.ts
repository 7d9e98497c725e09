import type { KubeObject } from '../world/object.ts';
import { asArray, dig, isObject, optionalNumber, optionalString, asString } from '../world/read.ts';

/**
 * The annotation of a Deployment that names the profile by which it becomes a Rollout; `off` for never. On a namespace
 * the label for Deployments that are created there.
 */
export const CONVERT = 'rollgate.io/convert';
/**
 * How many pods are wanted: what was submitted, while the Deployment itself is at 0. On the Rollout: the count that was
 * passed on last.
 */
export const REPLICAS = 'rollgate.io/replicas';
/** The uid of the Rollout that runs the pods. */
export const ROLLOUT_UID = 'rollgate.io/rollout-uid';
/** Why nothing is converted at the moment, as `code: sentence`; taking it away begins anew. */
export const SUSPENDED = 'rollgate.io/convert-suspended';
/** On a Rollout: the Deployment that it was made of. */
export const CONVERTED_FROM = 'rollgate.io/converted-from';

/** What is said under `rollgate.io/convert` where nothing shall be converted. */
export const OFF = 'off';

/** The id under which conversion speaks in warnings, logs and denials. */
export const MIGRATION_RULE = 'deployment-convert';

/**
 * Why a conversion is suspended. A refused one is tried again by itself; a Rollout that somebody deleted is not made
 * anew behind his back.
 */
export type SuspensionCode = 'refused' | 'rollout-deleted' | 'name-taken';

/** What Rollgate has written on a Deployment, and what its owner asks for. */
export interface MigrationAnnotations {
  /** The profile that is asked for; undefined where none is, or `off`. */
  readonly profile: string | undefined;
  /** Admission has let it in as one to be converted: how many pods are wanted. */
  readonly replicas: number | undefined;
  readonly rolloutUid: string | undefined;
  readonly suspended: string | undefined;
}

const MARKS: readonly string[] = [CONVERT, REPLICAS, ROLLOUT_UID, SUSPENDED];

/** In: an object. Out: whether anything about conversion is written on it. */
export function hasMigrationAnnotations(object: KubeObject): boolean {
  const annotations = object.metadata['annotations'];
  return isObject(annotations) && MARKS.some((key) => Object.hasOwn(annotations, key));
}

/** In: a Deployment. Out: its marks; a count that is none reads as absent. */
export function migrationAnnotationsOf(deployment: KubeObject): MigrationAnnotations {
  const read = (key: string): string | undefined => optionalString(dig(deployment.metadata, 'annotations', key));
  const profile = read(CONVERT);
  return {
    profile: profile === OFF ? undefined : profile,
    replicas: countIn(read(REPLICAS)),
    rolloutUid: read(ROLLOUT_UID),
    suspended: read(SUSPENDED),
  };
}

/** In: a text. Out: the count in it, or undefined. */
export function countIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/**
 * In: marks. Out: whether Rollgate decides about the count of the Deployment: it is converted, or on its way there or
 * back.
 */
export function isConverting({ profile, replicas, rolloutUid }: MigrationAnnotations): boolean {
  return replicas !== undefined && (profile !== undefined || rolloutUid !== undefined);
}

/** In: a Deployment as it is stored. Out: its count, by default 1. */
export function replicasOf(workload: KubeObject): number {
  return optionalNumber(dig(workload, 'spec', 'replicas')) ?? 1;
}

/** In: an object. Out: its uid, empty if it has none yet. */
export function uidOf(object: KubeObject): string {
  return asString(object.metadata['uid']);
}

/** Whose a Rollout is, seen from a Deployment. */
export type Ownership =
  /** Made of this Deployment. */
  | 'ours'
  /** Made of an earlier one of that name: garbage collection takes it any moment. */
  | 'predecessor'
  | 'foreign';

/**
 * In: a Rollout and a Deployment; one that is being created has no uid yet. Out: whose it is. One that outlived its
 * Deployment (`--cascade=orphan`) belongs to nobody, and to the next Deployment of that name.
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
