import { testRule } from '../../../test/support/rule-tester.ts';
import { workloadDoubleCapacity } from './rule.ts';

testRule(workloadDoubleCapacity, import.meta.dirname, {
  'bad-both-run.yaml': [
    {
      message: 'both',
      object: 'Rollout shop/shop',
      path: 'spec.workloadRef.name',
      at: '9:5',
      text: 'Deployment "shop" runs 3 pods beside the pods of the Rollout: scale it to 0 once the Rollout is healthy; with workloadRef.scaleDown: onsuccess a new Rollout does it by itself [workload-double-capacity]',
    },
  ],
  'bad-count-left-out.yaml': [
    {
      message: 'both',
      object: 'Rollout shop/shop',
      path: 'spec.workloadRef.name',
      at: '9:5',
      text: 'Deployment "shop" runs 1 pod beside the pods of the Rollout: scale it to 0 once the Rollout is healthy; with workloadRef.scaleDown: onsuccess a new Rollout does it by itself [workload-double-capacity]',
    },
  ],
  'bad-misspelt-scale-down.yaml': [
    {
      message: 'both',
      object: 'Rollout shop/ratings',
      path: 'spec.workloadRef.name',
      at: '7:57',
      text: 'Deployment "ratings" runs 1 pod beside the pods of the Rollout: scale it to 0 once the Rollout is healthy; with workloadRef.scaleDown: onsuccess a new Rollout does it by itself [workload-double-capacity]',
    },
  ],
  'good-controller-scales-down.yaml': [],
  'good-deployment-going.yaml': [],
  'good-rollout-at-zero.yaml': [],
  'good-scaled-down.yaml': [],
});
