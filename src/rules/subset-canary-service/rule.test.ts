import { testRule } from '../../../test/support/rule-tester.ts';
import { subsetCanaryService } from './rule.ts';

testRule(subsetCanaryService, import.meta.dirname, {
  'bad-host-of-both-subsets.yaml': [
    {
      message: 'host',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryService',
      at: '9:7',
      text: 'canaryService "reviews" is the host of subset "stable" in unnamed http route of VirtualService "reviews", so the Rollouts controller gives that destination the weight of the canary: remove canaryService: subsets need no Service of their own [subset-canary-service]',
    },
  ],
  'good-service-of-the-canary-alone.yaml': [],
  'good-stable-service-is-the-host.yaml': [],
});
