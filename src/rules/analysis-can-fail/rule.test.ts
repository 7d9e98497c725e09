import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisCanFail } from './rule.ts';

testRule(analysisCanFail, import.meta.dirname, {
  'bad-limit-equals-count.yaml': [
    {
      message: 'never',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.metrics[0].failureLimit',
      at: '11:7',
      text: 'metric "error-rate" is measured 5 times and may fail 5 times, so that it is successful even if all of them fail: lower failureLimit, or raise count [analysis-can-fail]',
    },
    {
      message: 'never',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.metrics[1].failureLimit',
      at: '20:7',
      text: 'metric "latency" is measured 3 times and may fail 3 times, so that it is successful even if all of them fail: lower failureLimit, or raise count [analysis-can-fail]',
    },
  ],
  'good-dry-run.yaml': [],
  'good-limits-that-can-be-passed.yaml': [],
});
