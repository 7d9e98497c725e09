import type { CanarySettings } from './canary-settings.ts';

/** The pods of the canary and of the stable ReplicaSet. */
export interface Pods {
  readonly canary: number;
  readonly stable: number;
}

/** The share of requests that a router sends to each ReplicaSet, of `maxWeight`. */
export type Weights = Pods;

/** How many pods the canary is to have: a number, or as many as a weight needs. */
export type CanaryTarget = { readonly replicas: number } | { readonly weight: number };

/**
 * Returns the numbers of pods that a canary without `trafficRouting` scales to next, if all its pods are available.
 * Stable pods come first. No more than `maxSurge` pods are added, and no more than `maxUnavailable` are missing, so it
 * often takes several steps to the end. Source: Argo Rollouts v1.9.1, `utils/replicaset`
 * (`CalculateReplicaCountsForBasicCanary`).
 */
export function basicCounts(settings: CanarySettings, weight: number, pods: Pods): Pods {
  const { replicas, maxSurge } = settings;
  const wanted = closestPods(settings, weight);
  const most = replicas + maxSurge;
  const least = replicas - settings.maxUnavailable;
  let room = most - pods.canary - pods.stable;
  let { canary, stable } = pods;
  if (stable < wanted.stable && room > 0) {
    stable = Math.min(stable + room, wanted.stable);
    room -= stable - pods.stable;
  }
  if (canary < wanted.canary && room > 0) canary = Math.min(canary + room, wanted.canary);

  const spare = pods.canary + pods.stable - least;
  if (spare <= 0) return { canary, stable };
  if (wanted.canary < pods.canary) {
    const left = Math.max(wanted.canary, pods.canary - spare);
    const [fewer, more] = withinLimits(left, stable, pods.canary, pods.stable, most, least);
    return { canary: fewer, stable: more };
  }
  const left = pods.stable > wanted.stable ? Math.max(wanted.stable, pods.stable - spare) : stable;
  const [fewer, more] = withinLimits(left, canary, pods.stable, pods.canary, most, least);
  return { canary: more, stable: fewer };
}

// Lowers both numbers to the most pods that are allowed, as long as enough of those that are available now are left.
function withinLimits(
  drained: number,
  other: number,
  availableDrained: number,
  availableOther: number,
  most: number,
  least: number,
): readonly [drained: number, other: number] {
  const fewer = other - Math.max(0, other + drained - most);
  const lost = Math.max(0, availableOther - fewer);
  const available = Math.min(availableDrained, drained) + Math.min(availableOther, fewer);
  const adjusted = fewer + Math.min(lost, Math.max(0, least - available));
  return [drained - Math.max(0, adjusted + drained - most), adjusted];
}

/**
 * Returns the whole numbers of pods that come closest to a weight. With a surge, one pod more than `replicas` counts too.
 * A weight that is neither 0 nor the whole never becomes 0 pods, unless there is one pod and no surge. Source: Argo
 * Rollouts v1.9.1, `utils/replicaset` (`approximateWeightedCanaryStableReplicaCounts`).
 */
function closestPods({ replicas, maxWeight, maxSurge }: CanarySettings, weight: number): Pods {
  if (replicas === 0) return { canary: 0, stable: 0 };
  const exact = (replicas * weight) / maxWeight;
  const [up, down] = [Math.ceil(exact), Math.floor(exact)];
  const mayBeNone = weight === maxWeight || weight === 0 || (replicas === 1 && maxSurge === 0);
  // The larger number of two that are equally close.
  const isTied = (total: number): boolean => (total * (weight / maxWeight)) % 1 === 0.5;
  const options: Pods[] = [];
  const consider = (canary: number, total: number): void => void options.push({ canary, stable: total - canary });
  if (up < replicas || mayBeNone) consider(up, replicas);
  if (!isTied(replicas) && (down !== 0 || mayBeNone)) consider(down, replicas);
  if (maxSurge > 0) {
    consider(up, replicas + 1);
    if (!isTied(replicas + 1) && (down !== 0 || mayBeNone)) consider(down, replicas + 1);
  }
  const distance = ({ canary, stable }: Pods): number => Math.abs((canary * maxWeight) / (canary + stable) - weight);
  const [first = { canary: 0, stable: replicas }, ...others] = options;
  return others.reduce((best, option) => (distance(option) < distance(best) ? option : best), first);
}

/**
 * Returns the numbers of pods of a canary with `trafficRouting`. They do not depend on how many pods there are. Source:
 * Argo Rollouts v1.9.1, `utils/replicaset` (`CalculateReplicaCountsForTrafficRoutedCanary`).
 *
 * @param weights - What the router sends now, if that is known: pods that still get requests stay.
 */
export function routedCounts(
  settings: CanarySettings,
  target: CanaryTarget,
  weights: Weights | undefined,
  isAborted: boolean,
): Pods {
  const { replicas, maxWeight } = settings;
  const weight = 'weight' in target ? target.weight : 0;
  const canary = 'replicas' in target ? target.replicas : orLeast(settings, podsForWeight(replicas, weight, maxWeight));
  if (!settings.dynamicStableScale) return { canary, stable: replicas };
  const stable = podsForWeight(replicas, maxWeight - weight, maxWeight);
  if (weights === undefined) return { canary: orLeast(settings, canary), stable: orLeast(settings, stable) };
  const needed = isAborted ? Math.max(podsForWeight(replicas, weights.canary, maxWeight), canary) : canary;
  return {
    canary: orLeast(settings, needed),
    stable: orLeast(settings, Math.max(stable, podsForWeight(replicas, weights.stable, maxWeight))),
  };
}

/** Returns the pods that a weight needs, rounded up. */
export function podsForWeight(replicas: number, weight: number, maxWeight: number): number {
  return Math.ceil((weight * replicas) / maxWeight);
}

function orLeast({ minPodsPerReplicaSet }: CanarySettings, pods: number): number {
  return pods === 0 ? 0 : Math.max(pods, minPodsPerReplicaSet);
}
