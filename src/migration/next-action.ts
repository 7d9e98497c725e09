import type { Operation } from 'fast-json-patch';
import type { KubeObject } from '../world/object.ts';
import { dig, asString } from '../world/read.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import { differs } from './apply-diff.ts';
import {
  ownershipOf,
  countIn,
  migrationAnnotationsOf,
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

/** What is seen of one Deployment and its Rollout. */
export interface Observation {
  readonly deployment: KubeObject;
  /** The Rollout made of it, or else the one that has the name it would get. */
  readonly rollout: KubeObject | undefined;
  /** The Rollout as the profile has it; undefined where none is asked for, or there is no such profile. */
  readonly rendered: KubeObject | undefined;
  /** For how long the Deployment has been there, in milliseconds. */
  readonly age: number;
  /** Whether an autoscaler decides how many pods the Rollout has. */
  readonly autoscaled: boolean;
  /** The fewest pods that an autoscaler of either would have. */
  readonly least: number;
  /** Why it cannot go back, each in a sentence: what would select no pods, or cannot be read. */
  readonly leftBehind: readonly string[];
  /** What selects a ReplicaSet of the Rollout by its hash, or cannot be read. */
  readonly hashesLeft: readonly string[];
  /** Whether what is rendered was applied already, and the API server made something else of it. */
  readonly appliedInVain: boolean;
  /** That and why the Rollout could not be created, for how long, and how long not to try again; in milliseconds. */
  readonly refusal: { readonly reason: string; readonly since: number; readonly pause: number } | undefined;
}

/** What is to be done next about one Deployment. */
export type Action =
  | { readonly do: 'nothing'; readonly because: string }
  /** Look again after some milliseconds. */
  | { readonly do: 'wait'; readonly milliseconds: number; readonly because: string; readonly tell?: boolean }
  | { readonly do: 'create'; readonly rollout: KubeObject }
  /** Note on the Deployment which Rollout runs its pods. */
  | { readonly do: 'record'; readonly uid: string }
  /** Note on the Deployment that another count is wanted. */
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
  /** Take everything off the Deployment that Rollgate has written on it. */
  | { readonly do: 'forget' };

/** How long creating a Rollout may be refused until the pods of its Deployment are put back, in milliseconds. */
export const CREATE_TIMEOUT = 30_000;

const SOON = 500;
const LATER = 2_000;
const MUCH_LATER = 10_000;

/**
 * In: what is seen. Out: the one next thing to do. It rests on nothing but what is seen, so that whoever is killed
 * between any two steps leaves what the next one starts from; done again and again it ends in `nothing`, or waits for
 * somebody else.
 */
export function nextAction(seen: Observation): Action {
  const { deployment } = seen;
  if (isBeingDeleted(deployment))
    return nothing('the Deployment is being deleted, and garbage collection takes its Rollout');
  const marks = migrationAnnotationsOf(deployment);
  if (marks.profile === undefined) return reconcileRevert(seen, marks);
  if (marks.replicas === undefined) return nothing('it was not let in as one to be converted: apply it once more');
  return reconcileForward(seen, marks, marks.replicas);
}

function reconcileForward(seen: Observation, marks: MigrationAnnotations, wanted: number): Action {
  const { deployment, rollout } = seen;
  if (rollout === undefined || isBeingDeleted(rollout)) return createRollout(seen, marks, wanted);
  switch (ownershipOf(rollout, deployment)) {
    case 'predecessor':
      return marks.rolloutUid === undefined
        ? wait(SOON, 'the Rollout of an earlier Deployment of this name is still being removed')
        : recoverLostRollout(seen, wanted);
    case 'foreign':
      if (marks.rolloutUid !== undefined) return recoverLostRollout(seen, wanted);
      return suspended(
        seen,
        marks,
        wanted,
        'name-taken',
        `there is a Rollout "${rollout.metadata.name}" that was not made of this Deployment`,
      );
    case 'ours':
      return withRollout(seen, rollout, marks, wanted);
  }
}

function createRollout(seen: Observation, marks: MigrationAnnotations, wanted: number): Action {
  const { deployment, rollout, rendered, least, refusal } = seen;
  if (marks.rolloutUid !== undefined) return recoverLostRollout(seen, wanted);
  if (rollout !== undefined) return wait(SOON, 'the Rollout of that name is being deleted');
  const scaled = scaledWhileSuspended(deployment, marks, wanted);
  if (scaled !== undefined) return scaled;
  if (marks.suspended?.startsWith('rollout-deleted') === true)
    return nothing('its Rollout was deleted; take rollgate.io/convert-suspended away to convert it again');
  if (rendered === undefined) return withoutProfile(seen, marks, wanted);
  if (refusal !== undefined) {
    if (refusal.since >= CREATE_TIMEOUT && marks.suspended === undefined)
      return suspended(seen, marks, wanted, 'refused', refusal.reason);
    if (refusal.pause > 0)
      return wait(
        marks.suspended === undefined
          ? Math.min(refusal.pause, Math.max(CREATE_TIMEOUT - refusal.since, SOON))
          : refusal.pause,
        `the Rollout could not be created: ${refusal.reason}`,
      );
  }
  return { do: 'create', rollout: withReplicas(rendered, atLeast(wanted, least)) };
}

// It may only be late: a policy does not reach all replicas of Rollgate at once.
function withoutProfile(
  { deployment, least, age }: Observation,
  { profile = '' }: MigrationAnnotations,
  wanted: number,
): Action {
  const because = `there is no profile "${profile}"`;
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
  marks: MigrationAnnotations,
  wanted: number,
  code: SuspensionCode,
  reason: string,
): Action {
  if (marks.suspended !== undefined) return scaledWhileSuspended(deployment, marks, wanted) ?? nothing(reason);
  const target = atLeast(wanted, least);
  return replicasOf(deployment) < target ? scaleDeployment(target, reason) : { do: 'suspend', code, reason };
}

// It has its pods back, and is scaled as any Deployment is.
function scaledWhileSuspended(deployment: KubeObject, marks: MigrationAnnotations, wanted: number): Action | undefined {
  return marks.suspended === undefined || replicasOf(deployment) === wanted
    ? undefined
    : { do: 'note', replicas: replicasOf(deployment) };
}

function withRollout(seen: Observation, rollout: KubeObject, marks: MigrationAnnotations, wanted: number): Action {
  const { deployment, rendered, autoscaled } = seen;
  if (marks.rolloutUid !== uidOf(rollout) || marks.suspended !== undefined)
    return { do: 'record', uid: uidOf(rollout) };
  const running = replicasOf(deployment);
  // Whoever scales the Deployment, by hand or automatically, wants more pods, not pods beside the Rollout's.
  if (running > wanted && running > replicasOf(rollout) && !autoscaled) return { do: 'note', replicas: running };
  const passedOn = countIn(asString(dig(rollout.metadata, 'annotations', REPLICAS)));
  if (passedOn !== wanted && !autoscaled && replicasOf(rollout) !== wanted)
    return { do: 'scale-rollout', replicas: wanted };
  if (rendered !== undefined && !seen.appliedInVain && differs(rollout, rendered))
    return { do: 'apply', rollout: rendered };
  if (running === 0) return nothing('converted');
  return serves(rollout)
    ? scaleDeployment(0, 'its Rollout is healthy')
    : nothing('the Deployment keeps its pods until the Rollout is healthy');
}

function reconcileRevert(seen: Observation, marks: MigrationAnnotations): Action {
  const { deployment, rollout, least } = seen;
  const wanted = marks.replicas ?? 0;
  if (rollout === undefined || ownershipOf(rollout, deployment) !== 'ours') return withoutRollout(seen, marks, wanted);
  const target = atLeast(Math.max(wanted, replicasOf(rollout)), least);
  if (isBeingDeleted(rollout))
    return replicasOf(deployment) < target
      ? scaleDeployment(target, 'its Rollout is going')
      : wait(SOON, 'the Rollout is being deleted');
  if (isReleased(rollout)) return untilDeploymentServes(deployment, rollout, target) ?? deleteRollout(seen, rollout);
  const reason = revertBlockedBy(seen, rollout);
  if (reason !== undefined) return { do: 'wait', milliseconds: LATER, because: reason, tell: true };
  if (dig(rollout, 'spec', 'workloadRef', 'scaleDown') !== 'never')
    return {
      do: 'patch-rollout',
      rollout,
      operations: withoutScaleDown(rollout),
      because: 'on the way back it must not scale the Deployment down',
    };
  return (
    untilDeploymentServes(deployment, rollout, target) ?? {
      do: 'patch-rollout',
      rollout,
      operations: release(rollout),
      because: 'the Deployment serves; the Rollout lets go of Services and routers',
    }
  );
}

function withoutRollout({ deployment, least }: Observation, marks: MigrationAnnotations, wanted: number): Action {
  if (marks.rolloutUid === undefined && marks.replicas === undefined && marks.suspended === undefined)
    return nothing('not to be converted');
  // While its conversion was suspended it had its pods, and whoever scaled it has scaled it.
  if (marks.suspended !== undefined && marks.rolloutUid === undefined) return { do: 'forget' };
  const target = atLeast(wanted, least);
  return replicasOf(deployment) < target ? scaleDeployment(target, 'its Rollout is gone') : { do: 'forget' };
}

/** Out: what is to be done until the Deployment serves by itself; undefined once it does. */
function untilDeploymentServes(deployment: KubeObject, rollout: KubeObject, target: number): Action | undefined {
  if (!isObserved(rollout)) return wait(SOON, 'the controller has not seen the Rollout as it is now');
  if (replicasOf(deployment) < target) return scaleDeployment(target, 'it goes back to being a Deployment');
  return isAvailable(deployment, target) ? undefined : wait(SOON, 'the pods of the Deployment are not available yet');
}

function deleteRollout({ hashesLeft }: Observation, rollout: KubeObject): Action {
  if (hashesLeft.length === 0) return { do: 'delete-rollout', rollout };
  return {
    do: 'wait',
    milliseconds: SOON,
    because: `not free of the Rollout yet: ${hashesLeft.join(', ')}`,
    tell: true,
  };
}

/** Out: why the way back cannot begin, or undefined. */
function revertBlockedBy({ deployment, leftBehind }: Observation, rollout: KubeObject): string | undefined {
  if (isBetweenRevisions(rollout))
    return 'an update of the Rollout is under way, or was aborted: it goes back when the update is over or undone';
  if (replicasOf(deployment) === 0 && !isTemplateObserved(rollout, deployment))
    return 'the controller has not seen the pod template as it is now';
  if (!isTrafficStable(rollout)) return 'traffic is not all on the stable pods yet';
  return leftBehind.length > 0 ? leftBehind.join('; ') : undefined;
}

// What is to have no pods has none, whatever the autoscaler would have.
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
