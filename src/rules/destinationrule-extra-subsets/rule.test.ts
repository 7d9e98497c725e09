import { testRule } from '../../../test/support/rule-tester.ts';
import { destinationRuleExtraSubsets } from './rule.ts';

testRule(destinationRuleExtraSubsets, import.meta.dirname, {
  'bad-additional-subset.yaml': [
    {
      message: 'used',
      object: 'DestinationRule shop/reviews',
      path: 'spec.subsets[2].name',
      at: '30:7',
      text: 'the Rollouts controller deletes the subset "legacy" of DestinationRule "reviews", which Rollout "reviews" drives, and unnamed http route of VirtualService "reviews" sends to it: move the subset to another DestinationRule for the same host [destinationrule-extra-subsets]',
    },
  ],
  'bad-subset-of-another-route.yaml': [
    {
      message: 'used',
      object: 'DestinationRule shop/reviews',
      path: 'spec.subsets[2].name',
      at: '30:7',
      text: 'the Rollouts controller deletes the subset "legacy" of DestinationRule "reviews", which Rollout "reviews" drives, and http route "old-clients" of VirtualService "reviews" sends to it: move the subset to another DestinationRule for the same host [destinationrule-extra-subsets]',
    },
    {
      message: 'extra',
      object: 'DestinationRule shop/reviews',
      path: 'spec.subsets[3].name',
      at: '32:7',
      text: 'the Rollouts controller deletes the subset "unused" of DestinationRule "reviews": Rollout "reviews", which drives it, names only "stable" and "canary": move the subset to another DestinationRule for the same host, or remove it [destinationrule-extra-subsets]',
    },
  ],
  'good-additional-subset-of-its-own-rule.yaml': [],
  'good-subset-of-a-running-experiment.yaml': [],
});
