import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisTerminates } from './rule.ts';

testRule(analysisTerminates, import.meta.dirname, {
  'bad-count-of-zero-supplied.yaml': [
    {
      message: 'supplied',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.postPromotionAnalysis.templates',
      at: '12:9',
      text: 'the arguments of the post-promotion analysis give metric "errors" of AnalysisTemplate "errors" the count "five", so that it never ends: supply a count above 0 [analysis-terminates]',
    },
  ],
  'bad-count-without-default.yaml': [
    {
      message: 'default',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[0].analysis.templates',
      at: '12:13',
      text: 'metric "errors" of AnalysisTemplate "errors" takes its count from {{args.count}} without a default above 0, and the controller, which validates with defaults alone, takes the analysis step for endless: give the argument a default in spec.args of the template [analysis-terminates]',
    },
  ],
  'bad-experiment-requires-it.yaml': [
    {
      message: 'experiment',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[0].experiment.analyses[0].templateName',
      at: '18:17',
      text: 'metric "errors" of AnalysisTemplate "errors" has an interval and the count 0, so that the experiment\'s analysis "errors", and with it the experiment that requires it, never ends: give the metric a count, or remove requiredForCompletion [analysis-terminates]',
    },
  ],
  'bad-step-without-count.yaml': [
    {
      message: 'forever',
      object: 'Rollout shop/cart',
      path: 'spec.strategy.blueGreen.prePromotionAnalysis.templates',
      at: '26:9',
      text: 'metric "errors" of AnalysisTemplate "errors" has an interval and no count, so that the pre-promotion analysis never ends: give the metric a count, or run it as background analysis [analysis-terminates]',
    },
    {
      message: 'forever',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[1].analysis.templates',
      at: '13:13',
      text: 'metric "errors" of AnalysisTemplate "errors" has an interval and no count, so that the analysis step never ends: give the metric a count, or run it as background analysis [analysis-terminates]',
    },
  ],
  'good-background-and-experiment.yaml': [],
  'good-counts.yaml': [],
  'good-successes-in-a-row.yaml': [],
  'good-template-elsewhere.yaml': [{ skipped: 'ClusterAnalysisTemplate errors: not among these manifests' }],
});
