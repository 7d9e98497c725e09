import { testRule } from '../../../test/support/rule-tester.ts';
import { duplicateWorkload } from './rule.ts';

testRule(duplicateWorkload, import.meta.dirname, {
  'bad-other-name.yaml': [
    {
      message: 'same',
      object: 'Rollout shop/reviews-rollout',
      path: 'spec.selector',
      at: '7:3',
      text: 'Deployment "reviews-v1" selects the same pods (app=reviews), so that both run side by side: delete the Deployment or scale it to 0 once the Rollout is healthy, or have the Rollout take its template with workloadRef [duplicate-workload]',
    },
  ],
  'bad-same-selector.yaml': [
    {
      message: 'same',
      object: 'Rollout shop/shop',
      path: 'spec.selector',
      at: '5:3',
      text: 'Deployment "shop" selects the same pods (app=shop), so that both run side by side: delete the Deployment or scale it to 0 once the Rollout is healthy, or have the Rollout take its template with workloadRef [duplicate-workload]',
    },
  ],
  'good-another-label.yaml': [],
  'good-another-namespace.yaml': [],
  'good-at-zero.yaml': [],
  'good-other-labels.yaml': [],
  'good-rollout-at-zero.yaml': [],
  'good-workload-ref.yaml': [],
});
