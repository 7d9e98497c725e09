import { testRule } from '../../../test/support/rule-tester.ts';
import { serviceSelector } from './rule.ts';

testRule(serviceSelector, import.meta.dirname, {
  'bad-label-in-ephemeral-metadata.yaml': [
    {
      message: 'ephemeral',
      object: 'Service shop/reviews-preview',
      path: 'spec.selector.role',
      at: '37:29',
      text: 'Service "reviews-preview" selects pods with role: preview, which Rollout "reviews" has only in previewMetadata: take it out of the selector, as the controller adds the hash of the right pods by itself [service-selector]',
    },
  ],
  'bad-label-lacking.yaml': [
    {
      message: 'lacking',
      object: 'Service shop/reviews',
      path: 'spec.selector.version',
      at: '23:5',
      text: 'Service "reviews" selects pods by label "version", which the pod template of Rollout "reviews" does not have: take it out of the selector, or add version: v1 to the labels of the pod template [service-selector]',
    },
    {
      message: 'differs',
      object: 'Service shop/reviews-canary',
      path: 'spec.selector.app',
      at: '32:5',
      text: 'Service "reviews-canary" selects pods with app: reviews-canary, but the pod template of Rollout "reviews" has app: reviews: make the two the same [service-selector]',
    },
  ],
  'good-fewer-labels-than-the-pods.yaml': [],
  'good-labels-of-other-workloads.yaml': [],
  'good-labels-of-the-workload.yaml': [],
});
