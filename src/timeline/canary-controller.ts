import type { CanarySettings, StepScale } from './canary-settings.ts';
import {
  basicCounts,
  podsForWeight,
  routedCounts,
  type CanaryTarget,
  type Pods,
  type Weights,
} from './replica-counts.ts';

/** An update of a canary between two reconciliations. Every pod is available. */
export interface CanaryState {
  readonly pods: Pods;
  /** What the router sends; undefined without a router. */
  readonly weights: Weights | undefined;
  /** The index of the current step; the number of steps after the last one. */
  readonly step: number;
  readonly isAborted: boolean;
}

/** Returns the state in which an update begins: everything is stable. */
export function beforeUpdate({ replicas, maxWeight, hasRouter }: CanarySettings): CanaryState {
  return {
    pods: { canary: 0, stable: replicas },
    weights: hasRouter ? { canary: 0, stable: maxWeight } : undefined,
    step: 0,
    isAborted: false,
  };
}

/**
 * Returns the state after one reconciliation, when every pod has become available. It sets the weights, and then scales at
 * most one ReplicaSet: the stable one first. It neither goes on to the next step nor promotes. Source: Argo Rollouts
 * v1.9.1, `rollout/canary.go` (`rolloutCanary`).
 */
export function reconcile(settings: CanarySettings, state: CanaryState): CanaryState {
  const weights = settings.hasRouter ? nextWeights(settings, state) : undefined;
  // The stable ReplicaSet follows the weights of the reconciliation before.
  const { stable } = countsOf(settings, state, state.weights);
  if (stable !== state.pods.stable) return { ...state, weights, pods: { ...state.pods, stable } };
  if (delaysScaleDown(settings, state)) return { ...state, weights };
  const { canary } = countsOf(settings, state, weights);
  return { ...state, weights, pods: { ...state.pods, canary } };
}

/** Reports whether the canary of an aborted update keeps its pods for `abortScaleDownDelaySeconds`. */
export function delaysScaleDown(settings: CanarySettings, { isAborted }: CanaryState): boolean {
  if (!isAborted || !settings.isTrafficRouted || settings.abortScaleDownDelay === undefined) return false;
  return !settings.dynamicStableScale || settings.abortScaleDownDelayIsSet;
}

/**
 * Reports whether the current step is done as far as pods are concerned. Steps other than `setWeight` and `setCanaryScale`
 * do not wait for pods. After the last step, the canary must have as many pods as it will have when it is stable.
 */
export function hasPodsOfStep(settings: CanarySettings, state: CanaryState): boolean {
  const step = settings.steps[state.step];
  if (step === undefined)
    return state.pods.canary >= settings.replicas || meetsThreshold(settings, state.pods.canary, settings.replicas);
  return (step.setWeight === undefined && step.setCanaryScale === undefined) || hasPods(settings, state, state.weights);
}

function countsOf(settings: CanarySettings, state: CanaryState, weights: Weights | undefined): Pods {
  const target = targetOf(settings, state);
  if (settings.isTrafficRouted) return routedCounts(settings, target, weights, state.isAborted);
  return basicCounts(settings, 'weight' in target ? target.weight : 0, state.pods);
}

function hasPods(settings: CanarySettings, state: CanaryState, weights: Weights | undefined): boolean {
  const wanted = countsOf(settings, state, weights);
  if (!meetsThreshold(settings, state.pods.canary, wanted.canary)) return false;
  return (settings.isTrafficRouted && settings.dynamicStableScale) || state.pods.stable === wanted.stable;
}

function meetsThreshold({ progressThreshold }: CanarySettings, available: number, wanted: number): boolean {
  if (progressThreshold === undefined) return available === wanted;
  const { isPercentage, value } = progressThreshold;
  if (!isPercentage) return available >= value;
  if (wanted === 0) return true;
  const percentage = (available / wanted) * 100;
  return percentage >= value || Math.abs(percentage - value) <= 1e-10;
}

function targetOf(settings: CanarySettings, state: CanaryState): CanaryTarget {
  const scale = scaleAt(settings, state);
  if (scale?.replicas !== undefined) return { replicas: scale.replicas };
  if (scale?.weight !== undefined) return { weight: scale.weight };
  return { weight: desiredWeight(settings, state) };
}

// The last setCanaryScale up to the current step; after an abort only if the pods are to be kept.
function scaleAt(
  { steps, ...settings }: CanarySettings,
  { step, isAborted }: CanaryState,
): StepScale['setCanaryScale'] {
  if (!settings.isTrafficRouted || step >= steps.length) return undefined;
  if (isAborted && settings.abortScaleDownDelay !== undefined) return undefined;
  const scale = steps.slice(0, step + 1).findLast(({ setCanaryScale }) => setCanaryScale !== undefined)?.setCanaryScale;
  return scale?.matchTrafficWeight === true ? undefined : scale;
}

/**
 * Returns the weight that the canary is to have. An aborted update with `dynamicStableScale` goes back through the weights
 * of its steps, so that stable pods are there before they get requests. Source: Argo Rollouts v1.9.1, `utils/replicaset`
 * (`GetDesiredCanaryWeight`).
 */
function desiredWeight(settings: CanarySettings, state: CanaryState): number {
  if (!state.isAborted) return setWeightAt(settings, state.step);
  if (!settings.dynamicStableScale) return 0;
  const { replicas, maxWeight, steps } = settings;
  const canary = Math.max(replicas - state.pods.stable, state.pods.canary);
  const lower = steps.findLast(
    ({ setWeight }) => setWeight !== undefined && podsForWeight(replicas, setWeight, maxWeight) < canary,
  );
  return lower?.setWeight ?? 0;
}

/** Returns the weight of the last `setWeight` up to a step, 0 if there is none, and the whole after the last step. */
export function setWeightAt({ steps, maxWeight }: CanarySettings, step: number): number {
  if (step >= steps.length) return maxWeight;
  return steps.slice(0, step + 1).findLast(({ setWeight }) => setWeight !== undefined)?.setWeight ?? 0;
}

/**
 * Returns what the router sends after a reconciliation. The canary gets a higher weight only when it has its pods, and the
 * stable ReplicaSet only when it has its own. Source: Argo Rollouts v1.9.1, `rollout/trafficrouting.go`
 * (`reconcileTrafficRouting`).
 */
function nextWeights(settings: CanarySettings, state: CanaryState): Weights | undefined {
  const canary = nextCanaryWeight(settings, state);
  const stable = settings.maxWeight - canary;
  const needed = Math.trunc((stable * settings.replicas) / settings.maxWeight);
  const hasStable = state.pods.stable >= needed || meetsThreshold(settings, state.pods.stable, needed);
  return hasStable ? { canary, stable } : state.weights;
}

function nextCanaryWeight(settings: CanarySettings, state: CanaryState): number {
  const { steps, maxWeight } = settings;
  if (state.isAborted) return weightAfterAbort(settings, state);
  if (state.pods.canary === 0 || steps.length === 0) return 0;
  if (!hasPods(settings, state, undefined))
    return steps.slice(0, state.step).findLast(({ setWeight }) => setWeight !== undefined)?.setWeight ?? 0;
  return state.step < steps.length ? setWeightAt(settings, state.step) : maxWeight;
}

// Requests go back as far as there are stable pods for them.
function weightAfterAbort(settings: CanarySettings, state: CanaryState): number {
  const { replicas, maxWeight } = settings;
  if (!settings.dynamicStableScale || replicas === 0) return 0;
  const desired = desiredWeight(settings, state);
  const stableShare = Math.trunc((maxWeight * state.pods.stable) / replicas);
  const current = state.weights?.canary;
  if (current === undefined) return Math.max(0, maxWeight - stableShare, desired);
  if (desired <= 0) return Math.min(Math.max(0, maxWeight - stableShare), current);
  return stableShare < maxWeight - desired ? current : Math.min(desired, current);
}
