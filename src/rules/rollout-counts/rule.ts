import type { KubeObject } from '../../world/object.ts';
import { dig, int32, isBeyondInt32, renderInt32, type JsonObject } from '../../world/read.ts';
import { blueGreenOf, canaryOf, countsAsZero, trafficRoutingOf } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

const COUNTS = ['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'] as const;
const DEFAULT_PROGRESS_DEADLINE = 600;
const DEFAULT_REVISION_HISTORY = 10;

const messages = {
  negative: {
    class: 'invalid',
    text: 'spec.{field} is {value}, below 0',
    fix: 'use 0 or more',
  },
  deadline: {
    class: 'invalid',
    text: '{origin} ({deadline}) is not higher than minReadySeconds ({ready}), so an update times out before a pod is available',
    fix: 'set progressDeadlineSeconds higher than minReadySeconds',
  },
  range: {
    class: 'invalid',
    text: '{field} is {value}, which does not fit into 32 bits, so the controller cannot read the Rollout',
    fix: 'use a number of pods that fits, or a percentage',
  },
  standstill: {
    class: 'invalid',
    text: 'maxSurge ({surge}) and maxUnavailable ({unavailable}) both count as 0, so no pod can be replaced',
    fix: 'raise one of them',
  },
  minPods: {
    class: 'advice',
    text: 'minPodsPerReplicaSet ({least}) is higher than replicas ({replicas}), so the controller reconciles without end',
    fix: 'use at most {replicas}, or raise replicas',
  },
  revisions: {
    class: 'invalid',
    text: 'scaleDownDelayRevisionLimit ({limit}) is higher than revisionHistoryLimit ({history})',
    fix: 'lower scaleDownDelayRevisionLimit or raise revisionHistoryLimit',
  },
} as const;

export const rolloutCounts = defineRule({
  id: 'rollout-counts',
  summary: 'The counts and limits of a Rollout are not negative and do not contradict each other.',
  explanation:
    'The controller marks the Rollout InvalidSpec if a count is negative, or if the deadline passes before a pod ' +
    'can become available. It does the same if an update may neither add nor remove a pod. ' +
    'scaleDownDelayRevisionLimit must not be higher than revisionHistoryLimit. The defaults are ' +
    'progressDeadlineSeconds 600, minReadySeconds 0, revisionHistoryLimit 10, and 25% for maxSurge and ' +
    'maxUnavailable. The controller reads only the last 32 bits of larger numbers, except for maxSurge and ' +
    'maxUnavailable. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec, ' +
    'invalidMaxSurgeMaxUnavailable, ValidateRolloutStrategyBlueGreen), utils/defaults and utils/replicaset (CheckMinPodsPerReplicaSet).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.replicas',
      'spec.minReadySeconds',
      'spec.progressDeadlineSeconds',
      'spec.revisionHistoryLimit',
      'spec.strategy.canary.maxSurge',
      'spec.strategy.canary.maxUnavailable',
      'spec.strategy.canary.minPodsPerReplicaSet',
      'spec.strategy.canary.trafficRouting',
      'spec.strategy.blueGreen.scaleDownDelayRevisionLimit',
    ],
  },
  reads: {},
  messages,
  check(context, rollout) {
    const count = (field: string): number | undefined => int32(dig(rollout, 'spec', field));
    for (const field of COUNTS) {
      const value = count(field);
      if (value !== undefined && value < 0)
        context.report('negative', {
          path: ['spec', field],
          anchor: field,
          data: { field, value: renderInt32(dig(rollout, 'spec', field), value) },
        });
    }

    const given = count('progressDeadlineSeconds');
    const deadline = given ?? DEFAULT_PROGRESS_DEADLINE;
    const ready = count('minReadySeconds') ?? 0;
    if (deadline <= ready) {
      context.report('deadline', {
        path: ['spec', given === undefined ? 'minReadySeconds' : 'progressDeadlineSeconds'],
        anchor: 'progressDeadlineSeconds',
        data: {
          deadline,
          ready,
          origin: given === undefined ? 'the default progressDeadlineSeconds' : 'progressDeadlineSeconds',
        },
      });
    }

    checkPods(context, canaryOf(rollout));
    checkMinPods(context, rollout);

    const limit = int32(blueGreenOf(rollout)?.['scaleDownDelayRevisionLimit']);
    const history = count('revisionHistoryLimit') ?? DEFAULT_REVISION_HISTORY;
    if (limit !== undefined && limit > history) {
      const path = ['spec', 'strategy', 'blueGreen', 'scaleDownDelayRevisionLimit'];
      context.report('revisions', { path, anchor: 'scaleDownDelayRevisionLimit', data: { limit, history } });
    }
  },
});

function checkPods(context: RuleContext<typeof messages>, canary: JsonObject | undefined): void {
  if (canary === undefined) return;
  for (const field of ['maxSurge', 'maxUnavailable']) {
    const value = canary[field];
    if (isBeyondInt32(value))
      context.report('range', { path: ['spec', 'strategy', 'canary', field], anchor: field, data: { field, value } });
  }
  if (countsAsZero(canary['maxSurge']) && countsAsZero(canary['maxUnavailable'])) {
    const data = { surge: String(canary['maxSurge']), unavailable: String(canary['maxUnavailable']) };
    context.report('standstill', { path: ['spec', 'strategy', 'canary', 'maxSurge'], anchor: 'maxSurge', data });
  }
}

// Without replicas, an autoscaler most likely sets them.
function checkMinPods(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  if (trafficRoutingOf(rollout) === undefined) return;
  const least = int32(canaryOf(rollout)?.['minPodsPerReplicaSet']);
  const replicas = int32(dig(rollout, 'spec', 'replicas'));
  if (least === undefined || replicas === undefined || replicas <= 0 || least <= replicas) return;
  context.report('minPods', {
    path: ['spec', 'strategy', 'canary', 'minPodsPerReplicaSet'],
    anchor: 'minPodsPerReplicaSet',
    data: { least, replicas },
    versions: { before: 'minPodsAreCapped' },
  });
}
