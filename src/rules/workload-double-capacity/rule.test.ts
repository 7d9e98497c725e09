import { testRule } from '../../../test/support/rule-tester.ts';
import { workloadDoubleCapacity } from './rule.ts';

const finding = (replicas: string): { message: string; object: string; path: string; at: string; text: string } => ({
  message: 'both',
  object: 'Rollout shop/shop',
  path: 'spec.workloadRef.name',
  at: '9:5',
  text: `Deployment "shop" runs ${replicas} besides the pods of the Rollout: scale it to 0 once the Rollout serves, or have the controller do it with workloadRef.scaleDown: onsuccess [workload-double-capacity]`,
});

testRule(workloadDoubleCapacity, import.meta.dirname, {
  'bad-both-run.yaml': [finding('3 pods')],
  'bad-count-left-out.yaml': [finding('1 pod')],
  'good-scaled-down.yaml': [],
  'good-controller-scales-down.yaml': [],
  'good-rollout-at-zero.yaml': [],
});
