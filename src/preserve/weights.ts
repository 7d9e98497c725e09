import type { KubeObject } from '../world/object.ts';
import { asArray, dig, optionalNumber, optionalObject, optionalString } from '../world/read.ts';
import { isMidUpdate, managedRouteNames, stepsOf } from '../world/rollout.ts';

/** The traffic weights in the status of a Rollout. */
export interface StatusWeights {
  /** Percent of the traffic that goes to the canary. */
  readonly canary: number | undefined;
  /** Percent of the traffic that goes to the templates of the running experiment, by name of the Service. */
  readonly additional: ReadonlyMap<string, number>;
}

/** Returns the weights that the controller last recorded, or undefined if it has set none and so owns none. */
export function statusWeights(rollout: KubeObject): StatusWeights | undefined {
  const weights = optionalObject(dig(rollout, 'status', 'canary', 'weights'));
  if (weights === undefined) return undefined;
  const additional = new Map<string, number>();
  for (const destination of asArray(weights['additional'])) {
    const name = optionalString(dig(destination, 'serviceName'));
    const weight = percent(dig(destination, 'weight'));
    if (name !== undefined && weight !== undefined) additional.set(name, weight);
  }
  return { canary: percent(dig(weights, 'canary', 'weight')), additional };
}

/** Returns the value if it is an integer from 0 to 100, or undefined. */
export function percent(value: unknown): number | undefined {
  const number = optionalNumber(value);
  return number !== undefined && Number.isInteger(number) && number >= 0 && number <= 100 ? number : undefined;
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
