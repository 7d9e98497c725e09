import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisArgs } from './rule.ts';

testRule(analysisArgs, import.meta.dirname, {
  'bad-contradicting-defaults.yaml': [
    {
      message: 'conflict',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.prePromotionAnalysis.templates',
      at: '12:9',
      text: 'AnalysisTemplate "smoke" and ClusterAnalysisTemplate "reachable", which the pre-promotion analysis combines, give the argument "url" different values: give it the same value in both, or a value in only one of them [analysis-args]',
    },
  ],
  'bad-default-of-another-template.yaml': [
    {
      message: 'missing',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.analysis',
      at: '10:7',
      text: 'AnalysisTemplate "latency" needs the argument "namespace", which the background analysis does not supply: supply it in args (the default in AnalysisTemplate "common" does not count for it in a background analysis) [analysis-args]',
    },
  ],
  'bad-experiment.yaml': [
    {
      message: 'missing',
      object: 'Experiment shop/compare',
      path: 'spec.analyses[0].args',
      at: '12:7',
      text: 'AnalysisTemplate "errors" needs the argument "namespace", which the experiment\'s analysis "errors" does not supply: supply it in args as a value (in an Experiment valueFrom is not read) [analysis-args]',
    },
    {
      message: 'unknown',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[0].experiment.analyses[0].args[1].name',
      at: '35:21',
      text: 'the experiment\'s analysis "errors" supplies the argument "verbosty", which none of its templates declares (they declare "namespace", "verbosity"): rename it to "verbosity", or remove it [analysis-args]',
    },
  ],
  'bad-renamed.yaml': [
    {
      message: 'missing',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.analysis.args',
      at: '13:9',
      text: 'AnalysisTemplate "apdex" needs the argument "service_name", which the background analysis does not supply: supply it in args (there is "service-name", which no template declares: perhaps that is meant) [analysis-args]',
    },
  ],
  'bad-step-supplies-nothing.yaml': [
    {
      message: 'missing',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[1].analysis',
      at: '12:11',
      text: 'AnalysisTemplate "errors" needs the argument "host", which the analysis step does not supply: supply it in args [analysis-args]',
    },
  ],
  'bad-value-and-source.yaml': [
    {
      message: 'both',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.args[0]',
      at: '22:7',
      text: 'AnalysisTemplate "errors" gives the argument "token" both value and valueFrom, which the post-promotion analysis does not allow: keep one of them [analysis-args]',
    },
    {
      message: 'source',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.postPromotionAnalysis',
      at: '11:7',
      text: 'AnalysisTemplate "errors" takes the argument "namespace" from something other than a Secret, which the controller does not read in a template: supply it in args of the post-promotion analysis [analysis-args]',
    },
  ],
  'good-default-of-another-template.yaml': [],
  'good-supplied.yaml': [],
  'good-template-elsewhere.yaml': [{ skipped: 'ClusterAnalysisTemplate success-rate: not among these manifests' }],
});
