import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutStrategy } from './rule.ts';

testRule(rolloutStrategy, import.meta.dirname, {
  'bad-both.yaml': [
    {
      message: 'both',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy',
      at: '5:3',
      text: 'spec.strategy has both canary and blueGreen: keep the one you want and remove the other [rollout-strategy]',
    },
  ],
  'bad-none.yaml': [
    {
      message: 'none',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy',
      at: '23:3',
      text: 'spec.strategy has neither canary nor blueGreen ("type" and "rollingUpdate" belong to a Deployment): add the one you want; "canary: {}" with the braces is a plain rolling update [rollout-strategy]',
    },
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy',
      at: '10:3',
      text: 'spec.strategy has neither canary nor blueGreen ("type" and "rollingUpdate" belong to a Deployment): add the one you want; "canary: {}" with the braces is a plain rolling update [rollout-strategy]',
    },
  ],
  'bad-null.yaml': [
    {
      message: 'none',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy',
      at: '6:3',
      text: 'spec.strategy has neither canary nor blueGreen ("canary:" with nothing behind it is null): add the one you want; "canary: {}" with the braces is a plain rolling update [rollout-strategy]',
    },
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy',
      at: '13:3',
      text: 'spec.strategy has neither canary nor blueGreen (it has "bluegreen"): add the one you want; "canary: {}" with the braces is a plain rolling update [rollout-strategy]',
    },
    {
      message: 'none',
      object: 'Rollout shop/stock',
      path: 'spec.strategy',
      at: '20:1',
      text: 'spec.strategy has neither canary nor blueGreen: add the one you want; "canary: {}" with the braces is a plain rolling update [rollout-strategy]',
    },
  ],
  'good-empty-canary.yaml': [],
  'good-other-is-null.yaml': [],
});
