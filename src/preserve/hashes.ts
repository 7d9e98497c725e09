import { namespaceOf, type KubeObject } from '../world/object.ts';
import { asArray, dig, optionalNumber, optionalString } from '../world/read.ts';
import { isBeingDeleted, MANAGED_BY, stableIsPing, trafficRoutingOf } from '../world/rollout.ts';
import type { Role } from '../world/reference-list.ts';
import type { World } from '../world/world.ts';
import { refersTo } from './define.ts';

/**
 * Returns every pod template hash in the status of a Rollout. A hash that is not among them belongs to no pods that
 * have or will get traffic.
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
 * Returns the hash for a DestinationRule subset whose stored hash is missing or out of date, or undefined. This is the
 * hash that the status records as written (Argo Rollouts v1.9.1, `reconcileTrafficRouting`), or else the stable hash;
 * for the canary subset it is the new hash if the new pods serve.
 */
export function hashForSubset(rollout: KubeObject, role: 'stable' | 'canary'): string | undefined {
  const recorded = optionalString(dig(rollout, 'status', 'canary', 'weights', role, 'podTemplateHash'));
  if (recorded !== undefined) return recorded;
  const stable = stableHash(rollout);
  if (role === 'stable' || isAborted(rollout) || !newPodsServe(rollout)) return stable;
  return currentHash(rollout) ?? stable;
}

/**
 * Returns the hash for the selector of a Service whose stored hash is missing or out of date, or undefined. Follows
 * Argo Rollouts v1.9.1, `rollout/service.go`: after an abort the canary Service returns to the stable pods, and no
 * Service is switched to pods that do not serve.
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
  // With dynamicStableScale an aborted canary continues to serve until enough stable pods are back.
  if (isAborted(rollout)) return (optionalNumber(dig(canary, 'weight')) ?? 0) > 0 ? (recorded ?? stable) : stable;
  const current = currentHash(rollout);
  const wanted = recorded ?? current;
  return wanted === current && !newPodsServe(rollout) ? stable : wanted;
}

/** Reports whether a Rollout has all of its desired pods and all are available. */
export function isFullyAvailable(rollout: KubeObject): boolean {
  const available = count(rollout, 'availableReplicas');
  return available > 0 && available >= (optionalNumber(dig(rollout, 'spec', 'replicas')) ?? 1);
}

/**
 * Reports whether another Rollout owns the object: the managed-by annotation names another Rollout, and that Rollout
 * refers to the object. This Rollout must not change the object then. Returns true if the other Rollout cannot be read.
 * @param objects - The object as submitted and as stored.
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

/** Returns the name of the Rollout in the managed-by annotation, or undefined. */
export function managedBy(object: KubeObject): string | undefined {
  return optionalString(dig(object.metadata, 'annotations', MANAGED_BY));
}

/** Returns the hash of the stable pods, or undefined. */
export function stableHash(rollout: KubeObject): string | undefined {
  return optionalString(dig(rollout, 'status', 'stableRS'));
}

/** Returns the hash of the newest template, or undefined. */
export function currentHash(rollout: KubeObject): string | undefined {
  return optionalString(dig(rollout, 'status', 'currentPodHash'));
}

/** Reports whether an update was aborted. */
export function isAborted(rollout: KubeObject): boolean {
  return dig(rollout, 'status', 'abort') === true;
}

/**
 * Reports whether a new pod certainly serves. The status counts available pods over all ReplicaSets: if there are more of
 * them than old pods, a new one is among them. If that is not certain, the stable pods are the safe answer for a hash: the
 * change triggers the controller, which corrects the hash at once.
 */
export function newPodsServe(rollout: KubeObject): boolean {
  const updated = count(rollout, 'updatedReplicas');
  return updated > 0 && count(rollout, 'availableReplicas') > count(rollout, 'replicas') - updated;
}

function count(rollout: KubeObject, field: string): number {
  return optionalNumber(dig(rollout, 'status', field)) ?? 0;
}
