import type { KubeObject } from '../world/object.ts';
import { asObject, asString, int32, type JsonObject } from '../world/read.ts';
import { blueGreenOf } from '../world/rollout.ts';
import type { TimedAnalysis } from './analysis-time.ts';
import { keptFor } from './canary.ts';
import { trafficNotes } from './notes.ts';
import { TimelineError, type Stage, type StageNote, type Traffic, type Wait } from './stage.ts';
import { analysisWait } from './steps.ts';
import { timeText } from './time-text.ts';

const DEFAULT_DELAY = 30;
const OLD: Traffic = { canary: 0, stable: 1, experiment: 0 };
const NEW: Traffic = { canary: 1, stable: 0, experiment: 0 };

/** The numbers of pods of the new ReplicaSet in a blue-green update: before and after the preview has passed. */
export interface BlueGreenCounts {
  readonly preview: number;
  readonly active: number;
}

/**
 * Returns the numbers of pods of the new ReplicaSet. Source: Argo Rollouts v1.9.1, `utils/replicaset`
 * (`NewRSNewReplicas`).
 */
export function blueGreenCounts(rollout: KubeObject, replicas: number): BlueGreenCounts {
  return { preview: int32(blueGreenOf(rollout)?.['previewReplicaCount']) ?? replicas, active: replicas };
}

/**
 * Returns the stages of a blue-green update, and those after an abort at the end of a stage, by its number from 1.
 *
 * @throws TimelineError - If the update is over at the end of this stage.
 */
export function blueGreenStages(
  rollout: KubeObject,
  replicas: number,
  analyses: readonly TimedAnalysis[],
  abortAt: number | undefined,
): { readonly stages: readonly Stage[]; readonly aborted: readonly Stage[] | undefined } {
  const fields = asObject(blueGreenOf(rollout));
  const { preview, active } = blueGreenCounts(rollout, replicas);
  const of = (role: string): Wait | undefined =>
    analysisWait(analyses.filter(({ analysis }) => analysis.role === role));
  const stage = (title: string, canary: number, texts: Texts = {}): Stage => stageOf(title, canary, replicas, texts);
  const prePromotion = of('prePromotion');
  const pause = pauseOf(fields);
  const postPromotion = of('postPromotion');
  const delay = int32(fields['scaleDownDelaySeconds']) ?? DEFAULT_DELAY;
  const previewName = asString(fields['previewService']);
  const steps: Stage[] = [
    stage('preview', preview, {
      notes: [
        {
          kind: 'fact',
          text: previewName === '' ? 'no preview Service' : `Service "${previewName}" selects the new pods`,
        },
      ],
    }),
    ...(prePromotion === undefined ? [] : [stage('pre-promotion analysis', preview, { wait: prePromotion })]),
    ...(pause === undefined ? [] : [stage('pause', preview, { wait: pause })]),
    ...(preview === active ? [] : [stage(preview < active ? 'scale up' : 'scale down', active)]),
    stage('switch', active, { traffic: NEW }),
    ...(postPromotion === undefined
      ? []
      : [stage('post-promotion analysis', active, { traffic: NEW, wait: postPromotion })]),
  ];
  const stages = [
    stage('before', 0),
    ...steps.map((each, index) => ({ ...each, step: index + 1 })),
    stage('promotion', active, { traffic: NEW, wait: keptFor('old', delay) }),
    ...(delay === 0 ? [] : [stage('old pods gone', active, { traffic: NEW, stable: 0 })]),
  ];
  const at = abortAt === undefined ? undefined : steps[abortAt - 1];
  // Source: Argo Rollouts v1.9.1, `rollout/sync.go` (`shouldFullPromote`).
  if (at?.title === 'switch' && postPromotion === undefined)
    throw new TimelineError(
      `nothing is left to abort at step ${abortAt}: without postPromotionAnalysis, the switch promotes the new pods`,
    );
  return { stages, aborted: at && abortStages(fields, at, replicas) };
}

interface Texts {
  readonly traffic?: Traffic;
  readonly wait?: Wait | undefined;
  readonly notes?: readonly StageNote[];
  readonly stable?: number;
}

function stageOf(title: string, canary: number, replicas: number, texts: Texts): Stage {
  const traffic = texts.traffic ?? OLD;
  const pods = { canary, stable: texts.stable ?? replicas, experiment: 0 };
  return {
    step: undefined,
    title,
    weight: undefined,
    pods,
    mostPods: canary + pods.stable,
    traffic,
    experiment: [],
    wait: texts.wait,
    notes: [
      ...trafficNotes({ pods, traffic, intended: undefined }, replicas, 'active Service'),
      ...(texts.notes ?? []),
    ],
    states: [{ pods: { canary, stable: pods.stable }, weights: undefined }],
  };
}

// autoPromotionSeconds counts only while auto-promotion is on, as by default. Source: Argo Rollouts v1.9.1,
// `rollout/pause.go` (`CompletedBlueGreenPause`).
function pauseOf(fields: JsonObject): Wait | undefined {
  if (fields['autoPromotionEnabled'] === false)
    return { by: 'person', shortest: undefined, longest: undefined, text: 'until a person promotes' };
  const seconds = int32(fields['autoPromotionSeconds']) ?? 0;
  return seconds > 0 ? { by: 'time', shortest: seconds, longest: seconds, text: timeText(seconds) } : undefined;
}

// The active Service selects the old pods again, which have all stayed.
function abortStages(fields: JsonObject, from: Stage, replicas: number): readonly Stage[] {
  const delay = int32(fields['abortScaleDownDelaySeconds']) ?? DEFAULT_DELAY;
  const abort = stageOf('abort', from.pods.canary, replicas, { wait: keptFor('new', delay) });
  return delay === 0 ? [abort] : [abort, stageOf('new pods gone', 0, replicas, {})];
}
