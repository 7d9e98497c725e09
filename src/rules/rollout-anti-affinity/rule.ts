import { dig, isObject, optionalNumber, optionalObject } from '../../world/read.ts';
import { blueGreenOf, canaryOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

export const rolloutAntiAffinity = defineRule({
  id: 'rollout-anti-affinity',
  summary: 'antiAffinity has exactly one form, and a preference has a weight from 1 to 100.',
  explanation:
    'antiAffinity keeps the pods of two revisions on different nodes. It is either a preference with a weight or a ' +
    'requirement, which is an empty mapping. With none, with both, or with any other weight, the controller marks ' +
    'the Rollout InvalidSpec. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation ' +
    '(ValidateRolloutStrategyAntiAffinity).',
  subject: { 'Rollout.argoproj.io': ['spec.strategy.blueGreen.antiAffinity', 'spec.strategy.canary.antiAffinity'] },
  reads: {},
  messages: {
    none: {
      class: 'invalid',
      text: 'antiAffinity has neither preferred nor requiredDuringSchedulingIgnoredDuringExecution{null}',
      fix: 'set "{required}" or the preferred form with a weight, or remove antiAffinity',
    },
    both: {
      class: 'invalid',
      text: 'antiAffinity has both preferred and requiredDuringSchedulingIgnoredDuringExecution',
      fix: 'remove one of them',
    },
    weight: {
      class: 'invalid',
      text: 'the weight of the preferred antiAffinity is {weight}',
      fix: 'use 1 to 100',
    },
  },
  check(context, rollout) {
    for (const [strategy, config] of [
      ['canary', canaryOf(rollout)],
      ['blueGreen', blueGreenOf(rollout)],
    ] as const) {
      const antiAffinity = optionalObject(config?.['antiAffinity']);
      if (antiAffinity === undefined) continue;
      const path = ['spec', 'strategy', strategy, 'antiAffinity'];
      const preferred = antiAffinity[PREFERRED];
      const required = antiAffinity[REQUIRED];
      if (isObject(preferred) && isObject(required)) context.report('both', { path, anchor: strategy, data: {} });
      if (!isObject(preferred) && !isObject(required)) {
        const data = {
          null: required === null ? ' (an empty value is null)' : '',
          required: `${REQUIRED}: {}`,
        };
        context.report('none', { path, anchor: strategy, data });
      }
      if (!isObject(preferred)) continue;
      const weight = optionalNumber(dig(preferred, 'weight'));
      if (weight === undefined || weight < 1 || weight > 100) {
        context.report('weight', {
          path: [...path, PREFERRED, 'weight'],
          anchor: strategy,
          data: { weight: weight ?? 'not set' },
        });
      }
    }
  },
});
