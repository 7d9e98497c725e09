import { beforeUpdate, hasPodsOfStep, reconcile, type CanaryState } from './canary-controller.ts';
import type { CanarySettings } from './canary-settings.ts';

/** The reconciliations of one step, until nothing changes any more. */
export interface CanaryStage {
  /** The states that the step passes through, beginning with that before it. The last one is how it ends. */
  readonly states: readonly [CanaryState, ...CanaryState[]];
  /**
   * Whether the update goes on after it. If it is `stuck`, the controller waits without end for pods that it does not
   * create; if it is `endless`, it scales back and forth.
   */
  readonly end: 'done' | 'stuck' | 'endless';
}

/** How a stage ended. */
export function endOf({ states }: CanaryStage): CanaryState {
  return states.at(-1) ?? states[0];
}

/**
 * Returns the stages of an update: one for each step, and one after the last step, at whose end the canary becomes stable.
 * A step ends when nothing changes any more. The stage after the last step ends with the first reconciliation at whose
 * start the canary has all its pods. The list ends with the first stage that is not done.
 *
 * @param spend - Counts reconciliations; a caller with a limit throws.
 */
export function updateStages(settings: CanarySettings, spend: (reconciliations: number) => void): CanaryStage[] {
  const stages: CanaryStage[] = [];
  let state = beforeUpdate(settings);
  for (let step = 0; step <= settings.steps.length; step++) {
    const stage = stageFrom(settings, { ...state, step }, spend);
    stages.push(stage);
    if (stage.end !== 'done') break;
    state = endOf(stage);
  }
  return stages;
}

/**
 * Returns what an abort in a state leads to, until nothing changes any more. Pods that the controller keeps for
 * `abortScaleDownDelaySeconds` are still there at the end.
 */
export function abortStage(
  settings: CanarySettings,
  state: CanaryState,
  spend: (reconciliations: number) => void,
): CanaryStage {
  // The controller goes back to the first step at the end of the first reconciliation.
  const aborted = { ...state, isAborted: true };
  spend(1);
  const { states, end } = settled(settings, { ...reconcile(settings, aborted), step: 0 }, spend, () => false);
  return { states: [aborted, ...states], end };
}

function stageFrom(
  settings: CanarySettings,
  start: CanaryState,
  spend: (reconciliations: number) => void,
): CanaryStage {
  const isLast = start.step === settings.steps.length;
  const stage = settled(settings, start, spend, (state) => isLast && hasPodsOfStep(settings, state));
  return stage.end === 'done' && !hasPodsOfStep(settings, endOf(stage)) ? { ...stage, end: 'stuck' } : stage;
}

function settled(
  settings: CanarySettings,
  start: CanaryState,
  spend: (reconciliations: number) => void,
  endsWith: (state: CanaryState) => boolean,
): CanaryStage {
  const states: [CanaryState, ...CanaryState[]] = [start];
  const seen = new Set([keyOf(start)]);
  for (let last = keyOf(start), state = start; ;) {
    spend(1);
    const isOver = endsWith(state);
    state = reconcile(settings, state);
    const key = keyOf(state);
    if (key === last) return { states, end: 'done' };
    states.push(state);
    if (isOver) return { states, end: 'done' };
    if (seen.has(key)) return { states, end: 'endless' };
    seen.add(key);
    last = key;
  }
}

function keyOf({ pods, weights }: CanaryState): string {
  return `${pods.canary} ${pods.stable} ${weights?.canary} ${weights?.stable}`;
}
