import { nearest } from '../../world/nearest.ts';
import { dig, asObject } from '../../world/read.ts';
import { blueGreenOf, canaryOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const rolloutStrategy = defineRule({
  id: 'rollout-strategy',
  summary: 'A Rollout has exactly one strategy, canary or blueGreen.',
  explanation:
    'With no strategy, or with both, the controller marks the Rollout InvalidSpec and changes no pod. `canary: ' +
    '{}` is a strategy: a plain rolling update. `canary:` without a value is null in YAML and counts as no ' +
    'strategy. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutStrategy).',
  subject: { 'Rollout.argoproj.io': ['spec.strategy'] },
  reads: {},
  messages: {
    none: {
      class: 'invalid',
      text: 'spec.strategy has neither canary nor blueGreen{instead}',
      fix: 'add one of them; "{plain}", with the braces, is a plain rolling update',
    },
    both: {
      class: 'invalid',
      text: 'spec.strategy has both canary and blueGreen',
      fix: 'keep one and remove the other',
    },
  },
  check(context, rollout) {
    const count = [canaryOf(rollout), blueGreenOf(rollout)].filter((strategy) => strategy !== undefined).length;
    const location = { path: ['spec', 'strategy'], anchor: 'strategy' };
    if (count === 2) context.report('both', { ...location, data: {} });
    if (count === 0)
      context.report('none', {
        ...location,
        data: { instead: instead(asObject(dig(rollout, 'spec', 'strategy'))), plain: 'canary: {}' },
      });
  },
});

function instead(strategy: Readonly<Record<string, unknown>>): string {
  for (const name of ['canary', 'blueGreen']) {
    if (strategy[name] === null) return ` ("${name}:" without a value is null)`;
    const misspelt = nearest(name, Object.keys(strategy));
    if (misspelt !== undefined) return ` (it has "${misspelt}")`;
  }
  return Object.hasOwn(strategy, 'rollingUpdate') || Object.hasOwn(strategy, 'type')
    ? ' ("type" and "rollingUpdate" belong to a Deployment)'
    : '';
}
