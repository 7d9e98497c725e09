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

/** Returns whether the controller has observed the current spec of a Rollout. */
export function isObserved(rollout: KubeObject): boolean {
  return (
    asString(dig(rollout, 'status', 'observedGeneration')) ===
    String(optionalNumber(rollout.metadata['generation']) ?? '')
  );
}

/** Returns whether the controller has observed the current pod template of the Deployment. */
export function isTemplateObserved(rollout: KubeObject, deployment: KubeObject): boolean {
  const seen = Number(optionalString(dig(rollout, 'status', 'workloadObservedGeneration')) ?? Number.NaN);
  return seen >= (optionalNumber(deployment.metadata['generation']) ?? Number.POSITIVE_INFINITY);
}

/**
 * Returns whether all wanted pods of a Rollout are available: then it does not need those of the Deployment. Its first
 * revision must be healthy too. During an update the pods of the Deployment would have the version that is being tested.
 */
export function serves(rollout: KubeObject): boolean {
  const status = dig(rollout, 'status');
  const current = asString(dig(status, 'currentPodHash'));
  const available = optionalNumber(dig(status, 'availableReplicas')) ?? 0;
  return (
    isObserved(rollout) &&
    current !== '' &&
    available >= replicasOf(rollout) &&
    (isBetweenRevisions(rollout) || (dig(status, 'phase') === 'Healthy' && dig(status, 'stableRS') === current))
  );
}

/**
 * Returns whether an update of a Rollout is in progress or was aborted. The pod template of the Deployment is then not
 * the one that serves, and scaling the Deployment up would start an untested version. A Rollout that has never been
 * healthy serves nothing, so there is nothing to wait for.
 */
export function isBetweenRevisions(rollout: KubeObject): boolean {
  const stable = asString(dig(rollout, 'status', 'stableRS'));
  return stable !== '' && dig(rollout, 'status', 'currentPodHash') !== stable;
}

/**
 * Returns whether the routers of a Rollout send everything to the stable pods, according to its controller. True where
 * it has no router.
 */
export function isTrafficStable(rollout: KubeObject): boolean {
  return (optionalNumber(dig(rollout, 'status', 'canary', 'weights', 'canary', 'weight')) ?? 0) === 0;
}

/** Returns whether at least so many pods of a Deployment are available, all of its current template. */
export function isAvailable(deployment: KubeObject, replicas: number): boolean {
  const status = dig(deployment, 'status');
  const count = (field: string): number => optionalNumber(dig(status, field)) ?? 0;
  const observed = count('observedGeneration') >= (optionalNumber(deployment.metadata['generation']) ?? 0);
  return observed && count('availableReplicas') >= replicas && count('updatedReplicas') >= replicas;
}

/**
 * Returns the operations that make a Rollout leave its Deployment alone: at the first revision its controller would
 * scale the Deployment to 0 again and again (Argo Rollouts v1.9.1, `rollout/sync.go`, promoteStable).
 */
export function withoutScaleDown(rollout: KubeObject): Operation[] {
  return setAt(rollout, ['spec', 'workloadRef', 'scaleDown'], 'never');
}

const KEPT_IN_CANARY = ['canaryMetadata', 'stableMetadata', 'maxSurge', 'maxUnavailable', 'minPodsPerReplicaSet'];

/**
 * Returns the operations that make a Rollout release Services and routers: its controller removes the hash from those
 * that it no longer names, while all pods still run (Argo Rollouts v1.9.1, `rollout/controller.go`, removedKeys). What
 * it has added to its pods stays there.
 */
export function release(rollout: KubeObject): Operation[] {
  const canary = asObject(dig(rollout, 'spec', 'strategy', 'canary'));
  const kept = Object.fromEntries(Object.entries(canary).filter(([field]) => KEPT_IN_CANARY.includes(field)));
  return setAt(rollout, ['spec', 'strategy'], { canary: kept });
}

/** Returns whether a Rollout has released everything. */
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
 * Returns what would select no pods once those of the Rollout are gone, each in a sentence: it selects labels that the
 * controller adds to its pods and the Deployment does not have. What cannot be read counts as well: it would be unknown
 * when it is free of the Rollout.
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
        `${what} selects ${missing.join(', ')}, which only pods of the Rollout have: add these labels to the pod template, or remove them from the selector`,
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
 * Returns the Services and DestinationRules of the namespace that still select a ReplicaSet of a Rollout, by kind and
 * name, and the Services where they cannot be read. DestinationRules that cannot be read do not count here: a Rollout
 * that has one does not get this far (`leftBehind`).
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
