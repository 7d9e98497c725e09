import type { KubeObject } from '../world/object.ts';
import { asObject, asString, dig, int32, isObject } from '../world/read.ts';
import { canaryOf, stepsOf } from '../world/rollout.ts';
import type { TimedAnalysis } from './analysis-time.ts';
import { trafficOf } from './arrival.ts';
import { beforeUpdate, delaysScaleDown, setWeightAt, type CanaryState } from './canary-controller.ts';
import type { CanarySettings } from './canary-settings.ts';
import { abortStage, endOf, updateStages, type CanaryStage } from './canary-walk.ts';
import {
  experimentNotes,
  experimentRouting,
  experimentTemplates,
  routedTraffic,
  withEndedExperiments,
  withTraffic,
} from './experiment.ts';
import { percent, trafficNotes } from './notes.ts';
import {
  TimelineError,
  type Arrival,
  type BackgroundAnalysis,
  type Stage,
  type StageNote,
  type Traffic,
  type Wait,
} from './stage.ts';
import { analysisWait, describeStep, failureText } from './steps.ts';
import { timeText } from './time-text.ts';

const DEFAULT_SCALE_DOWN_DELAY = 30;
const ALL_STABLE: Traffic = { canary: 0, stable: 1, experiment: 0 };
const ALL_CANARY: Traffic = { canary: 1, stable: 0, experiment: 0 };

/** What the stages of a canary follow from. */
export interface CanaryUpdate {
  readonly rollout: KubeObject;
  readonly settings: CanarySettings;
  readonly arrival: Arrival;
  readonly analyses: readonly TimedAnalysis[];
  /** Counts reconciliations. */
  readonly spend: (reconciliations: number) => void;
}

/** Returns the stages of an update, and those after an abort at the end of a step, by its number from 1. */
export function canaryStages(
  update: CanaryUpdate,
  abortAt: number | undefined,
): { readonly stages: readonly Stage[]; readonly aborted: readonly Stage[] | undefined } {
  const { settings, spend } = update;
  const walk = updateStages(settings, spend);
  const first = beforeUpdate(settings);
  const planned = [
    stageOf(update, { states: [first], end: 'done' }, { title: 'before', traffic: ALL_STABLE }),
    ...walk.flatMap((stage, index) =>
      index < settings.steps.length ? [stepStage(update, stage, index)] : lastStages(update, stage),
    ),
  ];
  const stages = withEndedExperiments(planned, stepsOf(update.rollout));
  if (abortAt === undefined) return { stages, aborted: undefined };
  const from = walk[abortAt - 1];
  if (from === undefined)
    throw new TimelineError(`step ${abortAt} is never reached: the update stops at step ${walk.length}`);
  return { stages, aborted: abortedStages(update, endOf(from)) };
}

function stepStage(update: CanaryUpdate, stage: CanaryStage, index: number): Stage {
  const { settings, analyses } = update;
  const own = analyses.filter(({ analysis: { path } }) => path[3] === 'steps' && path[4] === index);
  const step = stepsOf(update.rollout)[index];
  const described = describeStep(step, own, {
    maxWeight: settings.maxWeight,
    hasCanary: endOf(stage).pods.canary > 0,
  });
  return stageOf(update, stage, {
    ...described,
    raw: step,
    step: index + 1,
    intended: setWeightAt(settings, index) / settings.maxWeight,
  });
}

/** What a stage is, apart from its pods. */
interface StageTexts {
  readonly step?: number;
  readonly title: string;
  readonly wait?: Wait | undefined;
  /** The step, as written. */
  readonly raw?: unknown;
  readonly notes?: readonly StageNote[];
  /** The part of all requests that the canary is to get. */
  readonly intended?: number;
  /** Where requests go, if not as the arrival says. */
  readonly traffic?: Traffic;
}

function stageOf({ rollout, settings, arrival }: CanaryUpdate, stage: CanaryStage, texts: StageTexts): Stage {
  const end = endOf(stage);
  const routing = experimentRouting(rollout);
  const templates = experimentTemplates(texts.raw, routing);
  const added = (field: 'pods' | 'weight'): number => templates.reduce((sum, template) => sum + template[field], 0);
  const pods = { ...end.pods, experiment: added('pods') };
  const traffic =
    texts.traffic ?? trafficOf(arrival, pods, routedTraffic(end.weights, settings.maxWeight, added('weight'), routing));
  const experiment = withTraffic(templates, traffic.experiment, arrival === 'router' ? 'weight' : 'pods');
  const most = stage.states.reduce((least, { pods: each }) => Math.max(least, each.canary + each.stable), 0);
  return {
    step: texts.step,
    title: texts.title,
    weight: end.weights?.canary,
    pods,
    mostPods: most + pods.experiment,
    traffic,
    experiment,
    wait: texts.wait,
    notes: [
      ...stuckNotes(stage),
      ...trafficNotes({ pods, traffic, intended: texts.intended }, settings.replicas, arrival),
      ...experimentNotes(experiment),
      ...(texts.notes ?? []),
    ],
    states: stage.states.map((state) => ({ pods: state.pods, weights: state.weights })),
  };
}

function stuckNotes({ end }: CanaryStage): readonly StageNote[] {
  if (end === 'done') return [];
  const text =
    end === 'stuck'
      ? 'the update stops here: the controller waits for pods that it does not create'
      : 'the controller scales up and down without end';
  return [{ kind: 'stuck', text }];
}

// After the last step the canary becomes stable. What were the stable pods may stay for a while.
function lastStages(update: CanaryUpdate, stage: CanaryStage): readonly Stage[] {
  const { settings, rollout } = update;
  if (stage.end !== 'done') return [stageOf(update, stage, { title: 'promotion', intended: 1 })];
  const end = endOf(stage);
  const isKept = settings.isTrafficRouted && !settings.dynamicStableScale && end.pods.stable > 0;
  const delay = int32(canaryOf(rollout)?.['scaleDownDelaySeconds']) ?? DEFAULT_SCALE_DOWN_DELAY;
  const promotion = stageOf(update, stage, {
    title: 'promotion',
    traffic: ALL_CANARY,
    wait: isKept ? keptFor('old', delay) : undefined,
    notes: emptyServiceNotes(update, stage),
  });
  if (end.pods.stable === 0 || (isKept && delay === 0)) return [promotion];
  return [
    promotion,
    stageOf(
      update,
      { states: [afterPromotion(end, settings.maxWeight)], end: 'done' },
      {
        title: 'old pods gone',
        traffic: ALL_CANARY,
      },
    ),
  ];
}

// What was the canary is stable now, so nothing goes to a canary.
function afterPromotion(state: CanaryState, maxWeight: number): CanaryState {
  const weights = state.weights && { canary: 0, stable: maxWeight };
  return { ...state, weights, pods: { ...state.pods, stable: 0 } };
}

/** Returns what an update waits for while pods are kept that get no requests any more. */
export function keptFor(pods: 'old' | 'new' | 'canary', delay: number): Wait {
  // Without a deadline, nothing ever scales them down.
  if (delay === 0)
    return {
      by: 'scale-down',
      shortest: undefined,
      longest: undefined,
      text: `the ${pods} pods stay: a delay of 0 means no scale-down`,
    };
  return { by: 'scale-down', shortest: delay, longest: delay, text: `the ${pods} pods stay ${timeText(delay)}` };
}

// Until the promotion, the stable Service selects stable pods only.
function emptyServiceNotes({ arrival }: CanaryUpdate, { states }: CanaryStage): readonly StageNote[] {
  if (arrival !== 'stable Service' || states[0].pods.stable === 0 || states.every(({ pods }) => pods.stable > 0))
    return [];
  return [
    {
      kind: 'failing-requests',
      text: 'the stable Service has no pods from the end of the last stable pod until the promotion',
    },
  ];
}

function abortedStages(update: CanaryUpdate, from: CanaryState): readonly Stage[] {
  const { settings } = update;
  const stage = abortStage(settings, from, update.spend);
  const end = endOf(stage);
  const isDelayed = delaysScaleDown(settings, end) && end.pods.canary > 0;
  // Only then does the delay begin. Source: Argo Rollouts v1.9.1, `rollout/replicaset.go` (`reconcileNewReplicaSet`).
  const isKept = isDelayed && end.pods.stable === settings.replicas;
  const abort = stageOf(update, stage, {
    title: 'abort',
    wait: isKept ? keptFor('canary', settings.abortScaleDownDelay ?? 0) : undefined,
    notes: isDelayed && !isKept ? [stoppedAbort(settings, end)] : [],
  });
  if (!isKept) return [abort];
  // With dynamicStableScale the canary may have kept a weight until now.
  const gone = abortStage(settings, { ...end, pods: { ...end.pods, canary: 0 } }, update.spend);
  return [abort, stageOf(update, gone, { title: 'canary gone' })];
}

function stoppedAbort({ maxWeight, replicas }: CanarySettings, { weights }: CanaryState): StageNote {
  const share = percent((weights?.canary ?? 0) / maxWeight);
  return {
    kind: 'stuck',
    text: `the abort stops here: the canary keeps ${share} of the requests and its pods, because abortScaleDownDelaySeconds waits for all ${replicas} stable pods`,
  };
}

/** Returns the analyses that run in the background of a canary. */
export function backgroundAnalyses(
  rollout: KubeObject,
  analyses: readonly TimedAnalysis[],
): readonly BackgroundAnalysis[] {
  const from = int32(dig(canaryOf(rollout), 'analysis', 'startingStep')) ?? 0;
  return analyses
    .filter(({ analysis }) => analysis.role === 'background')
    .map(({ templates, time, ...each }) => {
      const failing = time.firstFailure === undefined ? '' : failureText(time.firstFailure);
      const until = time.isEndless
        ? 'until the update is over'
        : (analysisWait([{ templates, time, ...each }])?.text ?? '');
      const text = time.isEndless && failing !== '' ? `${until}; ${failing}` : until;
      return { templates, from: from + 1, shortest: time.shortest, longest: time.longest, text };
    });
}

/** Returns what is not part of any step. */
export function canaryNotes(rollout: KubeObject, arrival: Arrival): readonly string[] {
  const canary = asObject(canaryOf(rollout));
  const { pingService, pongService } = asObject(canary['pingPong']);
  return [
    ...(isObject(canary['pingPong'])
      ? [
          `ping-pong: Services "${asString(pingService)}" and "${asString(pongService)}" change their roles with every update`,
        ]
      : []),
    ...(arrival === 'router' && stepsOf(rollout).length === 0
      ? ['there are no steps: the router sends nothing to the canary before its promotion, then everything']
      : []),
  ];
}
