import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutAntiAffinity } from './rule.ts';

testRule(rolloutAntiAffinity, import.meta.dirname, {
  'bad-both.yaml': [
    {
      message: 'both',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.antiAffinity',
      at: '7:7',
      text: 'antiAffinity has both preferred and requiredDuringSchedulingIgnoredDuringExecution: keep one of them [rollout-anti-affinity]',
    },
  ],
  'bad-none.yaml': [
    {
      message: 'none',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.blueGreen.antiAffinity',
      at: '17:7',
      text: 'antiAffinity has neither preferred nor requiredDuringSchedulingIgnoredDuringExecution: write "requiredDuringSchedulingIgnoredDuringExecution: {}", or preferredDuringSchedulingIgnoredDuringExecution with a weight, or remove antiAffinity [rollout-anti-affinity]',
    },
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.antiAffinity',
      at: '7:7',
      text: 'antiAffinity has neither preferred nor requiredDuringSchedulingIgnoredDuringExecution (with nothing behind it, it is null): write "requiredDuringSchedulingIgnoredDuringExecution: {}", or preferredDuringSchedulingIgnoredDuringExecution with a weight, or remove antiAffinity [rollout-anti-affinity]',
    },
  ],
  'bad-weight.yaml': [
    {
      message: 'weight',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.blueGreen.antiAffinity.preferredDuringSchedulingIgnoredDuringExecution.weight',
      at: '18:9',
      text: 'the weight of the preferred antiAffinity is not set: write a number from 1 to 100 [rollout-anti-affinity]',
    },
    {
      message: 'weight',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.antiAffinity.preferredDuringSchedulingIgnoredDuringExecution.weight',
      at: '8:60',
      text: 'the weight of the preferred antiAffinity is 500: write a number from 1 to 100 [rollout-anti-affinity]',
    },
  ],
  'good-preferred.yaml': [],
  'good-required.yaml': [],
});
