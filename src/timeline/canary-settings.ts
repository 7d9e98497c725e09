import type { KubeObject } from '../world/object.ts';
import { below, type Place } from '../world/place.ts';
import { asObject, dig, int32, optionalNumber, optionalObject, asString, type JsonObject } from '../world/read.ts';
import { canaryOf, stepsOf, trafficRoutingOf } from '../world/rollout.ts';
import { routersOf } from '../world/routers.ts';

const DEFAULT_POD_LIMIT = '25';
const DEFAULT_MAX_WEIGHT = 100;
const DEFAULT_ABORT_DELAY = 30;

/** How `setCanaryScale` sets the pods of the canary. */
export interface CanaryScale {
  readonly replicas: number | undefined;
  readonly weight: number | undefined;
  readonly matchTrafficWeight: boolean;
}

/** The part of a canary step that the number of pods depends on. */
export interface StepScale {
  readonly setWeight: number | undefined;
  readonly setCanaryScale: CanaryScale | undefined;
}

/** How many pods must be available before a step counts as done; by default all of them. */
export interface ProgressThreshold {
  readonly isPercentage: boolean;
  readonly value: number;
}

/** The settings of a canary that its numbers of pods and its weights depend on, with the defaults filled in. */
export interface CanarySettings {
  readonly replicas: number;
  readonly maxWeight: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  /** Whether `trafficRouting` is set: then pods follow the weight, and not the weight the pods. */
  readonly isTrafficRouted: boolean;
  /** Whether `trafficRouting` names a router, so that weights are set. */
  readonly hasRouter: boolean;
  readonly dynamicStableScale: boolean;
  /** The least pods of a ReplicaSet that has any; 0 if it is not set. */
  readonly minPodsPerReplicaSet: number;
  readonly progressThreshold: ProgressThreshold | undefined;
  /** Undefined if it is 0, by which users keep the pods. */
  readonly abortScaleDownDelay: number | undefined;
  readonly abortScaleDownDelayIsSet: boolean;
  readonly steps: readonly StepScale[];
}

/** The places that `canarySettings` reads. */
export const CANARY_SETTINGS_PLACES: readonly Place[] = below('spec.strategy.canary', [
  'abortScaleDownDelaySeconds',
  'dynamicStableScale',
  'maxSurge',
  'maxUnavailable',
  'minPodsPerReplicaSet',
  'replicaProgressThreshold',
  'steps',
  'trafficRouting',
]);

/**
 * Returns what the numbers of pods and the weights of a canary depend on.
 *
 * @param minPodsAreCapped - Whether `minPodsPerReplicaSet` counts as at most `replicas`, as since Argo Rollouts 1.10.
 */
export function canarySettings(rollout: KubeObject, replicas: number, minPodsAreCapped: boolean): CanarySettings {
  const canary = asObject(canaryOf(rollout));
  const routing = trafficRoutingOf(rollout);
  const leastPods = routing === undefined ? 0 : (int32(canary['minPodsPerReplicaSet']) ?? 0);
  const abortDelay = int32(canary['abortScaleDownDelaySeconds']);
  return {
    replicas,
    maxWeight: int32(routing?.['maxTrafficWeight']) ?? DEFAULT_MAX_WEIGHT,
    ...podLimits(canary, replicas),
    isTrafficRouted: routing !== undefined,
    hasRouter: routersOf(rollout).size > 0,
    dynamicStableScale: canary['dynamicStableScale'] === true,
    minPodsPerReplicaSet: minPodsAreCapped ? Math.min(leastPods, replicas) : leastPods,
    progressThreshold: thresholdOf(canary),
    abortScaleDownDelay: abortDelay === 0 ? undefined : (abortDelay ?? DEFAULT_ABORT_DELAY),
    abortScaleDownDelayIsSet: abortDelay !== undefined,
    steps: stepsOf(rollout).map(scaleOf),
  };
}

function thresholdOf(canary: JsonObject): ProgressThreshold | undefined {
  const threshold = optionalObject(canary['replicaProgressThreshold']);
  const value = int32(threshold?.['value']) ?? 0;
  return threshold === undefined || value < 0
    ? undefined
    : { isPercentage: asString(threshold['type']) === 'Percent', value };
}

function scaleOf(step: unknown): StepScale {
  const scale = optionalObject(dig(step, 'setCanaryScale'));
  return {
    setWeight: int32(dig(step, 'setWeight')),
    setCanaryScale: scale && {
      replicas: int32(scale['replicas']),
      weight: int32(scale['weight']),
      matchTrafficWeight: scale['matchTrafficWeight'] === true,
    },
  };
}

/**
 * Returns how many pods more than `replicas` may exist, and how many fewer may be available. If both come to 0, one pod
 * may be unavailable. A text that is not a number makes both 0. Source: Argo Rollouts v1.9.1, `utils/replicaset`
 * (`resolveFenceposts`).
 */
function podLimits(
  canary: JsonObject,
  replicas: number,
): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const surge = podsOf(canary['maxSurge'], replicas, Math.ceil);
  const unavailable = podsOf(canary['maxUnavailable'], replicas, Math.floor);
  if (surge === undefined || unavailable === undefined) return { maxSurge: 0, maxUnavailable: 0 };
  const atLeastOne = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { maxSurge: surge, maxUnavailable: Math.min(atLeastOne, replicas) };
}

// A text counts as a percentage, with or without its sign.
function podsOf(value: unknown, replicas: number, round: (pods: number) => number): number | undefined {
  const number = optionalNumber(value);
  if (number !== undefined) return number;
  const text = typeof value === 'string' ? value : DEFAULT_POD_LIMIT;
  const percentage = text.replaceAll('%', '');
  return /^[+-]?[0-9]+$/.test(percentage) ? round((Number(percentage) * replicas) / 100) : undefined;
}
