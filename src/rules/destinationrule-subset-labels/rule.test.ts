import { testRule } from '../../../test/support/rule-tester.ts';
import { destinationRuleSubsetLabels } from './rule.ts';

testRule(destinationRuleSubsetLabels, import.meta.dirname, {
  'bad-metadata-overrides-template.yaml': [
    {
      message: 'mismatch',
      object: 'DestinationRule shop/reviews',
      path: 'spec.subsets[0].labels.track',
      at: '48:17',
      text: 'stable subset "stable" of DestinationRule "reviews" asks for the label "track: stable", but the stable pods of Rollout "reviews" have "track: current": remove the label from the subset (its hash label tells the pods apart), or set it in stableMetadata.labels of the Rollout [destinationrule-subset-labels]',
    },
  ],
  'bad-version-labels-of-two-deployments.yaml': [
    {
      message: 'mismatch',
      object: 'DestinationRule shop/reviews',
      path: 'spec.subsets[0].labels.version',
      at: '38:9',
      text: 'stable subset "v1" of DestinationRule "reviews" asks for the label "version: v1", but the stable pods of Rollout "reviews" have no label "version": remove the label from the subset (its hash label tells the pods apart), or set it in stableMetadata.labels of the Rollout [destinationrule-subset-labels]',
    },
    {
      message: 'mismatch',
      object: 'DestinationRule shop/reviews',
      path: 'spec.subsets[1].labels.version',
      at: '42:9',
      text: 'canary subset "v2" of DestinationRule "reviews" asks for the label "version: v2", but the canary pods of Rollout "reviews" have no label "version": remove the label from the subset (its hash label tells the pods apart), or set it in canaryMetadata.labels of the Rollout [destinationrule-subset-labels]',
    },
  ],
  'good-no-labels-of-their-own.yaml': [],
  'good-roles-from-metadata.yaml': [],
  'good-workload-not-known.yaml': [],
});
