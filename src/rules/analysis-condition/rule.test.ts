import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisCondition } from './rule.ts';

testRule(analysisCondition, import.meta.dirname, {
  'bad-list-compared.yaml': [
    {
      message: 'list',
      object: 'ClusterAnalysisTemplate errors',
      path: 'spec.metrics[0].failureCondition',
      at: '13:7',
      text: 'failureCondition of metric "success-rate" compares the whole result, and Prometheus answers with a list: compare its first element, result[0], or make the query a scalar() [analysis-condition]',
    },
    {
      message: 'list',
      object: 'ClusterAnalysisTemplate errors',
      path: 'spec.metrics[0].successCondition',
      at: '12:7',
      text: 'successCondition of metric "success-rate" compares the whole result, and Prometheus answers with a list: compare its first element, result[0], or make the query a scalar() [analysis-condition]',
    },
  ],
  'bad-no-condition.yaml': [
    {
      message: 'none',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.metrics[0]',
      at: '9:7',
      text: 'metric "errors" has neither successCondition nor failureCondition, so that whatever prometheus answers counts as a success: add the condition that a good result meets [analysis-condition]',
    },
    {
      message: 'none',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.metrics[1]',
      at: '14:7',
      text: 'metric "apdex" has neither successCondition nor failureCondition, so that whatever datadog answers counts as a success: add the condition that a good result meets [analysis-condition]',
    },
  ],
  'good-conditions.yaml': [],
  'good-none-needed.yaml': [],
});
