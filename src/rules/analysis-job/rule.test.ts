import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisJob } from './rule.ts';

testRule(analysisJob, import.meta.dirname, {
  'bad-job.yaml': [
    {
      message: 'quantity',
      object: 'AnalysisTemplate shop/smoke',
      path: 'spec.metrics[0].provider.job.spec.template.spec.containers[0].resources.limits.memory',
      at: '19:33',
      text: 'container "smoke" of metric "smoke" has the limits memory "512MB", which is no quantity Kubernetes reads: write a number with a suffix, such as 500m, 0.5, 512Mi or 1Gi [analysis-job]',
    },
    {
      message: 'duplicate',
      object: 'AnalysisTemplate shop/smoke',
      path: 'spec.metrics[0].provider.job.spec.template.spec.containers[1].name',
      at: '20:21',
      text: 'two containers of metric "smoke" are named "smoke": give each its own name [analysis-job]',
    },
    {
      message: 'quantity',
      object: 'AnalysisTemplate shop/smoke',
      path: 'spec.metrics[0].provider.job.spec.template.spec.containers[2].resources.requests.memory',
      at: '25:35',
      text: 'container "by-argument" of metric "smoke" has the requests memory "{{args.memory}}", which is no quantity Kubernetes reads: write a number with a suffix, such as 500m, 0.5, 512Mi or 1Gi [analysis-job]',
    },
  ],
  'good-job.yaml': [],
});
