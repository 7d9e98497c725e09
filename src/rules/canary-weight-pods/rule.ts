import { canarySettings, CANARY_SETTINGS_PLACES, type CanarySettings } from '../../timeline/canary-settings.ts';
import { abortStage, endOf, updateStages, type CanaryStage } from '../../timeline/canary-walk.ts';
import type { Pods } from '../../timeline/replica-counts.ts';
import { namespaceOf, type KindId, type KubeObject } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { asString, dig, int32, isObject } from '../../world/read.ts';
import { canaryOf, countsAsZero, stepsOf } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

const STEPS = ['spec', 'strategy', 'canary', 'steps'];
const SCALERS = ['HorizontalPodAutoscaler.autoscaling', 'ScaledObject.keda.sh'] as const satisfies readonly KindId[];
const THRESHOLD = ['spec', 'strategy', 'canary', 'replicaProgressThreshold'];
const THRESHOLD_TYPES = ['Percent', 'Pods'];
const WAITING = ['pause', 'analysis', 'experiment', 'plugin'];

// With more replicas, each weight starts a canary pod and is off by less than 1 point. 50 replicas without a surge start
// none for weight 99: 49.5 pods could be 49 or 50, and the controller considers neither.
const MOST_REPLICAS_WITHOUT_ROUTER = 50;
// Smaller differences are usual with few pods.
const NOTED_POINTS = 25;
const NOTED_POINTS_OF_SAME = 15;
const NOTED_LOAD = 3;
const MOST_LISTED = 5;

const messages = {
  same: {
    class: 'advice',
    text: 'weights {weights} {all} mean {pods}, because replicas is {replicas} and there is no trafficRouting',
    fix: 'use more replicas or trafficRouting, or keep only one of these weights',
    refutedBy: SCALERS,
  },
  none: {
    class: 'advice',
    text: 'step {number} sets weight {weight}, but leaves no canary pod, because replicas is {replicas}, maxSurge counts as 0 and there is no trafficRouting',
    fix: 'set maxSurge: 1',
    refutedBy: SCALERS,
  },
  off: {
    class: 'advice',
    text: 'step {number} sets weight {weight}, but {share} % of the pods are canary pods ({pods}), because replicas is {replicas} and there is no trafficRouting',
    fix: 'use more replicas or trafficRouting',
    refutedBy: SCALERS,
  },
  overload: {
    class: 'advice',
    text: 'step {number} sends {share} % of the requests to {pods}, because setCanaryScale of step {scale} still counts, so each canary pod gets {times} times the requests of a pod before the update',
    fix: 'add a step with setCanaryScale and matchTrafficWeight: true before step {number}, or scale higher in step {scale}',
    refutedBy: SCALERS,
  },
  scaledDown: {
    class: 'advice',
    text: 'step {scale} leaves {pods} for {share} % of the requests, so each canary pod gets {times} times the requests of a pod before the update',
    fix: 'scale higher in step {scale}, or use matchTrafficWeight: true there',
    refutedBy: SCALERS,
  },
  abortStops: {
    class: 'advice',
    text: 'an abort in step {number} never ends: {share} % of the requests stay on the canary, because abortScaleDownDelaySeconds keeps its pods until all stable pods are back, and dynamicStableScale starts these only as canary pods go',
    fix: 'leave out abortScaleDownDelaySeconds',
    refutedBy: SCALERS,
  },
  thresholdType: {
    class: 'advice',
    text: 'replicaProgressThreshold has type "{type}", which counts as Pods, so each step waits for {pods}',
    fix: 'use type Percent or Pods',
  },
  thresholdPercent: {
    class: 'advice',
    text: 'replicaProgressThreshold is {value} % of the canary pods, so the update never passes the first step with canary pods',
    fix: 'use 1 to 100',
  },
  threshold: {
    class: 'advice',
    text: 'the update never passes {step}, because replicaProgressThreshold waits for {pods} but gets only {count}',
    fix: 'use type Percent, or a lower value',
    refutedBy: SCALERS,
  },
  noStable: {
    class: 'advice',
    text: 'weight {weight} of step {number} with dynamicStableScale leaves no stable pod, so an abort in step {later} has to start all of them first',
    fix: 'use a lower weight in step {number}, or move step {later} before it',
  },
} as const;

type Context = RuleContext<typeof messages>;

/**
 * Compares the weights of a canary with its pods. Reports: argoproj/argo-rollouts#1713 and JiRaska/open-bank-oss#3806
 * (`same`, `none`, `off`), argoproj/argo-rollouts#3501, #4233 and #4642 (`overload`, `scaledDown`), #2050, #2235, #4828
 * and #4926 (`noStable`), #1068 (`abortStops`).
 */
export const canaryWeightPods = defineRule({
  id: 'canary-weight-pods',
  summary: 'The pods of a canary fit the weights of its steps.',
  explanation:
    'Without trafficRouting, whole pods stand for the weights. With one replica, every weight means one canary pod ' +
    'next to one stable pod. With maxSurge 0, it means no canary pod or nothing but it. With maxSurge 0 and more ' +
    'replicas, a weight that leaves half a stable pod, such as 90 with 5 replicas, starts no canary pod. With ' +
    'trafficRouting, setCanaryScale counts until the next one, so few pods may get the requests of many. With ' +
    'dynamicStableScale, the controller removes the stable pods as far as they get no requests. After an abort it ' +
    'brings them back weight by weight, as the canary pods go. If abortScaleDownDelaySeconds is set, the canary pods ' +
    'go only when all stable pods are back: both wait for each other. replicaProgressThreshold is compared with the ' +
    'available canary pods at each step, and the update stops if there are never as many. The controller accepts all of this. The numbers are those of `rollgate simulate`. This is only advice of lint: a Rollout without replicas is ' +
    'not checked, and neither is one with an autoscaler, because the number of pods is not known. Nor is one whose ' +
    'maxSurge, setCanaryScale or dynamicStableScale other rules report as invalid. A weight without a canary pod is ' +
    'always reported. Other weights are reported if they are off by 25 points, or if all mean the same pods and one ' +
    'is off by 15 points. Canary pods are reported from 3 times the requests of a pod before the update. Seen on the ' +
    'controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, claims F2, F3, F5 and F6). Source: Argo Rollouts ' +
    'v1.9.1, utils/replicaset (CalculateReplicaCountsForBasicCanary, CalculateReplicaCountsForTrafficRoutedCanary, ReplicaProgressThresholdMet).',
  subject: { 'Rollout.argoproj.io': ['spec.replicas', ...CANARY_SETTINGS_PLACES] },
  lintOnly: true,
  reads: inEach(SCALERS, ['spec.scaleTargetRef']),
  messages,
  check(context, rollout) {
    if (canaryOf(rollout) === undefined) return;
    const replicas = int32(dig(rollout, 'spec', 'replicas')) ?? 0;
    // Releases differ in minPodsPerReplicaSet. The most pods count, which get the fewest requests each.
    const settings = canarySettings(rollout, Math.max(1, replicas), false);
    if (isInvalid(rollout, settings)) return;
    checkThreshold(context, rollout, settings);
    if (settings.maxWeight <= 0 || !settings.steps.some(({ setWeight }) => (setWeight ?? 0) > 0)) return;
    if (settings.hasRouter && settings.dynamicStableScale) checkStable(context, rollout, settings);
    if (replicas <= 0 || isScaled(context, rollout)) return;
    if (settings.hasRouter) {
      checkLoad(context, rollout, settings);
      if (settings.dynamicStableScale && settings.abortScaleDownDelayIsSet) checkAbort(context, rollout, settings);
    } else if (!settings.isTrafficRouted && replicas <= MOST_REPLICAS_WITHOUT_ROUTER) checkWeights(context, settings);
  },
});

// Other rules report it, and the controller does not start the update.
function isInvalid(
  rollout: KubeObject,
  { isTrafficRouted, dynamicStableScale, maxWeight, steps }: CanarySettings,
): boolean {
  const canary = canaryOf(rollout);
  if (steps.some(({ setWeight = 0 }) => setWeight < 0 || setWeight > maxWeight)) return true;
  if (countsAsZero(canary?.['maxSurge']) && countsAsZero(canary?.['maxUnavailable'])) return true;
  return !isTrafficRouted && (dynamicStableScale || steps.some(({ setCanaryScale }) => setCanaryScale !== undefined));
}

function checkThreshold(context: Context, rollout: KubeObject, settings: CanarySettings): void {
  const { progressThreshold, steps, maxWeight } = settings;
  if (progressThreshold === undefined || steps.length === 0 || maxWeight <= 0) return;
  const { isPercentage, value } = progressThreshold;
  const type = asString(dig(canaryOf(rollout), 'replicaProgressThreshold', 'type'));
  const where = { path: THRESHOLD, anchor: 'replicaProgressThreshold' };
  const pods = countText(value, 'available canary');
  if (!THRESHOLD_TYPES.includes(type)) {
    context.report('thresholdType', { ...where, data: { type, pods } });
    return;
  }
  const replicas = int32(dig(rollout, 'spec', 'replicas'));
  // Without pods there is nothing to wait for.
  if (isPercentage && value > 100 && replicas !== 0) context.report('thresholdPercent', { ...where, data: { value } });
  if (isPercentage || replicas === undefined || replicas <= 0 || isScaled(context, rollout)) return;
  const stuck = stuckAtThreshold(context, settings);
  if (stuck === undefined) return;
  const step = stuck.index < steps.length ? `step ${stuck.index + 1}` : 'the end of the steps';
  context.report('threshold', { ...where, data: { step, pods, count: countText(stuck.canary, 'canary') } });
}

/** Returns the step at which only the threshold stops the update, and the canary pods there. */
function stuckAtThreshold(
  context: Context,
  settings: CanarySettings,
): { readonly index: number; readonly canary: number } | undefined {
  const { isTrafficRouted, replicas, steps } = settings;
  if (!isTrafficRouted && replicas > MOST_REPLICAS_WITHOUT_ROUTER) return undefined;
  const spend = (reconciliations: number): void => context.spend(reconciliations * steps.length);
  const stages = updateStages(settings, spend);
  const last = stages.at(-1);
  const least = settings.progressThreshold?.value ?? 0;
  // Pods that are about to go still count.
  if (last?.end !== 'stuck' || last.states.some(({ pods }) => pods.canary >= least)) return undefined;
  const index = stages.length - 1;
  const without = updateStages({ ...settings, progressThreshold: undefined }, spend)[index];
  return without?.end === 'done' ? { index, canary: endOf(last).pods.canary } : undefined;
}

function isScaled(context: Context, rollout: KubeObject): boolean {
  const { name } = rollout.metadata;
  return SCALERS.some((kind) => context.referrers(kind, 'Rollout.argoproj.io', namespaceOf(rollout), name).length > 0);
}

/** Returns what each step ends with; nothing after a step at which the update stops. */
function endsOf(context: Context, settings: CanarySettings): ReturnType<typeof endOf>[] {
  const { steps } = settings;
  const stages = updateStages(settings, (reconciliations) => context.spend(reconciliations * steps.length));
  return stages
    .slice(0, steps.length)
    .filter(({ end }: CanaryStage) => end === 'done')
    .map(endOf);
}

function checkWeights(context: Context, settings: CanarySettings): void {
  const { replicas, maxWeight, steps } = settings;
  const ends = endsOf(context, settings);
  const weighted = steps.flatMap(({ setWeight = 0 }, index) => {
    const pods = ends[index]?.pods;
    return pods === undefined || setWeight <= 0 || setWeight >= maxWeight ? [] : [{ index, weight: setWeight, pods }];
  });
  const [first] = weighted;
  if (first === undefined) return;
  const none = weighted.find(({ pods }) => pods.canary === 0);
  if (none !== undefined) {
    const { index, weight } = none;
    const data = { number: index + 1, weight, replicas };
    context.report('none', { path: [...STEPS, index, 'setWeight'], anchor: 'setWeight', data });
    return;
  }
  const pointsOff = ({ weight, pods }: (typeof weighted)[number]): number =>
    Math.abs(shareOf(pods) - weight / maxWeight) * 100;
  const weights = [...new Set(weighted.map(({ weight }) => weight))];
  if (
    weights.length > 1 &&
    weighted.every(({ pods }) => podsText(pods) === podsText(first.pods)) &&
    weighted.some((step) => pointsOff(step) >= NOTED_POINTS_OF_SAME)
  ) {
    const all = weights.length === 2 ? 'both' : 'all';
    const data = { weights: listed(weights), all, pods: podsText(first.pods), replicas };
    context.report('same', { path: [...STEPS, first.index, 'setWeight'], anchor: 'setWeight', data });
    return;
  }
  const off = weighted.find((step) => pointsOff(step) >= NOTED_POINTS);
  if (off === undefined) return;
  const { index, weight, pods } = off;
  context.report('off', {
    path: [...STEPS, index, 'setWeight'],
    anchor: 'setWeight',
    data: { number: index + 1, weight, share: percentage(shareOf(pods)), pods: podsText(pods), replicas },
  });
}

function checkLoad(context: Context, rollout: KubeObject, settings: CanarySettings): void {
  const { replicas, maxWeight, steps } = settings;
  if (!steps.some(({ setCanaryScale }) => setCanaryScale !== undefined)) return;
  for (const [index, { pods, weights }] of endsOf(context, settings).entries()) {
    if (!waits(stepsOf(rollout)[index]) || pods.canary === 0) continue;
    const share = (weights?.canary ?? 0) / maxWeight;
    const load = (share * replicas) / pods.canary;
    const before = steps.slice(0, index);
    const weight = before.findLastIndex(({ setWeight }) => setWeight !== undefined);
    const scale = before.findLastIndex(({ setCanaryScale }) => setCanaryScale !== undefined);
    if (load < NOTED_LOAD || weight < 0 || scale < 0) continue;
    const data = {
      scale: scale + 1,
      pods: countText(pods.canary, 'canary'),
      share: percentage(share),
      times: Math.round(load * 10) / 10,
    };
    if (scale >= weight) {
      context.report('scaledDown', { path: [...STEPS, scale, 'setCanaryScale'], anchor: 'setCanaryScale', data });
    } else {
      const path = [...STEPS, weight, 'setWeight'];
      context.report('overload', { path, anchor: 'setWeight', data: { ...data, number: weight + 1 } });
    }
    return;
  }
}

function checkStable(context: Context, rollout: KubeObject, settings: CanarySettings): void {
  const later = endsOf(context, settings).findIndex(
    ({ pods, weights }, index) => pods.stable === 0 && weights?.stable === 0 && waits(stepsOf(rollout)[index]),
  );
  const number = settings.steps.slice(0, Math.max(0, later)).findLastIndex(({ setWeight }) => setWeight !== undefined);
  const weight = settings.steps[number]?.setWeight;
  if (weight === undefined) return;
  context.report('noStable', {
    path: [...STEPS, number, 'setWeight'],
    anchor: 'setWeight',
    data: { number: number + 1, weight, later: later + 1 },
  });
}

// From the highest weight an abort passes all others on its way back, so it stops if any abort does.
function checkAbort(context: Context, rollout: KubeObject, settings: CanarySettings): void {
  const waiting = [...endsOf(context, settings).entries()].filter(([index]) => waits(stepsOf(rollout)[index]));
  const highest = waiting.reduce<(typeof waiting)[number] | undefined>(
    (most, each) => (each[1].pods.canary > (most?.[1].pods.canary ?? 0) ? each : most),
    undefined,
  );
  if (highest === undefined) return;
  const [index, state] = highest;
  const spend = (reconciliations: number): void => context.spend(reconciliations * settings.steps.length);
  const aborted = endOf(abortStage(settings, state, spend));
  const share = percentage((aborted.weights?.canary ?? 0) / settings.maxWeight);
  if (share === 0) return;
  const path = ['spec', 'strategy', 'canary', 'abortScaleDownDelaySeconds'];
  context.report('abortStops', { path, anchor: 'abortScaleDownDelaySeconds', data: { number: index + 1, share } });
}

function listed(weights: readonly number[]): string {
  const isLong = weights.length > MOST_LISTED;
  const named = isLong ? weights.slice(0, MOST_LISTED - 1) : weights.slice(0, -1);
  return `${named.join(', ')} and ${isLong ? `${weights.length - named.length} more` : weights.at(-1)}`;
}

function waits(step: unknown): boolean {
  return WAITING.some((kind) => isObject(dig(step, kind)));
}

function shareOf({ canary, stable }: Pods): number {
  return canary / (canary + stable);
}

function percentage(share: number): number {
  return Math.round(share * 1000) / 10;
}

function podsText({ canary, stable }: Pods): string {
  return `${countText(canary, 'canary')} and ${countText(stable, 'stable')}`;
}

function countText(count: number, kind: string): string {
  return `${count} ${kind} ${count === 1 ? 'pod' : 'pods'}`;
}
