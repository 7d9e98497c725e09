import type { Operation } from 'fast-json-patch';
import { setAt } from '../world/json-patch.ts';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import {
  asArray,
  dig,
  isObject,
  asObject,
  optionalNumber,
  optionalString,
  asString,
  stringMap,
} from '../world/read.ts';
import { references, SERVICE_ROLES } from '../world/references.ts';
import { destinationRuleOf, HASH_LABEL, MANAGED_BY, workloadRefOf } from '../world/rollout.ts';
import type { Lookup, World } from '../world/world.ts';
import { replicasOf } from './annotations.ts';

/** In: a Rollout. Out: whether its controller has seen the spec as it is now. */
export function isObserved(rollout: KubeObject): boolean {
  return (
    asString(dig(rollout, 'status', 'observedGeneration')) ===
    String(optionalNumber(rollout.metadata['generation']) ?? '')
  );
}

/**
 * In: a Rollout and a Deployment. Out: whether the controller has seen the pod template of the Deployment as it is now.
 */
export function isTemplateObserved(rollout: KubeObject, deployment: KubeObject): boolean {
  const seen = Number(optionalString(dig(rollout, 'status', 'workloadObservedGeneration')) ?? Number.NaN);
  return seen >= (optionalNumber(deployment.metadata['generation']) ?? Number.POSITIVE_INFINITY);
}

/**
 * In: a Rollout. Out: whether all pods that it wants are there, of one revision: then it can do without the
 * Deployment's.
 */
export function serves(rollout: KubeObject): boolean {
  const status = dig(rollout, 'status');
  const current = asString(dig(status, 'currentPodHash'));
  const available = optionalNumber(dig(status, 'availableReplicas')) ?? 0;
  return (
    dig(status, 'phase') === 'Healthy' &&
    isObserved(rollout) &&
    current !== '' &&
    dig(status, 'stableRS') === current &&
    available >= replicasOf(rollout)
  );
}

/**
 * In: a Rollout. Out: whether an update of it is under way or was given up half-way: the pod template of the Deployment
 * is then not the one that serves, and a Deployment that is scaled up would start what has not been tried. One that has
 * never been healthy serves nothing, so that there is nothing to wait for.
 */
export function isBetweenRevisions(rollout: KubeObject): boolean {
  const stable = asString(dig(rollout, 'status', 'stableRS'));
  return stable !== '' && dig(rollout, 'status', 'currentPodHash') !== stable;
}

/**
 * In: a Rollout. Out: whether its routers send everything to the stable pods, by the controller's own account; true
 * where it has no router.
 */
export function isTrafficStable(rollout: KubeObject): boolean {
  return (optionalNumber(dig(rollout, 'status', 'canary', 'weights', 'canary', 'weight')) ?? 0) === 0;
}

/** In: a Deployment and a count. Out: whether at least so many of its pods are available, of its present template. */
export function isAvailable(deployment: KubeObject, replicas: number): boolean {
  const status = dig(deployment, 'status');
  const count = (field: string): number => optionalNumber(dig(status, field)) ?? 0;
  const observed = count('observedGeneration') >= (optionalNumber(deployment.metadata['generation']) ?? 0);
  return observed && count('availableReplicas') >= replicas && count('updatedReplicas') >= replicas;
}

/**
 * In: a Rollout. Out: what makes it leave its Deployment alone: at the first revision its controller would scale the
 * Deployment to 0 again and again (Argo Rollouts v1.9.1, `rollout/sync.go`, promoteStable).
 */
export function withoutScaleDown(rollout: KubeObject): Operation[] {
  return setAt(rollout, ['spec', 'workloadRef', 'scaleDown'], 'never');
}

const KEPT_IN_CANARY = ['canaryMetadata', 'stableMetadata', 'maxSurge', 'maxUnavailable', 'minPodsPerReplicaSet'];

/**
 * In: a Rollout. Out: what makes it let go of Services and routers: its controller takes the hash out of those that it
 * no longer names, while all pods still run (Argo Rollouts v1.9.1, `rollout/controller.go`, removedKeys). What it has
 * put on its pods stays there.
 */
export function release(rollout: KubeObject): Operation[] {
  const canary = asObject(dig(rollout, 'spec', 'strategy', 'canary'));
  const kept = Object.fromEntries(Object.entries(canary).filter(([field]) => KEPT_IN_CANARY.includes(field)));
  return setAt(rollout, ['spec', 'strategy'], { canary: kept });
}

/** In: a Rollout. Out: whether it has let go of everything. */
export function isReleased(rollout: KubeObject): boolean {
  const strategy = asObject(dig(rollout, 'spec', 'strategy'));
  const canary = strategy['canary'];
  return (
    isObject(canary) &&
    !('blueGreen' in strategy) &&
    Object.keys(canary).every((field) => KEPT_IN_CANARY.includes(field)) &&
    workloadRefOf(rollout)?.scaleDown === 'never'
  );
}

/**
 * In: a Rollout, its Deployment, and the world. Out: what would find no pods once the Rollout's are gone, each in a
 * sentence: it selects labels that the controller adds to its pods and the Deployment does not have. What cannot be
 * read counts as well: nobody could tell when it is free of the Rollout.
 */
export function selectorsLeftBehind(rollout: KubeObject, deployment: KubeObject, world: World): string[] {
  const labels = stringMap(dig(deployment, 'spec', 'template', 'metadata', 'labels'));
  const lacking = (selector: unknown): string[] =>
    [...stringMap(selector)]
      .filter(([key, value]) => key !== HASH_LABEL && labels.get(key) !== value)
      .map(([key, value]) => `${key}=${value}`);
  const found: string[] = [];
  const look = (what: string, lookup: Lookup, selectorIn: (object: KubeObject) => unknown): void => {
    if (lookup.state === 'unknown') found.push(`${what} cannot be read (${lookup.reason})`);
    const missing = lookup.state === 'present' ? lacking(selectorIn(lookup.object)) : [];
    if (missing.length > 0)
      found.push(
        `${what} selects ${missing.join(', ')}, which only the Rollout puts on its pods: add it to the labels of the pod template, or change what selects it`,
      );
  };
  for (const { kind, namespace, name, role } of references(rollout)) {
    if (kind === 'Service' && SERVICE_ROLES.includes(role))
      look(`Service "${name}"`, world.get('Service', namespace, name), (service) => dig(service, 'spec', 'selector'));
  }
  const rule = destinationRuleOf(rollout);
  if (rule !== undefined) {
    look(
      `subset "${rule.stableSubset}" of DestinationRule "${rule.name}"`,
      world.get('DestinationRule.networking.istio.io', namespaceOf(rollout), rule.name),
      (destination) =>
        dig(
          asArray(dig(destination, 'spec', 'subsets')).find((entry) => dig(entry, 'name') === rule.stableSubset),
          'labels',
        ),
    );
  }
  return found;
}

/**
 * In: a Rollout and the world. Out: the Services and DestinationRules of its namespace that still select one of its
 * ReplicaSets, by kind and name, and the Services where they cannot be read. DestinationRules that cannot be read hold
 * up nothing here: a Rollout that has one does not get so far (`leftBehind`).
 */
export function objectsWithHash(rollout: KubeObject, world: World): string[] {
  const status = dig(rollout, 'status');
  const hashes = new Set(
    [
      dig(status, 'currentPodHash'),
      dig(status, 'stableRS'),
      dig(status, 'blueGreen', 'activeSelector'),
      dig(status, 'blueGreen', 'previewSelector'),
    ].map(asString),
  );
  const isOurs = (holder: KubeObject, labels: unknown): boolean => {
    const hash = optionalString(dig(labels, HASH_LABEL));
    return (
      hash !== undefined &&
      (hashes.has(hash) || dig(holder.metadata, 'annotations', MANAGED_BY) === rollout.metadata.name)
    );
  };
  const [services, rules] = [
    world.list('Service', namespaceOf(rollout)),
    world.list('DestinationRule.networking.istio.io', namespaceOf(rollout)),
  ];
  if (services.state === 'unknown') return [`Services, which cannot be read (${services.reason})`];
  const holders = [
    ...services.objects.filter((service) => isOurs(service, dig(service, 'spec', 'selector'))),
    ...(rules.state === 'unknown' ? [] : rules.objects).filter((rule) =>
      asArray(dig(rule, 'spec', 'subsets')).some((subset) => isOurs(rule, dig(subset, 'labels'))),
    ),
  ];
  return holders.map(({ kind, metadata }) => `${kind} "${metadata.name}"`);
}
