import { parseGoDuration } from '../../world/duration.ts';
import { suggestDuration } from '../../world/duration-hint.ts';
import { nearest } from '../../world/nearest.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { dig, int32, isBeyondInt32, isObject, asObject, renderInt32, type JsonObject } from '../../world/read.ts';
import { countedSteps, trafficRoutingOf } from '../../world/rollout.ts';
import { countedContentOf } from '../counted-content.ts';
import { defineRule } from '../define.ts';

// In the order in which the controller checks them to decide whether a step is done.
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
  summary: 'Each canary step does one thing, with a weight and a pause that the controller can read.',
  explanation:
    'One invalid step makes the whole Rollout InvalidSpec, before the controller changes any pod. A step is ' +
    'invalid if it is empty, or if it has two of setWeight, pause, experiment and analysis. Its weight must be ' +
    'from 0 to 100 (or to trafficRouting.maxTrafficWeight). Its pause must be a number of seconds, or a duration ' +
    'in Go notation, which has no days. setCanaryScale needs trafficRouting. Other combinations in one step are ' +
    'accepted, but only the kind that the controller checks first decides when the step is done. Source: Argo ' +
    'Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutStrategyCanary, hasMultipleStepsType), ' +
    'pkg/apis/rollouts/v1alpha1 (RolloutPause.DurationSeconds), utils/weightutil and rollout/canary.go ' +
    '(completedCurrentCanaryStep).',
  subject: {
    'Rollout.argoproj.io': ['spec.strategy.canary.steps', 'spec.strategy.canary.trafficRouting.maxTrafficWeight'],
  },
  reads: {},
  messages: {
    none: {
      class: 'invalid',
      text: 'step {number} does nothing{instead}',
      fix: 'add setWeight, pause, analysis or another kind of step, or remove the step; "{pause}" waits for a manual promotion',
    },
    several: {
      class: 'invalid',
      text: 'step {number} combines {kinds}',
      fix: 'split it into one step for each, in the order you want',
    },
    mixed: {
      class: 'advice',
      text: 'step {number} combines {kinds}, but the Rollouts controller waits only for {decides}',
      fix: 'split it into one step for each, in the order you want',
    },
    weight: {
      class: 'invalid',
      text: 'step {number} sets weight {weight}',
      fix: 'use 0 to {max}',
    },
    pause: {
      class: 'invalid',
      text: 'step {number} has the invalid pause duration "{duration}"',
      fix: 'use {instead}',
    },
    negativePause: {
      class: 'invalid',
      text: 'step {number} has the negative pause duration {duration}',
      fix: 'use 0 or more, or remove the duration to wait for a manual promotion',
    },
    canaryScale: {
      class: 'invalid',
      text: 'step {number} has setCanaryScale, which needs trafficRouting',
      fix: 'add trafficRouting, or use setWeight, which scales the canary when there is no router',
    },
  },
  check(context, rollout) {
    const max = maxWeightOf(rollout);
    let hints = MAX_HINTS;
    const hintFor = (step: JsonObject): string => (hints-- > 0 ? instead(step) : '');
    for (const [index, raw] of countedSteps(rollout, context).entries()) {
      const step = asObject(raw);
      const number = index + 1;
      const path = (...fields: readonly string[]): Path => [...STEPS, index, ...fields];
      // Made only for findings: of a long step it costs more than the check.
      let content: string | undefined;
      const anchor = (): string => (content ??= countedContentOf(raw, context));
      const kinds = KINDS.filter((kind) => step[kind] !== undefined && step[kind] !== null);
      const [decides = ''] = kinds;

      if (kinds.length === 0)
        context.report('none', {
          path: path(),
          anchor: anchor(),
          data: { number, instead: hintFor(step), pause: 'pause: {}' },
        });
      else if (kinds.filter((kind) => EXCLUSIVE.includes(kind)).length > 1)
        context.report('several', { path: path(), anchor: anchor(), data: { number, kinds: kinds.join(' and ') } });
      else if (kinds.length > 1)
        context.report('mixed', {
          path: path(),
          anchor: anchor(),
          data: { number, kinds: kinds.join(' and '), decides },
        });

      const weight = int32(step['setWeight']);
      if (weight !== undefined && (weight < 0 || weight > max))
        context.report('weight', {
          path: path('setWeight'),
          anchor: anchor(),
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
              ? 'a number of seconds, or a duration such as "30s", "10m" or "24h"'
              : `"${suggestion}"`,
        };
        context.report('pause', { path: path('pause', 'duration'), anchor: anchor(), data });
      } else if (seconds < 0) {
        context.report('negativePause', {
          path: path('pause', 'duration'),
          anchor: anchor(),
          data: { number, duration: String(duration) },
        });
      }

      if (isObject(step['setCanaryScale']) && !hasTrafficRouting(rollout))
        context.report('canaryScale', { path: path('setCanaryScale'), anchor: anchor(), data: { number } });
    }
  },
});

const STEPS = ['spec', 'strategy', 'canary', 'steps'];
// Bounds the cost: if more steps or keys are unknown, they are hardly misspellings.
const MAX_HINTS = 20;

// Below 1, no weight is right: the mistake is the total, which rollout-traffic-routing reports.
function maxWeightOf(rollout: KubeObject): number {
  const max = int32(trafficRoutingOf(rollout)?.['maxTrafficWeight']) ?? 100;
  return max < 1 ? 100 : max;
}

function hasTrafficRouting(rollout: KubeObject): boolean {
  return trafficRoutingOf(rollout) !== undefined;
}

/**
 * Returns a pause duration in whole seconds, or undefined if the controller cannot read it. A missing duration, and one
 * that is neither a string nor a number, counts as 0.
 */
function pauseSeconds(duration: unknown): number | undefined {
  if (typeof duration === 'number') return isBeyondInt32(duration) ? undefined : duration;
  if (typeof duration !== 'string') return 0;
  const whole = /^[+-]?[0-9]+$/.test(duration) ? Number(duration) : Number.NaN;
  // The controller reads a whole number of seconds into 32 bits.
  if (whole >= -(2 ** 31) && whole < 2 ** 31) return whole;
  const parsed = parseGoDuration(duration);
  // More seconds than fit into 32 bits become negative in a controller on amd64.
  return parsed === undefined || parsed >= 2 ** 31 ? undefined : Math.trunc(parsed);
}

function instead(step: JsonObject): string {
  const keys = Object.keys(step).slice(0, MAX_HINTS);
  const empty = keys.find((key) => KINDS.includes(key));
  if (empty !== undefined) return ` ("${empty}:" without a value is null)`;
  for (const key of keys) {
    const meant = nearest(key, KINDS);
    if (meant !== undefined) return ` ("${key}" is not a kind of step, "${meant}" is)`;
  }
  return keys.length === 0 ? '' : ` ("${keys[0] ?? ''}" is not a kind of step)`;
}
