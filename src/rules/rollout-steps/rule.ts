import { contentOf } from '../../world/content.ts';
import { parseGoDuration } from '../../world/duration.ts';
import { suggestDuration } from '../../world/duration-hint.ts';
import { nearest } from '../../world/nearest.ts';
import type { KubeObject } from '../../world/object.ts';
import { dig, int32, isBeyondInt32, isObject, asObject, renderInt32, type JsonObject } from '../../world/read.ts';
import { stepsOf, trafficRoutingOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

// In the order in which the controller looks for what decides that a step is done.
const KINDS = [
  'pause',
  'setCanaryScale',
  'setWeight',
  'experiment',
  'analysis',
  'setHeaderRoute',
  'setMirrorRoute',
  'plugin',
];
const EXCLUSIVE = ['setWeight', 'pause', 'experiment', 'analysis'];

export const rolloutSteps = defineRule({
  id: 'rollout-steps',
  summary: 'Each canary step is of one kind, with a weight and a pause that the controller reads.',
  explanation:
    'One wrong step makes the whole Rollout InvalidSpec, before the first pod is touched. A step with nothing in it, with two of setWeight, pause, experiment and analysis, with a weight outside 0 to 100 (or ' +
    "trafficRouting.maxTrafficWeight), or with a pause that is neither seconds nor a duration in Go's notation, which knows no days, is such a one; so is setCanaryScale without trafficRouting. Two kinds of other pairs are accepted, and only " +
    'the one the controller looks for first decides when the step is done. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutStrategyCanary, hasMultipleStepsType), ' +
    'pkg/apis/rollouts/v1alpha1 (RolloutPause.DurationSeconds), utils/weightutil and rollout/canary.go (completedCurrentCanaryStep).',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages: {
    none: {
      class: 'invalid',
      text: 'step {number} does nothing{instead}',
      fix: 'give it a kind, such as setWeight, pause or analysis, or remove it; "{pause}" waits for a person',
    },
    several: {
      class: 'invalid',
      text: 'step {number} has {kinds} at once',
      fix: 'make each a step of its own, in the order you want',
    },
    mixed: {
      class: 'advice',
      text: 'step {number} has {kinds} at once, and the controller waits for {decides} only',
      fix: 'make each a step of its own, in the order you want',
    },
    weight: {
      class: 'invalid',
      text: 'step {number} sets the weight to {weight}',
      fix: 'write a number from 0 to {max}',
    },
    pause: {
      class: 'invalid',
      text: 'step {number} pauses for "{duration}", which the controller cannot read',
      fix: 'write {instead}',
    },
    negativePause: {
      class: 'invalid',
      text: 'step {number} pauses for {duration}, which is less than nothing',
      fix: 'write 0 or more, or remove the duration to wait for a person',
    },
    canaryScale: {
      class: 'invalid',
      text: 'step {number} has setCanaryScale, which needs trafficRouting',
      fix: 'add trafficRouting, or use setWeight, which scales the canary where there is no router',
    },
  },
  check(context, rollout) {
    const max = int32(trafficRoutingOf(rollout)?.['maxTrafficWeight']) ?? 100;
    for (const [index, raw] of stepsOf(rollout).entries()) {
      const step = asObject(raw);
      const path = ['spec', 'strategy', 'canary', 'steps', index];
      const number = index + 1;
      const anchor = contentOf(raw);
      const kinds = KINDS.filter((kind) => step[kind] !== undefined && step[kind] !== null);
      const [decides = ''] = kinds;

      if (kinds.length === 0)
        context.report('none', { path, anchor, data: { number, instead: instead(step), pause: 'pause: {}' } });
      else if (kinds.filter((kind) => EXCLUSIVE.includes(kind)).length > 1)
        context.report('several', { path, anchor, data: { number, kinds: kinds.join(' and ') } });
      else if (kinds.length > 1)
        context.report('mixed', { path, anchor, data: { number, kinds: kinds.join(' and '), decides } });

      const weight = int32(step['setWeight']);
      if (weight !== undefined && (weight < 0 || weight > max))
        context.report('weight', {
          path: [...path, 'setWeight'],
          anchor,
          data: { number, weight: renderInt32(step['setWeight'], weight), max },
        });

      const duration = dig(step, 'pause', 'duration');
      const seconds = pauseSeconds(duration);
      if (seconds === undefined) {
        const suggestion = suggestDuration(String(duration));
        const data = {
          number,
          duration: String(duration),
          instead:
            suggestion === undefined
              ? 'seconds as a number, or a duration like "30s", "10m" or "24h"'
              : `"${suggestion}"`,
        };
        context.report('pause', { path: [...path, 'pause', 'duration'], anchor, data });
      } else if (seconds < 0) {
        context.report('negativePause', {
          path: [...path, 'pause', 'duration'],
          anchor,
          data: { number, duration: String(duration) },
        });
      }

      if (isObject(step['setCanaryScale']) && !hasTrafficRouting(rollout))
        context.report('canaryScale', { path: [...path, 'setCanaryScale'], anchor, data: { number } });
    }
  },
});

function hasTrafficRouting(rollout: KubeObject): boolean {
  return trafficRoutingOf(rollout) !== undefined;
}

/**
 * In: the duration of a pause. Out: it in whole seconds, 0 where none is given or it is neither text nor number,
 * undefined where the controller cannot read it.
 */
function pauseSeconds(duration: unknown): number | undefined {
  if (typeof duration === 'number') return isBeyondInt32(duration) ? undefined : duration;
  if (typeof duration !== 'string') return 0;
  const whole = /^[+-]?[0-9]+$/.test(duration) ? Number(duration) : Number.NaN;
  // A whole number of seconds is read into 32 bits.
  if (whole >= -(2 ** 31) && whole < 2 ** 31) return whole;
  const parsed = parseGoDuration(duration);
  // Seconds of more than 32 bits are less than nothing to a controller on amd64.
  return parsed === undefined || parsed >= 2 ** 31 ? undefined : Math.trunc(parsed);
}

function instead(step: JsonObject): string {
  const keys = Object.keys(step);
  const empty = keys.find((key) => KINDS.includes(key));
  if (empty !== undefined) return ` ("${empty}:" with nothing behind it is null)`;
  for (const key of keys) {
    const meant = nearest(key, KINDS);
    if (meant !== undefined) return ` ("${key}" is no kind of step, "${meant}" is)`;
  }
  return keys.length === 0 ? '' : ` ("${keys[0] ?? ''}" is no kind of step)`;
}
