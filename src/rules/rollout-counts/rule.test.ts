import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutCounts } from './rule.ts';

testRule(rolloutCounts, import.meta.dirname, {
  'bad-deadline.yaml': [
    {
      message: 'deadline',
      object: 'Rollout shop/ratings',
      path: 'spec.progressDeadlineSeconds',
      at: '14:3',
      text: 'the Rollout gives up after 30 s (progressDeadlineSeconds), and a pod counts as available only after 30 s (minReadySeconds): set progressDeadlineSeconds higher than minReadySeconds [rollout-counts]',
    },
    {
      message: 'deadline',
      object: 'Rollout shop/reviews',
      path: 'spec.minReadySeconds',
      at: '6:3',
      text: 'the Rollout gives up after 600 s (the default of progressDeadlineSeconds), and a pod counts as available only after 1800 s (minReadySeconds): set progressDeadlineSeconds higher than minReadySeconds [rollout-counts]',
    },
  ],
  'bad-negative.yaml': [
    {
      message: 'negative',
      object: 'Rollout shop/reviews',
      path: 'spec.replicas',
      at: '5:3',
      text: 'spec.replicas is -1, below 0: write 0 or more [rollout-counts]',
    },
    {
      message: 'negative',
      object: 'Rollout shop/reviews',
      path: 'spec.revisionHistoryLimit',
      at: '6:3',
      text: 'spec.revisionHistoryLimit is -2, below 0: write 0 or more [rollout-counts]',
    },
  ],
  'bad-revisions.yaml': [
    {
      message: 'revisions',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.blueGreen.scaleDownDelayRevisionLimit',
      at: '9:7',
      text: 'scaleDownDelayRevisionLimit (12) is higher than revisionHistoryLimit (10): lower scaleDownDelayRevisionLimit or raise revisionHistoryLimit [rollout-counts]',
    },
  ],
  'bad-standstill.yaml': [
    {
      message: 'standstill',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.maxSurge',
      at: '17:7',
      text: 'maxSurge (12.5%) and maxUnavailable (0) both count as 0, so no pod can be replaced: raise one of them [rollout-counts]',
    },
    {
      message: 'standstill',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.maxSurge',
      at: '7:7',
      text: 'maxSurge (0%) and maxUnavailable (0) both count as 0, so no pod can be replaced: raise one of them [rollout-counts]',
    },
  ],
  'good-one-side-is-enough.yaml': [],
  'good-zero-is-allowed.yaml': [],
  'bad-beyond-32-bits.yaml': [
    {
      message: 'negative',
      object: 'Rollout shop/reviews',
      path: 'spec.replicas',
      at: '6:3',
      text: 'spec.replicas is 3000000000 (-1294967296 in 32 bits), below 0: write 0 or more [rollout-counts]',
    },
    {
      message: 'range',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.maxSurge',
      at: '9:25',
      text: 'maxSurge is 4294967296, which does not fit into 32 bits, and the controller cannot read the Rollout: write a number of pods, or a percentage [rollout-counts]',
    },
    {
      message: 'range',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.maxUnavailable',
      at: '9:47',
      text: 'maxUnavailable is -3000000000, which does not fit into 32 bits, and the controller cannot read the Rollout: write a number of pods, or a percentage [rollout-counts]',
    },
  ],
  'good-beyond-32-bits.yaml': [],
});
