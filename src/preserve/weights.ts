import type { KubeObject } from '../world/object.ts';
import { asArray, dig, optionalNumber, optionalObject, optionalString, type JsonObject } from '../world/read.ts';
import { canaryOf, isMidUpdate, managedRouteNames, stepsOf, trafficRoutingOf } from '../world/rollout.ts';
import { weightOf, type Scale, type Share } from './shares.ts';

/** The traffic weights in the status of a Rollout. */
export interface StatusWeights {
  /** The share of the canary; undefined if it is not there, or is of Services that have other names by now. */
  readonly share: Share | undefined;
  /** The weights of the templates of the running experiment, by name of the Service. */
  readonly additional: ReadonlyMap<string, number>;
  /**
   * Whether the weights were certainly written for the current Services and ReplicaSets. They were not if a revision has
   * been promoted or has begun since.
   */
  readonly isCertain: boolean;
}

/** Returns the weights that the controller last recorded, or undefined if it has set none and so owns none. */
export function statusWeights(rollout: KubeObject): StatusWeights | undefined {
  const weights = optionalObject(dig(rollout, 'status', 'canary', 'weights'));
  if (weights === undefined) return undefined;
  const additional = new Map<string, number>();
  for (const destination of asArray(weights['additional'])) {
    const name = optionalString(dig(destination, 'serviceName'));
    const weight = weightOf(dig(destination, 'weight'));
    if (name !== undefined && weight !== undefined) additional.set(name, weight);
  }
  return {
    share: isOfOtherServices(rollout, weights) ? undefined : shareIn(weights, additional, maxWeight(rollout)),
    additional,
    isCertain:
      !isOfOtherServices(rollout, weights) &&
      hashOf(weights, 'stable') === dig(rollout, 'status', 'stableRS') &&
      hashOf(weights, 'canary') === dig(rollout, 'status', 'currentPodHash') &&
      hashOf(weights, 'stable') !== undefined,
  };
}

/**
 * Returns how the Gateway API plugin counts weights. Plugin v0.15.0 and before complete all weights to 100; its main
 * branch uses `maxTrafficWeight`. The stored weights show which: the first total that they add up to.
 */
export function pluginScale(rollout: KubeObject): Scale {
  const max = maxWeight(rollout);
  return { totals: max === PERCENT ? [PERCENT] : [max, PERCENT], canaryInAddition: true };
}

const PERCENT = 100;

/** How the controller counts the weights of routers that are no plugins. It ignores `maxTrafficWeight`. */
export const PERCENT_SCALE: Scale = { totals: [PERCENT], canaryInAddition: false };

function maxWeight(rollout: KubeObject): number {
  const max = weightOf(trafficRoutingOf(rollout)?.['maxTrafficWeight']);
  return max === undefined || max === 0 ? PERCENT : max;
}

function shareIn(weights: JsonObject, additional: ReadonlyMap<string, number>, max: number): Share | undefined {
  const canary = weightOf(dig(weights, 'canary', 'weight'));
  if (canary === undefined) return undefined;
  // The controller may have recorded the weights before somebody changed the maximum. Experiments can take more than is
  // left: then stable has a negative weight.
  const stable = optionalNumber(dig(weights, 'stable', 'weight'));
  const total = stable === undefined ? max : canary + stable + [...additional.values()].reduce((a, b) => a + b, 0);
  const isTotal = Number.isInteger(total) && total > 0 && canary <= total;
  return { canary: Math.min(canary, isTotal ? total : max), total: isTotal ? total : max };
}

function hashOf(weights: JsonObject, role: 'canary' | 'stable'): string | undefined {
  return optionalString(dig(weights, role, 'podTemplateHash'));
}

// The status names the Services whose weights it has. For ping and pong it names none, and they have swapped their roles
// if the stable hash is another one.
function isOfOtherServices(rollout: KubeObject, weights: JsonObject): boolean {
  const canary = canaryOf(rollout);
  const names = (['canary', 'stable'] as const).map((role) => [
    optionalString(dig(weights, role, 'serviceName')),
    optionalString(canary?.[`${role}Service`]),
  ]);
  if (names.some(([then, now]) => then !== undefined && then !== now)) return true;
  const stable = hashOf(weights, 'stable');
  return (
    optionalObject(canary?.['pingPong']) !== undefined &&
    stable !== undefined &&
    stable !== dig(rollout, 'status', 'stableRS')
  );
}

/**
 * Returns the names of the managed routes, in order, that the controller may have added by now. An update must be in
 * progress and not fully promoted. The steps up to the current one must not show that the route is still to come or was
 * removed again. Source: Argo Rollouts v1.9.1, `reconcileTrafficRouting`, which otherwise removes them all.
 */
export function liveManagedRoutes(rollout: KubeObject): readonly string[] {
  if (!isMidUpdate(rollout) || dig(rollout, 'status', 'promoteFull') === true) return [];
  const current = optionalNumber(dig(rollout, 'status', 'currentStepIndex')) ?? Number.POSITIVE_INFINITY;
  const state = new Map<string, boolean>();
  for (const [index, step] of stepsOf(rollout).entries()) {
    for (const kind of ['setHeaderRoute', 'setMirrorRoute']) {
      const name = optionalString(dig(step, kind, 'name'));
      if (name === undefined) continue;
      if (index <= current) state.set(name, Array.isArray(dig(step, kind, 'match')));
      else if (!state.has(name)) state.set(name, false);
    }
  }
  return [...new Set(managedRouteNames(rollout))].filter((name) => name !== '' && state.get(name) !== false);
}
