import { testRule } from '../../../test/support/rule-tester.ts';
import { duplicateWorkload } from './rule.ts';

testRule(duplicateWorkload, import.meta.dirname, {
  'bad-same-selector.yaml': [
    {
      message: 'same',
      object: 'Rollout shop/shop',
      path: 'spec.selector',
      at: '5:3',
      text: 'Deployment "shop" selects the same pods (app=shop), so that both run side by side: delete the Deployment, or have the Rollout take its template with workloadRef [duplicate-workload]',
    },
  ],
  'good-at-zero.yaml': [],
  'good-another-label.yaml': [],
  'good-another-namespace.yaml': [],
});
