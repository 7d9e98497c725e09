import { appMeshRefOf, NODE_HASH_PATH, recordedNodeHash } from '../world/appmesh.ts';
import { keyOf, namespaceOf, type KubeObject, type KindId } from '../world/object.ts';
import { at } from '../world/path.ts';
import { asArray, asObject, asString, dig, optionalObject, optionalString } from '../world/read.ts';
import { references, SERVICE_ROLES } from '../world/references.ts';
import type { Role } from '../world/reference-list.ts';
import {
  canaryOf,
  destinationRuleOf,
  HASH_LABEL,
  isBeingDeleted,
  stableIsPing,
  trafficRoutingOf,
} from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import type { Drift, LookBudget } from './drift-look.ts';
import {
  currentHash,
  isAborted,
  isFullyAvailable,
  isManagedByAnother,
  managedBy,
  newPodsServe,
  stableHash,
  statusHashes,
} from './hashes.ts';

/** Returns the hashes in the Services, the DestinationRule and the VirtualNodes of a Rollout that are not those of its status. */
export function* hashDrifts(rollout: KubeObject, world: World, budget: LookBudget): Generator<Drift> {
  yield* serviceDrifts(rollout, world, budget);
  yield* subsetDrifts(rollout, world, budget);
  yield* nodeDrifts(rollout, world, budget);
}

function* serviceDrifts(rollout: KubeObject, world: World, budget: LookBudget): Generator<Drift> {
  // Without pods that serve the controller switches no Service.
  if (count(rollout) === 0) return;
  const roles = new Map<string, Set<Role>>();
  for (const { kind, name, role } of references(rollout))
    if (kind === 'Service' && SERVICE_ROLES.includes(role)) roles.set(name, (roles.get(name) ?? new Set()).add(role));
  for (const [name, own] of roles) {
    if (!budget.spend(1)) return;
    const service = find(world, 'Service', rollout, name);
    const drift = service === undefined ? undefined : serviceDrift(service, [...own], rollout, world);
    if (drift !== undefined) yield drift;
  }
}

function serviceDrift(
  service: KubeObject,
  roles: readonly Role[],
  rollout: KubeObject,
  world: World,
): Drift | undefined {
  const selector = asObject(dig(service, 'spec', 'selector'));
  if (Object.keys(selector).length === 0 || dig(service, 'spec', 'type') === 'ExternalName') return undefined;
  if (isManagedByAnother([service], rollout, world)) return undefined;
  const wanted = hashesForRoles(rollout, roles);
  const hash = optionalString(selector[HASH_LABEL]);
  if (wanted === undefined || (hash !== undefined && wanted.has(hash))) return undefined;
  if (hash === undefined && managedBy(service) !== rollout.metadata.name && !isAdoptedByNow(rollout, roles))
    return undefined;
  return {
    what: 'selector',
    object: service,
    path: ['spec', 'selector', HASH_LABEL],
    has: hash ?? '',
    message:
      `the selector has ${hash === undefined ? 'no hash' : `hash ${hash}`}, but by the status of Rollout ` +
      `"${rollout.metadata.name}" the ${roles.join(' and ')} Service has ${[...wanted].join(' or ')}`,
  };
}

// The controller adopts a Service only when all pods are available. Of ping and pong it never adopts the stable one.
function isAdoptedByNow(rollout: KubeObject, roles: readonly Role[]): boolean {
  return isFullyAvailable(rollout) && !roles.includes('ping') && !roles.includes('pong');
}

function hashesForRoles(rollout: KubeObject, roles: readonly Role[]): ReadonlySet<string> | undefined {
  const all = new Set<string>();
  for (const role of roles) {
    const hashes = hashesForRole(rollout, role);
    if (hashes === undefined) return undefined;
    for (const hash of hashes) all.add(hash);
  }
  return all;
}

/**
 * Returns the hashes that the controller may have put into a Service of a role; undefined if it is not certain that it
 * has put any. Follows Argo Rollouts v1.9.1, `rollout/service.go` and `reconcileTrafficRouting`.
 */
function hashesForRole(rollout: KubeObject, role: Role): ReadonlySet<string> | undefined {
  const stable = stableHash(rollout);
  const blueGreen = dig(rollout, 'status', 'blueGreen');
  switch (role) {
    case 'active':
      return among(optionalString(dig(blueGreen, 'activeSelector')));
    case 'preview':
      return among(optionalString(dig(blueGreen, 'previewSelector')));
    case 'stable':
      return among(stable);
    case 'ping':
    case 'pong':
      return (role === 'ping') === stableIsPing(rollout) ? among(stable) : canaryHashes(rollout, true);
    case 'canary':
      return canaryHashes(rollout, false);
    default:
      return undefined;
  }
}

function canaryHashes(rollout: KubeObject, isPingPong: boolean): ReadonlySet<string> | undefined {
  const [stable, current] = [stableHash(rollout), currentHash(rollout)];
  if (stable === undefined || current === undefined) return undefined;
  const isSettled = stable === current;
  // After a promotion the controller leaves the other one of ping and pong as it is.
  if (isPingPong && isSettled) return undefined;
  // A rollback with dynamicStableScale leaves the old canary until enough stable pods are back.
  const dynamic = canaryOf(rollout)?.['dynamicStableScale'] === true;
  if (dynamic && (isSettled || isAborted(rollout))) return statusHashes(rollout);
  if (isSettled) return among(stable);
  if (isAborted(rollout)) return trafficRoutingOf(rollout) === undefined ? among(stable) : among(stable, current);
  return newPodsServe(rollout) ? among(current) : undefined;
}

function among(...hashes: readonly (string | undefined)[]): ReadonlySet<string> | undefined {
  const known = hashes.filter((hash) => hash !== undefined);
  return known.length < hashes.length ? undefined : new Set(known);
}

function* subsetDrifts(rollout: KubeObject, world: World, budget: LookBudget): Generator<Drift> {
  const ref = destinationRuleOf(rollout);
  const weights = optionalObject(dig(rollout, 'status', 'canary', 'weights'));
  if (ref === undefined || weights === undefined) return;
  const rule = find(world, 'DestinationRule.networking.istio.io', rollout, ref.name);
  if (rule === undefined || isManagedByAnother([rule], rollout, world)) return;
  const subsets = asArray(dig(rule, 'spec', 'subsets'));
  if (!budget.spend(1 + subsets.length)) return;
  const wanted = new Map<string, string | undefined>(
    asArray(weights['additional']).map((destination) => [
      asString(dig(destination, 'serviceName')),
      optionalString(dig(destination, 'podTemplateHash')),
    ]),
  );
  wanted.set(ref.canarySubset, optionalString(dig(weights, 'canary', 'podTemplateHash')));
  wanted.set(ref.stableSubset, optionalString(dig(weights, 'stable', 'podTemplateHash')));
  for (const [index, subset] of subsets.entries()) {
    const name = asString(dig(subset, 'name'));
    const hash = name === '' ? undefined : wanted.get(name);
    const has = optionalString(dig(subset, 'labels', HASH_LABEL));
    if (hash === undefined || has === hash) continue;
    yield {
      what: 'subset',
      object: rule,
      path: ['spec', 'subsets', index, 'labels', HASH_LABEL],
      has: `${name} ${has ?? ''}`,
      message:
        `subset "${name}" has ${has === undefined ? 'no hash' : `hash ${has}`}, but the status of Rollout ` +
        `"${rollout.metadata.name}" has ${hash}`,
    };
  }
}

function* nodeDrifts(rollout: KubeObject, world: World, budget: LookBudget): Generator<Drift> {
  const ref = appMeshRefOf(rollout);
  if (ref === undefined || ref.stable === ref.canary) return;
  for (const role of ['stable', 'canary'] as const) {
    const wanted = recordedNodeHash(rollout, role);
    if (wanted === undefined || ref[role] === '') continue;
    if (!budget.spend(1)) return;
    const node = find(world, 'VirtualNode.appmesh.k8s.aws', rollout, ref[role]);
    // Each of several Rollouts writes its own.
    if (node === undefined || world.referrers(keyOf(node)).length > 1) continue;
    const has = optionalString(at(node, NODE_HASH_PATH));
    if (has === wanted) continue;
    yield {
      what: 'selector',
      object: node,
      path: NODE_HASH_PATH,
      has: has ?? '',
      message:
        `the pod selector has ${has === undefined ? 'no hash' : `hash ${has}`}, but by the status of Rollout ` +
        `"${rollout.metadata.name}" the ${role} node has ${wanted}`,
    };
  }
}

function find(world: World, kind: KindId, rollout: KubeObject, name: string): KubeObject | undefined {
  const found = world.get(kind, namespaceOf(rollout), name);
  return found.state === 'present' && !isBeingDeleted(found.object) ? found.object : undefined;
}

function count(rollout: KubeObject): number {
  const available = dig(rollout, 'status', 'availableReplicas');
  return typeof available === 'number' ? available : 0;
}
