import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisStartingStep } from './rule.ts';

testRule(analysisStartingStep, import.meta.dirname, {
  'bad-beyond-the-steps.yaml': [
    {
      message: 'beyond',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.analysis.startingStep',
      at: '11:9',
      text: 'startingStep of the background analysis is 2, and the steps are numbered 0 to 1, so that it does not run while they do: set startingStep to 1 or less [analysis-starting-step]',
    },
  ],
  'good-last-step.yaml': [],
  'good-no-steps.yaml': [],
});
