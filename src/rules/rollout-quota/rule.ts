import { blueGreenCounts } from '../../timeline/blue-green.ts';
import { canarySettings, CANARY_SETTINGS_PLACES, type CanarySettings } from '../../timeline/canary-settings.ts';
import { updateStages } from '../../timeline/canary-walk.ts';
import { experimentTemplates } from '../../timeline/experiment.ts';
import { ownTemplate } from '../../world/containers.ts';
import { namespaceOf, type KindId, type KubeObject } from '../../world/object.ts';
import { below, inEach } from '../../world/place.ts';
import { parseQuantity, type Quantity } from '../../world/quantity.ts';
import { asArray, asObject, dig, int32, isObject } from '../../world/read.ts';
import { blueGreenOf, canaryOf, isBeingDeleted, stepsOf } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

const SCALERS = ['HorizontalPodAutoscaler.autoscaling', 'ScaledObject.keda.sh'] as const satisfies readonly KindId[];

// What a quota limits, and how much of it a pod takes: itself, or what its containers request or may use.
const RESOURCES: Readonly<Record<string, { readonly list: 'pods' | 'requests' | 'limits'; readonly name: string }>> = {
  pods: { list: 'pods', name: '' },
  'count/pods': { list: 'pods', name: '' },
  cpu: { list: 'requests', name: 'cpu' },
  'requests.cpu': { list: 'requests', name: 'cpu' },
  memory: { list: 'requests', name: 'memory' },
  'requests.memory': { list: 'requests', name: 'memory' },
  'limits.cpu': { list: 'limits', name: 'cpu' },
  'limits.memory': { list: 'limits', name: 'memory' },
};
const ONE_POD = parseQuantity(1) ?? 1n;

const messages = {
  noRoom: {
    class: 'advice',
    text: 'an update of Rollout "{name}" needs {most} pods at once, but ResourceQuota "{quota}" has room for {room}{shared} ({resource}: {hard})',
    fix: 'raise the quota{instead}',
    refutedBy: SCALERS,
  },
} as const;

type Context = RuleContext<typeof messages>;

/** What a Rollout needs of a quota. */
interface Need {
  readonly rollout: KubeObject;
  /** The pods that it has without an update. */
  readonly steady: number;
  /** The pods without which an update of it stops; undefined if it goes on with fewer. */
  readonly most: number | undefined;
  /** What would make this less: a setting, and the pods with it. */
  readonly instead: { readonly setting: string; readonly most: number } | undefined;
  /** What each of its pods takes of a resource, at least. */
  readonly perPod: (resource: string) => Quantity;
}

/**
 * Compares the pods that an update needs at once with a quota among the manifests. Report:
 * argoproj/argo-rollouts#430 (the stable pods stay, and the pods of the canary find no room).
 */
export const rolloutQuota = defineRule({
  id: 'rollout-quota',
  summary: 'A ResourceQuota among the manifests has room for the pods that an update of a Rollout needs at once.',
  explanation:
    'With trafficRouting or blue-green, the old pods stay until all new ones are available, so an update needs ' +
    'twice the replicas. dynamicStableScale lets stable pods go earlier. Without trafficRouting, and with a ' +
    'maxUnavailable that comes to 0, an update needs one pod more than replicas. The default maxUnavailable of ' +
    '25% comes to 0 with up to 3 replicas. If a quota has no room for a pod, the API server rejects it: the ' +
    'ReplicaSet has fewer pods than it wants, and the update waits. After progressDeadlineSeconds the Rollout is ' +
    'Degraded, and Argo Rollouts goes on waiting. The numbers are those of `rollgate simulate`. Rollgate counts pods, ' +
    'and the requests and limits of cpu and memory: of this Rollout during an update, and of all other Rollouts in ' +
    'the namespace without an update. It does not count other workloads, which need room too. ' +
    'This is only advice of lint about a quota among the same manifests: quotas of a cluster are not read. A ' +
    'quota with scopes is not checked. A Rollout without replicas, with an autoscaler, or with ' +
    'replicaProgressThreshold is not checked either, because it may need fewer pods. Seen on the controllers of v1.9.1 and v1.10.1 ' +
    '(docs/upstream-facts.md, claim F7). Source: Argo Rollouts v1.9.1, utils/replicaset and ' +
    'rollout/trafficrouting.go (reconcileTrafficRouting), and Kubernetes v1.34, pkg/quota/v1/evaluator/core ' +
    '(PodUsageFunc).',
  subject: { ResourceQuota: ['spec'] },
  lintOnly: true,
  reads: {
    'Rollout.argoproj.io': [
      'metadata.deletionTimestamp',
      'spec.replicas',
      'spec.workloadRef',
      ...CANARY_SETTINGS_PLACES,
      'spec.strategy.canary.scaleDownDelaySeconds',
      'spec.strategy.blueGreen.previewReplicaCount',
      ...below('spec.template.spec', ['containers[*].resources', 'resources']),
    ],
    ...inEach(SCALERS, ['spec.scaleTargetRef']),
  },
  messages,
  check(context, quota) {
    const spec = asObject(quota['spec']);
    if (asArray(spec['scopes']).length > 0 || isObject(spec['scopeSelector'])) return;
    const hard = asObject(spec['hard']);
    const limits = Object.keys(RESOURCES).flatMap((resource) => {
      const quantity = parseQuantity(hard[resource]);
      return quantity === undefined ? [] : [{ resource, quantity }];
    });
    if (limits.length === 0) return;
    const namespace = namespaceOf(quota);
    const needs = context.perWorld(NEEDS, namespace, () =>
      context.list('Rollout.argoproj.io', namespace).flatMap((rollout) => needOf(context, rollout)),
    );
    const all = limits.map(({ resource, quantity }) => {
      context.spend(needs.length);
      const steady = needs.reduce((sum, need) => sum + need.perPod(resource) * BigInt(need.steady), 0n);
      return { resource, quantity, steady };
    });
    for (const need of needs) {
      const { rollout, most } = need;
      if (most === undefined) continue;
      context.spend(all.length);
      const [tightest] = all
        .flatMap(({ resource, quantity, steady }) => {
          const perPod = need.perPod(resource);
          if (perPod <= 0n) return [];
          const others = steady - perPod * BigInt(need.steady);
          return [{ resource, others, room: Math.max(0, Number((quantity - others) / perPod)) }];
        })
        .sort((a, b) => a.room - b.room);
      if (tightest === undefined || tightest.room >= most) continue;
      const { resource, room, others } = tightest;
      context.report('noRoom', {
        object: rollout,
        path: ['spec', 'replicas'],
        anchor: quota.metadata.name,
        data: {
          name: rollout.metadata.name,
          quota: quota.metadata.name,
          most,
          room,
          shared: others > 0n ? ' next to the pods of other Rollouts' : '',
          resource,
          hard: String(hard[resource]),
          instead: insteadText(need, room),
        },
        related: [{ object: quota, path: ['spec', 'hard', resource] }],
      });
    }
  },
});

function insteadText({ instead, steady }: Need, room: number): string {
  if (steady === 1) return '';
  return `${instead !== undefined && instead.most <= room ? `, set ${instead.setting}` : ''}, or use fewer replicas`;
}

const NEEDS = Symbol('the pods that Rollouts need');

function needOf(context: Context, rollout: KubeObject): readonly Need[] {
  const replicas = int32(dig(rollout, 'spec', 'replicas')) ?? 0;
  if (replicas <= 0 || isBeingDeleted(rollout) || isScaled(context, rollout)) return [];
  const taken = new Map<string, Quantity>();
  for (const resource of Object.keys(RESOURCES)) taken.set(resource, takenBy(context, rollout, resource));
  return [
    {
      rollout,
      steady: replicas,
      ...peakOf(context, rollout, replicas),
      perPod: (resource) => taken.get(resource) ?? 0n,
    },
  ];
}

function isScaled(context: Context, rollout: KubeObject): boolean {
  const { name } = rollout.metadata;
  return SCALERS.some((kind) => context.referrers(kind, 'Rollout.argoproj.io', namespaceOf(rollout), name).length > 0);
}

function peakOf(context: Context, rollout: KubeObject, replicas: number): Pick<Need, 'most' | 'instead'> {
  if (blueGreenOf(rollout) !== undefined) {
    const { preview, active } = blueGreenCounts(rollout, replicas);
    return { most: replicas + Math.max(preview, active), instead: undefined };
  }
  if (canaryOf(rollout) === undefined) return { most: undefined, instead: undefined };
  // Releases differ in minPodsPerReplicaSet. The fewest pods count.
  const settings = canarySettings(rollout, replicas, true);
  if (settings.isTrafficRouted) {
    if (settings.progressThreshold !== undefined || settings.maxWeight <= 0)
      return { most: undefined, instead: undefined };
    const most = routedPeak(context, rollout, settings);
    const dynamic = { ...settings, dynamicStableScale: true };
    return {
      most,
      // The controller refuses it together with this delay.
      instead:
        settings.dynamicStableScale || dig(canaryOf(rollout), 'scaleDownDelaySeconds') !== undefined
          ? undefined
          : { setting: 'dynamicStableScale: true', most: routedPeak(context, rollout, dynamic) },
    };
  }
  // With one pod that may be unavailable, old pods make room for new ones.
  const isFull = settings.maxUnavailable === 0 && settings.maxSurge > 0;
  return {
    most: isFull ? replicas + 1 : undefined,
    // The only pod is not to be the unavailable one.
    instead: replicas === 1 ? undefined : { setting: 'maxUnavailable: 1', most: replicas },
  };
}

function routedPeak(context: Context, rollout: KubeObject, settings: CanarySettings): number {
  const { length } = settings.steps;
  const stages = updateStages(settings, (reconciliations) => context.spend(reconciliations * (1 + length)));
  const steps = stepsOf(rollout);
  return stages.reduce((most, { states }, index) => {
    const templates = experimentTemplates(steps[index], 'none');
    context.spend(templates.length);
    const experiment = templates.reduce((sum, { pods }) => sum + Math.max(0, pods), 0);
    return states.reduce((least, { pods }) => Math.max(least, pods.canary + pods.stable + experiment), most);
  }, settings.replicas);
}

// Requests that are left out are those of the limits. What LimitRanges and admission add makes it only more.
function takenBy(context: Context, rollout: KubeObject, resource: string): Quantity {
  const { list, name } = RESOURCES[resource] ?? { list: 'pods', name: '' };
  if (list === 'pods') return ONE_POD;
  const template = ownTemplate(rollout);
  // Those of the pod, in place of its containers.
  if (template === undefined || dig(template, 'spec', 'resources') !== undefined) return 0n;
  const containers = asArray(dig(template, 'spec', 'containers'));
  context.spend(containers.length);
  return containers.reduce<Quantity>((sum, container) => {
    const own = dig(container, 'resources', list, name);
    const value = list === 'requests' ? (own ?? dig(container, 'resources', 'limits', name)) : own;
    const quantity = parseQuantity(value) ?? 0n;
    return sum + (quantity > 0n ? quantity : 0n);
  }, 0n);
}
