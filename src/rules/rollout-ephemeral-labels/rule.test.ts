import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutEphemeralLabels } from './rule.ts';

testRule(rolloutEphemeralLabels, import.meta.dirname, {
  'bad-canary-label-of-the-selector.yaml': [
    {
      message: 'differs',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryMetadata.labels.app',
      at: '15:35',
      text: 'canaryMetadata gives the canary pods the label "app: reviews-canary", but the selector wants app=reviews, so Kubernetes refuses their ReplicaSet: use another label than "app" in canaryMetadata [rollout-ephemeral-labels]',
    },
    {
      message: 'differs',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryMetadata.labels.track',
      at: '15:56',
      text: 'canaryMetadata gives the canary pods the label "track: canary", but the selector wants track notin (canary, next), so Kubernetes refuses their ReplicaSet: use another label than "track" in canaryMetadata [rollout-ephemeral-labels]',
    },
  ],
  'bad-label-lost-at-promotion.yaml': [
    {
      message: 'lost',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryMetadata.labels.version',
      at: '13:35',
      text: 'the label "version" of the pod template is in canaryMetadata and not in stableMetadata, so the pods lose it once they are stable: add "version: v1" to the labels in stableMetadata [rollout-ephemeral-labels]',
    },
  ],
  'bad-label-repeated.yaml': [
    {
      message: 'taken',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryMetadata.labels.app',
      at: '14:35',
      text: 'canaryMetadata has the label "app", which is in the selector: the Rollouts controller takes it from pods that are no longer canary, Kubernetes refuses that, and the update stands still: remove "app" from canaryMetadata, as the pods have it from the pod template [rollout-ephemeral-labels]',
    },
    {
      message: 'taken',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.stableMetadata.labels.app',
      at: '13:35',
      text: 'stableMetadata has the label "app", which is in the selector: the Rollouts controller takes it from pods that are no longer stable, Kubernetes refuses that, and the update stands still: remove "app" from stableMetadata, as the pods have it from the pod template [rollout-ephemeral-labels]',
    },
  ],
  'bad-preview-label-of-the-selector.yaml': [
    {
      message: 'differs',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.blueGreen.previewMetadata.labels.app',
      at: '15:36',
      text: 'previewMetadata gives the preview pods the label "app: reviews-preview", but the selector wants app=reviews, so Kubernetes refuses their ReplicaSet: use another label than "app" in previewMetadata [rollout-ephemeral-labels]',
    },
  ],
  'bad-selector-of-the-workload.yaml': [
    {
      message: 'differs',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryMetadata.labels.version',
      at: '10:35',
      text: 'canaryMetadata gives the canary pods the label "version: canary", but the selector wants version=v1, so Kubernetes refuses their ReplicaSet: use another label than "version" in canaryMetadata [rollout-ephemeral-labels]',
    },
    {
      message: 'differs',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.stableMetadata.labels.version',
      at: '9:35',
      text: 'stableMetadata gives the stable pods the label "version: stable", but the selector wants version=v1, so Kubernetes refuses their ReplicaSet: use another label than "version" in stableMetadata [rollout-ephemeral-labels]',
    },
  ],
  'good-labels-of-both-roles.yaml': [],
  'good-nothing-written.yaml': [],
  'good-workload-not-here.yaml': [],
  'good-workloads-of-other-kinds.yaml': [],
});
