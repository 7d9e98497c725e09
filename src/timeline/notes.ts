import type { Arrival, StageNote, StagePods, Traffic } from './stage.ts';

// Below these, rounding to whole pods explains the difference.
const NOTED_LOAD = 1.5;
const NOTED_DIFFERENCE = 0.05;

/**
 * Returns how many times the requests of a pod before the update each pod of a part gets; undefined if it has no pods. 1 is
 * as before.
 */
export function loadOf(
  part: 'canary' | 'stable',
  traffic: Traffic,
  pods: StagePods,
  replicas: number,
): number | undefined {
  return pods[part] === 0 ? undefined : (traffic[part] * replicas) / pods[part];
}

/**
 * Returns what is wrong with where requests go in a stage: to pods that do not exist, to fewer pods than they need, or in
 * other shares than the steps say.
 *
 * @param intended - The part of all requests that the canary is to get, of 1; undefined if no step says it.
 */
export function trafficNotes(
  stage: { readonly pods: StagePods; readonly traffic: Traffic; readonly intended: number | undefined },
  replicas: number,
  arrival: Arrival,
): readonly StageNote[] {
  const { pods, traffic, intended } = stage;
  if (pods.canary + pods.stable + pods.experiment === 0)
    return [{ kind: 'failing-requests', text: 'there are no pods, so all requests fail' }];
  const notes: StageNote[] = [];
  for (const part of ['canary', 'stable'] as const) {
    if (traffic[part] > 0 && pods[part] === 0)
      notes.push({
        kind: 'failing-requests',
        text: `${percent(traffic[part])} of the requests go to ${part} pods, but there are none`,
      });
    const load = loadOf(part, traffic, pods, replicas) ?? 0;
    if (load >= NOTED_LOAD)
      notes.push({
        kind: 'overload',
        text: `each ${part} pod gets ${times(load)} the requests that a pod gets before the update`,
      });
  }
  if (intended === undefined || Math.abs(intended - traffic.canary) < NOTED_DIFFERENCE) return notes;
  const text =
    arrival === 'stable Service'
      ? `no request reaches the canary: the stable Service selects the stable pods only, and there is no router`
      : `the weight says ${percent(intended)}, but ${percent(traffic.canary)} of the requests reach the canary`;
  return [...notes, { kind: 'share', text }];
}

/** Returns a part of 1 as a percentage, without decimals if it is a whole one. */
export function percent(part: number): string {
  return `${Math.round(part * 1000) / 10} %`;
}

function times(factor: number): string {
  return `${Math.round(factor * 10) / 10} times`;
}
