import type { Operation } from 'fast-json-patch';
import type { KubeObject } from '../world/object.ts';
import { dig, asString } from '../world/read.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import { differs } from './apply-diff.ts';
import {
  ownershipOf,
  countIn,
  isSuspendedAs,
  migrationAnnotationsOf,
  provesConversion,
  REPLICAS,
  replicasOf,
  uidOf,
  type MigrationAnnotations,
  type SuspensionCode,
} from './annotations.ts';
import { withReplicas } from './render.ts';
import {
  isAvailable,
  isBetweenRevisions,
  isObserved,
  isReleased,
  isTemplateObserved,
  isTrafficStable,
  release,
  serves,
  withoutScaleDown,
} from './state.ts';

/** What is known of one Deployment and its Rollout. */
export interface Observation {
  readonly deployment: KubeObject;
  /** The Rollout made from it, or else the one with the name that it would get. */
  readonly rollout: KubeObject | undefined;
  /** The Rollout as the profile renders it. Undefined where none is asked for, or there is no such profile. */
  readonly rendered: KubeObject | undefined;
  /** Why the rendered Rollout must be neither created nor applied, or undefined. */
  readonly notAllowed: string | undefined;
  /** The age of the Deployment, in milliseconds. */
  readonly age: number;
  /** Whether an autoscaler decides how many pods the Rollout has. */
  readonly autoscaled: boolean;
  /** The highest minimum of pods among the autoscalers of both. */
  readonly least: number;
  /** Why it cannot be reverted, each in a sentence: what would select no pods, or cannot be read. */
  readonly leftBehind: readonly string[];
  /** What still selects a ReplicaSet of the Rollout by its hash, or cannot be read. */
  readonly hashesLeft: readonly string[];
  /** Whether the rendered Rollout was applied already, and the API server stored something else. */
  readonly appliedInVain: boolean;
  /**
   * Why the Rollout could not be created, for how long, and how long to wait before the next attempt, in milliseconds.
   */
  readonly refusal: { readonly reason: string; readonly since: number; readonly pause: number } | undefined;
  /** The uids of the conversion policy and its binding. Undefined while they do not protect, or that is unknown. */
  readonly policyUids: string | undefined;
}

/** The next action for one Deployment. */
export type Action =
  | { readonly do: 'nothing'; readonly because: string }
  /** Observe again after some milliseconds. */
  | { readonly do: 'wait'; readonly milliseconds: number; readonly because: string; readonly tell?: boolean }
  | { readonly do: 'create'; readonly rollout: KubeObject }
  /** Note on the Deployment which Rollout runs its pods, and where the uids are given, that this proves its conversion. */
  | { readonly do: 'record'; readonly uid: string; readonly policyUids: string | undefined }
  /** Note another wanted count on the Deployment. */
  | { readonly do: 'note'; readonly replicas: number }
  | { readonly do: 'suspend'; readonly code: SuspensionCode; readonly reason: string }
  | { readonly do: 'scale-deployment'; readonly replicas: number; readonly because: string }
  | { readonly do: 'scale-rollout'; readonly replicas: number }
  | { readonly do: 'apply'; readonly rollout: KubeObject }
  | {
      readonly do: 'patch-rollout';
      readonly rollout: KubeObject;
      readonly operations: readonly Operation[];
      readonly because: string;
    }
  | { readonly do: 'delete-rollout'; readonly rollout: KubeObject }
  /** Remove everything that Rollgate has noted on the Deployment. */
  | { readonly do: 'forget' };

/** How long the creation of a Rollout may fail until its Deployment gets its pods back, in milliseconds. */
export const CREATE_TIMEOUT = 30_000;

const SOON = 500;
const LATER = 2_000;
const MUCH_LATER = 10_000;

/**
 * Returns the one next action. It depends on nothing but the observation, so a process that is killed between two steps
 * leaves what the next one starts from. Repeated, it ends in `nothing`, or waits for something else.
 */
export function nextAction(seen: Observation): Action {
  const { deployment } = seen;
  if (isBeingDeleted(deployment))
    return nothing('the Deployment is being deleted, and garbage collection deletes its Rollout');
  const annotations = migrationAnnotationsOf(deployment);
  if (annotations.profile === undefined) return reconcileRevert(seen, annotations);
  if (annotations.replicas === undefined) return nothing('admission did not accept it for conversion: apply it again');
  return reconcileForward(seen, annotations, annotations.replicas);
}

function reconcileForward(seen: Observation, annotations: MigrationAnnotations, wanted: number): Action {
  const { deployment, rollout } = seen;
  if (rollout === undefined || isBeingDeleted(rollout)) return createRollout(seen, annotations, wanted);
  switch (ownershipOf(rollout, deployment)) {
    case 'predecessor':
      return annotations.rolloutUid === undefined
        ? wait(SOON, 'the Rollout of an earlier Deployment of this name is still being removed')
        : recoverLostRollout(seen, wanted);
    case 'foreign':
      if (annotations.rolloutUid !== undefined) return recoverLostRollout(seen, wanted);
      return suspended(
        seen,
        annotations,
        wanted,
        'name-taken',
        `Rollout "${rollout.metadata.name}" exists and was not created for this Deployment`,
      );
    case 'ours':
      return withRollout(seen, rollout, annotations, wanted);
  }
}

function createRollout(seen: Observation, annotations: MigrationAnnotations, wanted: number): Action {
  const { deployment, rollout, rendered, notAllowed, least, refusal, policyUids } = seen;
  if (annotations.rolloutUid !== undefined) return recoverLostRollout(seen, wanted);
  if (rollout !== undefined) return wait(SOON, 'the Rollout of that name is being deleted');
  const scaled = scaledWhileSuspended(deployment, annotations, wanted);
  if (scaled !== undefined) return scaled;
  if (isSuspendedAs(annotations, 'rollout-deleted'))
    return nothing('its Rollout was deleted; remove rollgate.io/convert-suspended to convert it again');
  // Where nothing protects the annotations the guard refuses to create it, and says so.
  if (policyUids !== undefined && annotations.policyUids !== policyUids) return unproven(seen, annotations, wanted);
  if (rendered === undefined) return withoutProfile(seen, annotations, wanted);
  if (notAllowed !== undefined) return suspended(seen, annotations, wanted, 'refused', notAllowed);
  if (refusal !== undefined) {
    if (refusal.since >= CREATE_TIMEOUT && annotations.suspended === undefined)
      return suspended(seen, annotations, wanted, 'refused', refusal.reason);
    if (refusal.pause > 0)
      return wait(
        annotations.suspended === undefined
          ? Math.min(refusal.pause, Math.max(CREATE_TIMEOUT - refusal.since, SOON))
          : refusal.pause,
        `cannot create the Rollout: ${refusal.reason}`,
      );
  }
  return { do: 'create', rollout: withReplicas(rendered, atLeast(wanted, least)) };
}

const UNPROVEN =
  'nothing shows that a user who may create Rollouts asked for this conversion under the current conversion policy: apply or annotate the Deployment again as such a user';

// It replaces another reason: this one says what to do.
function unproven(seen: Observation, annotations: MigrationAnnotations, wanted: number): Action {
  const suspension = isSuspendedAs(annotations, 'not-proven') ? annotations.suspended : undefined;
  return suspended(seen, { ...annotations, suspended: suspension }, wanted, 'not-proven', UNPROVEN);
}

/** Returns why the Rollout of a Deployment stays as it is although its profile renders another one, or undefined. */
export function whyNotApplied({
  deployment,
  rollout,
  rendered,
  notAllowed,
}: Pick<Observation, 'deployment' | 'rollout' | 'rendered' | 'notAllowed'>): string | undefined {
  return notAllowed !== undefined &&
    rendered !== undefined &&
    rollout !== undefined &&
    ownershipOf(rollout, deployment) === 'ours' &&
    differs(rollout, rendered)
    ? `Rollout "${rollout.metadata.name}" stays as it is: ${notAllowed}`
    : undefined;
}

// The profile may only be late: a policy does not reach all replicas of Rollgate at once.
function withoutProfile(
  { deployment, least, age }: Observation,
  { profile = '' }: MigrationAnnotations,
  wanted: number,
): Action {
  const because = `conversion profile "${profile}" not found`;
  const target = atLeast(wanted, least);
  if (replicasOf(deployment) >= target) return nothing(because);
  return age >= CREATE_TIMEOUT ? scaleDeployment(target, because) : wait(LATER, because);
}

// Pods first: the annotation only says what has happened.
function recoverLostRollout({ deployment, least }: Observation, wanted: number): Action {
  const target = atLeast(wanted, least);
  if (replicasOf(deployment) < target) return scaleDeployment(target, 'its Rollout is gone');
  return { do: 'suspend', code: 'rollout-deleted', reason: 'its Rollout was deleted' };
}

function suspended(
  { deployment, least }: Observation,
  annotations: MigrationAnnotations,
  wanted: number,
  code: SuspensionCode,
  reason: string,
): Action {
  if (annotations.suspended !== undefined)
    return scaledWhileSuspended(deployment, annotations, wanted) ?? nothing(reason);
  const target = atLeast(wanted, least);
  return replicasOf(deployment) < target ? scaleDeployment(target, reason) : { do: 'suspend', code, reason };
}

// It has its pods back, and is scaled as any Deployment is.
function scaledWhileSuspended(
  deployment: KubeObject,
  annotations: MigrationAnnotations,
  wanted: number,
): Action | undefined {
  return annotations.suspended === undefined || replicasOf(deployment) === wanted
    ? undefined
    : { do: 'note', replicas: replicasOf(deployment) };
}

function record(
  { deployment, policyUids: current }: Observation,
  rollout: KubeObject,
  annotations: MigrationAnnotations,
): Action | undefined {
  const policyUids = provesConversion(rollout, deployment) ? current : undefined;
  const isProven = policyUids === undefined || annotations.policyUids === policyUids;
  return annotations.rolloutUid === uidOf(rollout) && annotations.suspended === undefined && isProven
    ? undefined
    : { do: 'record', uid: uidOf(rollout), policyUids };
}

function withRollout(
  seen: Observation,
  rollout: KubeObject,
  annotations: MigrationAnnotations,
  wanted: number,
): Action {
  const { deployment, rendered, autoscaled } = seen;
  const unrecorded = record(seen, rollout, annotations);
  if (unrecorded !== undefined) return unrecorded;
  const running = replicasOf(deployment);
  // A user or autoscaler who scales the Deployment wants more pods, not pods in addition to those of the Rollout.
  if (running > wanted && running > replicasOf(rollout) && !autoscaled) return { do: 'note', replicas: running };
  const passedOn = countIn(asString(dig(rollout.metadata, 'annotations', REPLICAS)));
  if (passedOn !== wanted && !autoscaled && replicasOf(rollout) !== wanted)
    return { do: 'scale-rollout', replicas: wanted };
  if (rendered !== undefined && seen.notAllowed === undefined && !seen.appliedInVain && differs(rollout, rendered))
    return { do: 'apply', rollout: rendered };
  if (running === 0) return nothing('converted');
  return serves(rollout)
    ? scaleDeployment(0, 'its Rollout is healthy')
    : nothing('the Deployment keeps its pods until the Rollout is healthy');
}

function reconcileRevert(seen: Observation, annotations: MigrationAnnotations): Action {
  const { deployment, rollout, least } = seen;
  const wanted = annotations.replicas ?? 0;
  if (rollout === undefined || ownershipOf(rollout, deployment) !== 'ours')
    return withoutRollout(seen, annotations, wanted);
  const target = atLeast(Math.max(wanted, replicasOf(rollout)), least);
  if (isBeingDeleted(rollout))
    return replicasOf(deployment) < target
      ? scaleDeployment(target, 'its Rollout is being deleted')
      : wait(SOON, 'the Rollout is being deleted');
  if (isReleased(rollout)) return untilDeploymentServes(deployment, rollout, target) ?? deleteRollout(seen, rollout);
  const reason = revertBlockedBy(seen, rollout);
  if (reason !== undefined) return { do: 'wait', milliseconds: LATER, because: reason, tell: true };
  if (dig(rollout, 'spec', 'workloadRef', 'scaleDown') !== 'never')
    return {
      do: 'patch-rollout',
      rollout,
      operations: withoutScaleDown(rollout),
      because: 'the Rollout must not scale the Deployment down while it is converted back',
    };
  return (
    untilDeploymentServes(deployment, rollout, target) ?? {
      do: 'patch-rollout',
      rollout,
      operations: release(rollout),
      because: 'the pods of the Deployment serve traffic; removing the hash of the Rollout from Services and routes',
    }
  );
}

function withoutRollout({ deployment, least }: Observation, annotations: MigrationAnnotations, wanted: number): Action {
  const { replicas, rolloutUid, suspended: suspension, policyUids } = annotations;
  if ([replicas, rolloutUid, suspension, policyUids].every((each) => each === undefined))
    return nothing('it does not ask for conversion');
  // While its conversion was suspended it had its pods, and its count is the one it was scaled to.
  if (annotations.suspended !== undefined && annotations.rolloutUid === undefined) return { do: 'forget' };
  const target = atLeast(wanted, least);
  return replicasOf(deployment) < target ? scaleDeployment(target, 'its Rollout is gone') : { do: 'forget' };
}

/** Returns what to do until the Deployment serves by itself; undefined once it does. */
function untilDeploymentServes(deployment: KubeObject, rollout: KubeObject, target: number): Action | undefined {
  if (!isObserved(rollout)) return wait(SOON, 'the controller has not observed the current Rollout');
  if (replicasOf(deployment) < target) return scaleDeployment(target, 'it is converted back to a plain Deployment');
  return isAvailable(deployment, target) ? undefined : wait(SOON, 'the pods of the Deployment are not available yet');
}

function deleteRollout({ hashesLeft }: Observation, rollout: KubeObject): Action {
  if (hashesLeft.length === 0) return { do: 'delete-rollout', rollout };
  return {
    do: 'wait',
    milliseconds: SOON,
    because: `the Rollout is still selected by ${hashesLeft.join(', ')}`,
    tell: true,
  };
}

/** Returns why the revert cannot begin, or undefined. */
function revertBlockedBy({ deployment, leftBehind }: Observation, rollout: KubeObject): string | undefined {
  if (isBetweenRevisions(rollout))
    return 'an update of the Rollout is in progress or was aborted: the revert begins when the update has ended or is rolled back';
  if (replicasOf(deployment) === 0 && !isTemplateObserved(rollout, deployment))
    return 'the controller has not observed the current pod template';
  if (!isTrafficStable(rollout)) return 'traffic is not all on the stable pods yet';
  return leftBehind.length > 0 ? leftBehind.join('; ') : undefined;
}

// A workload that is wanted at 0 has no pods, whatever the minimum of the autoscaler.
function atLeast(wanted: number, least: number): number {
  return wanted === 0 ? 0 : Math.max(wanted, least);
}

function nothing(because: string): Action {
  return { do: 'nothing', because };
}

function wait(milliseconds: number, because: string): Action {
  return { do: 'wait', milliseconds: Math.min(milliseconds, MUCH_LATER), because };
}

function scaleDeployment(replicas: number, because: string): Action {
  return { do: 'scale-deployment', replicas, because };
}
