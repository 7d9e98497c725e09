import type { KubeObject } from '../world/object.ts';
import { asArray, dig, optionalNumber, optionalObject, optionalString } from '../world/read.ts';
import { isMidUpdate, managedRouteNames, stepsOf } from '../world/rollout.ts';

/** What the status of a Rollout says about its traffic. */
export interface StatusWeights {
  /** Percent of the traffic that goes to the canary. */
  readonly canary: number | undefined;
  /** By name of the Service: percent of the traffic that goes to the templates of the running experiment. */
  readonly additional: ReadonlyMap<string, number>;
}

/**
 * In: a Rollout. Out: the weights that the controller last recorded; undefined where it has set none yet, and so owns
 * none.
 */
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

/** In: anything. Out: it, if it is a whole number from 0 to 100; else undefined. */
export function percent(value: unknown): number | undefined {
  const number = optionalNumber(value);
  return number !== undefined && Number.isInteger(number) && number >= 0 && number <= 100 ? number : undefined;
}

/**
 * In: a Rollout. Out: the names of its managed routes, in order, that the controller may have put in by now: an update
 * is under way and not promoted in full, and the steps up to the current one do not say that the route is still to come
 * or was taken out again. Source: Argo Rollouts v1.9.1, `reconcileTrafficRouting`, which removes them all otherwise.
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
