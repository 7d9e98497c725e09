import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutSteps } from './rule.ts';

testRule(rolloutSteps, import.meta.dirname, {
  'bad-canary-scale.yaml': [
    {
      message: 'canaryScale',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].setCanaryScale',
      at: '8:11',
      text: 'step 1 has setCanaryScale, which needs trafficRouting: add trafficRouting, or use setWeight, which scales the canary where there is no router [rollout-steps]',
    },
  ],
  'bad-empty-steps.yaml': [
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1]',
      at: '10:11',
      text: 'step 2 does nothing ("pause:" with nothing behind it is null): give it a kind, such as setWeight, pause or analysis, or remove it; "pause: {}" waits for a person [rollout-steps]',
    },
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[2]',
      at: '11:11',
      text: 'step 3 does nothing ("setweight" is no kind of step, "setWeight" is): give it a kind, such as setWeight, pause or analysis, or remove it; "pause: {}" waits for a person [rollout-steps]',
    },
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[3]',
      at: '12:11',
      text: 'step 4 does nothing: give it a kind, such as setWeight, pause or analysis, or remove it; "pause: {}" waits for a person [rollout-steps]',
    },
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[4]',
      at: '13:11',
      text: 'step 5 does nothing ("wait" is no kind of step): give it a kind, such as setWeight, pause or analysis, or remove it; "pause: {}" waits for a person [rollout-steps]',
    },
  ],
  'bad-pause.yaml': [
    {
      message: 'pause',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].pause.duration',
      at: '8:20',
      text: 'step 1 pauses for "1d", which the controller cannot read: write "24h" [rollout-steps]',
    },
    {
      message: 'pause',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1].pause.duration',
      at: '9:20',
      text: 'step 2 pauses for "10 min", which the controller cannot read: write "10m" [rollout-steps]',
    },
    {
      message: 'pause',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[2].pause.duration',
      at: '10:20',
      text: 'step 3 pauses for "a while", which the controller cannot read: write seconds as a number, or a duration like "30s", "10m" or "24h" [rollout-steps]',
    },
    {
      message: 'pause',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[3].pause.duration',
      at: '11:20',
      text: 'step 4 pauses for "2147483648", which the controller cannot read: write seconds as a number, or a duration like "30s", "10m" or "24h" [rollout-steps]',
    },
    {
      message: 'pause',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[4].pause.duration',
      at: '12:20',
      text: 'step 5 pauses for "", which the controller cannot read: write seconds as a number, or a duration like "30s", "10m" or "24h" [rollout-steps]',
    },
    {
      message: 'negativePause',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[5].pause.duration',
      at: '13:20',
      text: 'step 6 pauses for -30s, which is less than nothing: write 0 or more, or remove the duration to wait for a person [rollout-steps]',
    },
    {
      message: 'negativePause',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[6].pause.duration',
      at: '14:20',
      text: 'step 7 pauses for -1, which is less than nothing: write 0 or more, or remove the duration to wait for a person [rollout-steps]',
    },
  ],
  'bad-several-kinds.yaml': [
    {
      message: 'several',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0]',
      at: '12:11',
      text: 'step 1 has pause and setWeight at once: make each a step of its own, in the order you want [rollout-steps]',
    },
    {
      message: 'mixed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1]',
      at: '14:11',
      text: 'step 2 has setCanaryScale and setWeight at once, and the controller waits for setCanaryScale only: make each a step of its own, in the order you want [rollout-steps]',
    },
  ],
  'bad-weight.yaml': [
    {
      message: 'weight',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.steps[0].setWeight',
      at: '24:11',
      text: 'step 1 sets the weight to 60: write a number from 0 to 50 [rollout-steps]',
    },
    {
      message: 'weight',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].setWeight',
      at: '8:11',
      text: 'step 1 sets the weight to -5: write a number from 0 to 100 [rollout-steps]',
    },
    {
      message: 'weight',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1].setWeight',
      at: '9:11',
      text: 'step 2 sets the weight to 120: write a number from 0 to 100 [rollout-steps]',
    },
  ],
  'good-all-kinds.yaml': [],
  'good-weights-out-of-a-thousand.yaml': [],
});
