import { testRule } from '../../../test/support/rule-tester.ts';
import { workloadSelector } from './rule.ts';

testRule(workloadSelector, import.meta.dirname, {
  'bad-deployment.yaml': [
    {
      message: 'mismatch',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchLabels.app',
      at: '6:20',
      text: 'the selector of the Rollout wants app=reviews-rollout and the pod template of Deployment "reviews" has app=reviews: make the two agree, or leave spec.selector out: it is then taken from there [workload-selector]',
    },
    {
      message: 'mismatch',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchLabels.team',
      at: '6:42',
      text: 'the selector of the Rollout wants team=search and the pod template of Deployment "reviews" has no label "team": make the two agree, or leave spec.selector out: it is then taken from there [workload-selector]',
    },
  ],
  'bad-pod-template.yaml': [
    {
      message: 'mismatch',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchExpressions[0]',
      at: '7:24',
      text: 'the selector of the Rollout wants track notin (beta) and the pod template of PodTemplate "reviews" has track=beta: make the two agree [workload-selector]',
    },
  ],
  'good-narrower-than-the-deployment.yaml': [],
  'good-selector-left-out.yaml': [],
});
