import { refOf, type KubeObject } from '../world/object.ts';
import { asObject, int32 } from '../world/read.ts';
import { blueGreenOf, canaryOf, stepsOf, workloadRefOf, type Find } from '../world/rollout.ts';
import { versionsMatching } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import { timedAnalyses } from './analysis-time.ts';
import { arrivalOf } from './arrival.ts';
import { blueGreenStages } from './blue-green.ts';
import { backgroundAnalyses, canaryNotes, canaryStages } from './canary.ts';
import { canarySettings } from './canary-settings.ts';
import type { ReplicaCount } from './replicas.ts';
import { TimelineError, type Stage, type Timeline } from './stage.ts';
import { sumOf } from './time-text.ts';

const MOST_RECONCILIATIONS = 100_000;

/**
 * Returns what an update of a Rollout does, in a world with the objects that it refers to. All pods become available, all
 * analyses succeed and nobody interferes, except for an abort.
 *
 * @param count - The number of pods, see `replicaCounts`.
 * @param abortAt - The step at whose end the update is aborted, by its number from 1.
 * @throws TimelineError - If there is no such step, no strategy, or the update has too many reconciliations.
 */
export function timelineOf(rollout: KubeObject, world: World, count: ReplicaCount, abortAt?: number): Timeline {
  const find: Find = (kind, namespace, name) => {
    const found = world.get(kind, namespace, name);
    return found.state === 'present' ? found.object : undefined;
  };
  // Only the CLI asks, about manifests of its own user: nobody waits for it, so nothing is counted.
  const analyses = timedAnalyses(rollout, { find, spend: () => undefined, skip: () => undefined });
  const { replicas, from } = count;
  const shared = { rollout: refOf(rollout), replicas, replicasFrom: from };
  if (blueGreenOf(rollout) !== undefined) {
    const { stages, aborted } = blueGreenStages(rollout, replicas, analyses, abortAt);
    checkStep(abortAt, stages.filter(({ step }) => step !== undefined).length);
    return {
      ...shared,
      ...sumsOf(stages, abortAt, aborted),
      strategy: 'blueGreen',
      arrival: 'active Service',
      maxWeight: 100,
      background: [],
      notes: workloadNotes(rollout),
    };
  }
  if (canaryOf(rollout) === undefined) throw new TimelineError('the Rollout has no strategy: set canary or blueGreen');
  checkStep(abortAt, stepsOf(rollout).length);
  const { notes: versionNotes, minPodsAreCapped } = minPodsOf(rollout, replicas, world);
  const settings = canarySettings(rollout, replicas, minPodsAreCapped);
  if (settings.maxWeight <= 0) throw new TimelineError('maxTrafficWeight is below 1: use 100, or leave it out');
  const arrival = arrivalOf(rollout, world, find);
  const { stages, aborted } = canaryStages({ rollout, settings, arrival, analyses, spend: counter() }, abortAt);
  return {
    ...shared,
    ...sumsOf(stages, abortAt, aborted),
    strategy: 'canary',
    arrival,
    maxWeight: settings.maxWeight,
    background: backgroundAnalyses(rollout, analyses),
    notes: [...canaryNotes(rollout, arrival), ...versionNotes, ...workloadNotes(rollout)],
  };
}

/** Returns an update until its abort, and what follows, as one timeline. Without an abort, it stays as it is. */
export function throughAbort(timeline: Timeline): Timeline {
  const { stages, abort, background } = timeline;
  if (abort === undefined) return timeline;
  const end = stages.findIndex(({ step }) => step === abort.step) + 1;
  return {
    ...timeline,
    ...sumsOf([...stages.slice(0, end), ...abort.stages], undefined, undefined),
    background: background.filter(({ from }) => from <= abort.step),
  };
}

function sumsOf(
  stages: readonly Stage[],
  abortAt: number | undefined,
  aborted: readonly Stage[] | undefined,
): Pick<Timeline, 'stages' | 'mostPods' | 'time' | 'abort'> {
  const waits = stages.flatMap(({ step, wait }) => (step === undefined || wait === undefined ? [] : [wait]));
  return {
    stages,
    mostPods: stages.reduce((most, stage) => Math.max(most, stage.mostPods), 0),
    time: sumOf(waits),
    abort: abortAt === undefined || aborted === undefined ? undefined : { step: abortAt, stages: aborted },
  };
}

function checkStep(abortAt: number | undefined, steps: number): void {
  if (abortAt === undefined || (abortAt >= 1 && abortAt <= steps)) return;
  throw new TimelineError(
    steps === 0
      ? `there is no step ${abortAt}: the Rollout has no steps`
      : `there is no step ${abortAt}: use 1${steps === 1 ? '' : ` to ${steps}`}`,
  );
}

function counter(): (reconciliations: number) => void {
  let left = MOST_RECONCILIATIONS;
  return (reconciliations) => {
    left -= reconciliations;
    if (left < 0)
      throw new TimelineError(
        `the update takes more than ${MOST_RECONCILIATIONS} reconciliations: use fewer replicas, or a higher maxSurge`,
      );
  };
}

// Where the releases differ, the newest one counts.
function minPodsOf(
  rollout: KubeObject,
  replicas: number,
  { versions }: World,
): { readonly minPodsAreCapped: boolean; readonly notes: readonly string[] } {
  const capped = versionsMatching(versions, { since: 'minPodsAreCapped' });
  const least = int32(asObject(canaryOf(rollout))['minPodsPerReplicaSet']) ?? 0;
  const matters = capped === 'some' && least > replicas;
  return {
    minPodsAreCapped: capped !== 'none',
    notes: matters
      ? [
          `before Argo Rollouts 1.10, minPodsPerReplicaSet (${least}) counts although there are only ${replicas} replicas`,
        ]
      : [],
  };
}

function workloadNotes(rollout: KubeObject): readonly string[] {
  const workload = workloadRefOf(rollout);
  return workload === undefined
    ? []
    : [`the pod template comes from ${workload.kindName} "${workload.name}", whose own pods are not counted`];
}
