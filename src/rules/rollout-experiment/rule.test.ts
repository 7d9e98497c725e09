import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutExperiment } from './rule.ts';

testRule(rolloutExperiment, import.meta.dirname, {
  'bad-experiments.yaml': [
    {
      message: 'duration',
      object: 'Experiment shop/reviews',
      path: 'spec.duration',
      at: '32:3',
      text: 'the experiment lasts "300", which the controller cannot read, so that it never ends by itself: write a duration like "30s", "10m" or "24h" [rollout-experiment]',
    },
    {
      message: 'duration',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].experiment.duration',
      at: '18:13',
      text: 'the experiment of step 1 lasts "1d", which the controller cannot read, so that it never ends by itself: write "24h" [rollout-experiment]',
    },
    {
      message: 'specRef',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].experiment.templates[1].specRef',
      at: '23:17',
      text: 'the template "candidate" of the experiment of step 1 has the specRef "new": write canary or stable [rollout-experiment]',
    },
    {
      message: 'specRef',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].experiment.templates[2].specRef',
      at: '24:17',
      text: 'the template "other" of the experiment of step 1 has no specRef: write canary or stable [rollout-experiment]',
    },
  ],
  'good-experiments.yaml': [],
});
