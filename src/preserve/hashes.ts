import { namespaceOf, type KubeObject } from '../world/object.ts';
import { asArray, dig, optionalNumber, optionalString } from '../world/read.ts';
import { isBeingDeleted, MANAGED_BY, stableIsPing, trafficRoutingOf } from '../world/rollout.ts';
import type { Role } from '../world/references.ts';
import type { World } from '../world/world.ts';
import { refersTo } from './define.ts';

/**
 * In: a Rollout. Out: every pod template hash that its status names; a hash that is not among them belongs to no pods
 * of its present or next traffic.
 */
export function statusHashes(rollout: KubeObject): ReadonlySet<string> {
  const weights = dig(rollout, 'status', 'canary', 'weights');
  const named = [
    dig(rollout, 'status', 'currentPodHash'),
    dig(rollout, 'status', 'stableRS'),
    dig(rollout, 'status', 'blueGreen', 'activeSelector'),
    dig(rollout, 'status', 'blueGreen', 'previewSelector'),
    dig(weights, 'canary', 'podTemplateHash'),
    dig(weights, 'stable', 'podTemplateHash'),
    ...asArray(dig(weights, 'additional')).map((destination) => dig(destination, 'podTemplateHash')),
  ];
  return new Set(named.map(optionalString).filter((hash) => hash !== undefined));
}

/**
 * In: a Rollout, and which of its two subsets. Out: the hash that its DestinationRule subset should carry where the
 * stored one does not say, or undefined: what the status records as written (Argo Rollouts v1.9.1,
 * `reconcileTrafficRouting`), else the stable hash, and for canary the new one if its pods serve.
 */
export function hashForSubset(rollout: KubeObject, role: 'stable' | 'canary'): string | undefined {
  const recorded = optionalString(dig(rollout, 'status', 'canary', 'weights', role, 'podTemplateHash'));
  if (recorded !== undefined) return recorded;
  const stable = stableHash(rollout);
  if (role === 'stable' || isAborted(rollout) || !newPodsServe(rollout)) return stable;
  return currentHash(rollout) ?? stable;
}

/**
 * In: a Rollout, and the role of one of its Services. Out: the hash that the Service should select where the stored one
 * does not say, or undefined. Follows Argo Rollouts v1.9.1, `rollout/service.go`: after an abort the canary Service
 * goes back to the stable pods, and no Service is pointed to pods that do not serve.
 */
export function hashForRole(rollout: KubeObject, role: Role): string | undefined {
  switch (role) {
    case 'stable':
      return stableHash(rollout);
    case 'canary':
      return trafficRoutingOf(rollout) === undefined ? stableHash(rollout) : canaryServiceHash(rollout);
    case 'ping':
      return stableIsPing(rollout) ? stableHash(rollout) : canaryServiceHash(rollout);
    case 'pong':
      return stableIsPing(rollout) ? canaryServiceHash(rollout) : stableHash(rollout);
    case 'active':
      return optionalString(dig(rollout, 'status', 'blueGreen', 'activeSelector'));
    case 'preview':
      return optionalString(dig(rollout, 'status', 'blueGreen', 'previewSelector'));
    default:
      return undefined;
  }
}

function canaryServiceHash(rollout: KubeObject): string | undefined {
  const canary = dig(rollout, 'status', 'canary', 'weights', 'canary');
  const recorded = optionalString(dig(canary, 'podTemplateHash'));
  const stable = stableHash(rollout);
  // With dynamicStableScale an aborted canary goes on serving until enough stable pods are back.
  if (isAborted(rollout)) return (optionalNumber(dig(canary, 'weight')) ?? 0) > 0 ? (recorded ?? stable) : stable;
  const current = currentHash(rollout);
  const wanted = recorded ?? current;
  return wanted === current && !newPodsServe(rollout) ? stable : wanted;
}

/** In: a Rollout. Out: whether it has all the pods it should have, and they are available. */
export function isFullyAvailable(rollout: KubeObject): boolean {
  const available = count(rollout, 'availableReplicas');
  return available > 0 && available >= (optionalNumber(dig(rollout, 'spec', 'replicas')) ?? 1);
}

/**
 * In: an object (as submitted, as stored), a Rollout that refers to it, and the world. Out: whether the managed-by
 * annotation says that another Rollout drives it, and that one does refer to it: then the object is not this Rollout's
 * to change. Where that cannot be known, it is.
 */
export function isManagedByAnother(
  objects: readonly (KubeObject | undefined)[],
  rollout: KubeObject,
  world: World,
): boolean {
  return objects.some((object) => {
    const name = object === undefined ? undefined : managedBy(object);
    if (object === undefined || name === undefined || name === rollout.metadata.name) return false;
    const other = world.get('Rollout.argoproj.io', namespaceOf(object), name);
    if (other.state !== 'present') return other.state === 'unknown';
    return !isBeingDeleted(other.object) && refersTo(other.object, object);
  });
}

/** In: an object. Out: the name of the Rollout that its managed-by annotation names, or undefined. */
export function managedBy(object: KubeObject): string | undefined {
  return optionalString(dig(object.metadata, 'annotations', MANAGED_BY));
}

function stableHash(rollout: KubeObject): string | undefined {
  return optionalString(dig(rollout, 'status', 'stableRS'));
}

function currentHash(rollout: KubeObject): string | undefined {
  return optionalString(dig(rollout, 'status', 'currentPodHash'));
}

function isAborted(rollout: KubeObject): boolean {
  return dig(rollout, 'status', 'abort') === true;
}

// The status counts available pods over all ReplicaSets: if there are more of them than old pods, a new one is among
// them. Where that is not certain the stable pods are the safe answer, since the controller is woken by the change and
// puts it right at once.
function newPodsServe(rollout: KubeObject): boolean {
  const updated = count(rollout, 'updatedReplicas');
  return updated > 0 && count(rollout, 'availableReplicas') > count(rollout, 'replicas') - updated;
}

function count(rollout: KubeObject, field: string): number {
  return optionalNumber(dig(rollout, 'status', field)) ?? 0;
}
