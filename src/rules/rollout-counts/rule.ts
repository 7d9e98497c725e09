import { dig, int32, isBeyondInt32, renderInt32, type JsonObject } from '../../world/read.ts';
import { blueGreenOf, canaryOf } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

const COUNTS = ['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'] as const;
const DEFAULT_PROGRESS_DEADLINE = 600;
const DEFAULT_REVISION_HISTORY = 10;

const messages = {
  negative: {
    class: 'invalid',
    text: 'spec.{field} is {value}, below 0',
    fix: 'write 0 or more',
  },
  deadline: {
    class: 'invalid',
    text: 'the Rollout gives up after {deadline} s ({origin}), and a pod counts as available only after {ready} s (minReadySeconds)',
    fix: 'set progressDeadlineSeconds higher than minReadySeconds',
  },
  range: {
    class: 'invalid',
    text: '{field} is {value}, which does not fit into 32 bits, and the controller cannot read the Rollout',
    fix: 'write a number of pods, or a percentage',
  },
  standstill: {
    class: 'invalid',
    text: 'maxSurge ({surge}) and maxUnavailable ({unavailable}) both count as 0, so no pod can be replaced',
    fix: 'raise one of them',
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
    'The controller marks the Rollout InvalidSpec when a count is negative, when it would give up before a pod can count as available, when it may neither add nor remove a pod during an update, or when it should keep ' +
    'more old ReplicaSets running than it remembers. What is not given has a default: progressDeadlineSeconds 600, minReadySeconds 0, revisionHistoryLimit 10, maxSurge and maxUnavailable 25%. ' +
    'Numbers beyond 32 bits are read by their last 32, but for maxSurge and maxUnavailable. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec, invalidMaxSurgeMaxUnavailable, ValidateRolloutStrategyBlueGreen) and utils/defaults.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
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
          origin: given === undefined ? 'the default of progressDeadlineSeconds' : 'progressDeadlineSeconds',
        },
      });
    }

    judgePods(context, canaryOf(rollout));

    const limit = int32(blueGreenOf(rollout)?.['scaleDownDelayRevisionLimit']);
    const history = count('revisionHistoryLimit') ?? DEFAULT_REVISION_HISTORY;
    if (limit !== undefined && limit > history) {
      const path = ['spec', 'strategy', 'blueGreen', 'scaleDownDelayRevisionLimit'];
      context.report('revisions', { path, anchor: 'scaleDownDelayRevisionLimit', data: { limit, history } });
    }
  },
});

function judgePods(context: RuleContext<typeof messages>, canary: JsonObject | undefined): void {
  if (canary === undefined) return;
  for (const field of ['maxSurge', 'maxUnavailable']) {
    const value = canary[field];
    if (isBeyondInt32(value))
      context.report('range', { path: ['spec', 'strategy', 'canary', field], anchor: field, data: { field, value } });
  }
  if (isZero(canary['maxSurge']) && isZero(canary['maxUnavailable'])) {
    const data = { surge: String(canary['maxSurge']), unavailable: String(canary['maxUnavailable']) };
    context.report('standstill', { path: ['spec', 'strategy', 'canary', 'maxSurge'], anchor: 'maxSurge', data });
  }
}

/**
 * In: a number of pods or a percentage of them. Out: whether the controller's check reads it as 0: as upstream, a text
 * that is neither a whole number nor a whole percentage (`ten`, `2.5%`) counts as 0, and what is not given does not.
 */
function isZero(value: unknown): boolean {
  if (typeof value === 'number') return value === 0;
  return typeof value === 'string' && (!/^([+-]?[0-9]+|[0-9]+%)$/.test(value) || !/[1-9]/.test(value));
}
