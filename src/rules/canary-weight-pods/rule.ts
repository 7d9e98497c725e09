import { canarySettings, CANARY_SETTINGS_PLACES, type CanarySettings } from '../../timeline/canary-settings.ts';
import { endOf, updateStages, type CanaryStage } from '../../timeline/canary-walk.ts';
import type { Pods } from '../../timeline/replica-counts.ts';
import { namespaceOf, type KindId, type KubeObject } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { dig, int32, isObject } from '../../world/read.ts';
import { canaryOf, stepsOf } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

const STEPS = ['spec', 'strategy', 'canary', 'steps'];
const SCALERS = ['HorizontalPodAutoscaler.autoscaling', 'ScaledObject.keda.sh'] as const satisfies readonly KindId[];
const WAITING = ['pause', 'analysis', 'experiment', 'plugin'];

// With more pods, a weight is off by less than 5 points.
const MOST_REPLICAS_WITHOUT_ROUTER = 20;
// Smaller differences are usual with few pods.
const NOTED_POINTS = 25;
const NOTED_LOAD = 3;
const MOST_LISTED = 5;

const messages = {
  same: {
    class: 'advice',
    text: 'weights {weights} all mean {pods}, because replicas is {replicas} and there is no trafficRouting',
    fix: 'use more replicas or trafficRouting, or keep only one of these weights',
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
  noStable: {
    class: 'advice',
    text: 'weight {weight} of step {number} with dynamicStableScale leaves no stable pod, so an abort in step {later} has to start all of them first',
    fix: 'use a lower weight in step {number}, or move step {later} before it',
  },
} as const;

type Context = RuleContext<typeof messages>;

/**
 * Compares the weights of a canary with its pods. Reports: argoproj/argo-rollouts#1713 and JiRaska/open-bank-oss#3806
 * (`same`, `off`), argoproj/argo-rollouts#3501, #4233 and #4642 (`overload`), #2050, #2235, #4828 and #4926 (`noStable`).
 */
export const canaryWeightPods = defineRule({
  id: 'canary-weight-pods',
  summary: 'The pods of a canary fit the weights of its steps.',
  explanation:
    'Without trafficRouting, whole pods stand for the weights. With one replica, every weight means one canary pod ' +
    'next to one stable pod. With maxSurge 0, it means no canary pod or nothing but it. With trafficRouting, ' +
    'setCanaryScale counts until the next one, so few pods may get the requests of many. With dynamicStableScale, the ' +
    'controller removes the stable pods as far as they get no requests. It accepts all of this. The numbers are those of ' +
    '`rollgate simulate`. This is only advice of lint: a Rollout without replicas is not checked, and neither is one ' +
    'with an autoscaler, because the number of pods is not known. Differences below 25 points and less than 3 times ' +
    'the requests are not reported. Seen on the controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, claims F2, ' +
    'F3 and F6). Source: Argo Rollouts v1.9.1, utils/replicaset (CalculateReplicaCountsForBasicCanary, ' +
    'CalculateReplicaCountsForTrafficRoutedCanary).',
  subject: { 'Rollout.argoproj.io': ['spec.replicas', ...CANARY_SETTINGS_PLACES] },
  lintOnly: true,
  reads: inEach(SCALERS, ['spec.scaleTargetRef']),
  messages,
  check(context, rollout) {
    if (canaryOf(rollout) === undefined) return;
    const replicas = int32(dig(rollout, 'spec', 'replicas')) ?? 0;
    // Releases differ in minPodsPerReplicaSet. The most pods count, which get the fewest requests each.
    const settings = canarySettings(rollout, Math.max(1, replicas), false);
    if (settings.maxWeight <= 0 || !settings.steps.some(({ setWeight }) => (setWeight ?? 0) > 0)) return;
    if (settings.hasRouter && settings.dynamicStableScale) checkStable(context, rollout, settings);
    if (replicas <= 0 || isScaled(context, rollout)) return;
    if (settings.hasRouter) checkLoad(context, rollout, settings);
    else if (!settings.isTrafficRouted && replicas <= MOST_REPLICAS_WITHOUT_ROUTER) checkWeights(context, settings);
  },
});

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
  const weights = [...new Set(weighted.map(({ weight }) => weight))];
  const path = [...STEPS, first.index, 'setWeight'];
  if (weights.length > 1 && weighted.every(({ pods }) => podsText(pods) === podsText(first.pods))) {
    const data = { weights: listed(weights), pods: podsText(first.pods), replicas };
    context.report('same', { path, anchor: 'setWeight', data });
    return;
  }
  const off = weighted.find(
    ({ weight, pods }) => pods.canary === 0 || Math.abs(shareOf(pods) - weight / maxWeight) * 100 >= NOTED_POINTS,
  );
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
    context.report('overload', {
      path: [...STEPS, weight, 'setWeight'],
      anchor: 'setWeight',
      data: {
        number: weight + 1,
        share: percentage(share),
        pods: countText(pods.canary, 'canary'),
        scale: scale + 1,
        times: Math.round(load * 10) / 10,
      },
    });
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
