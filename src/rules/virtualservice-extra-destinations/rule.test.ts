import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceExtraDestinations } from './rule.ts';

testRule(virtualServiceExtraDestinations, import.meta.dirname, {
  'bad-third-service.yaml': [
    {
      message: 'removed',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].route[0].weight',
      at: '27:11',
      text: 'unnamed http route of VirtualService "reviews" gives weight 10 to "reviews-rewrite.shop.svc.cluster.local", which is neither stable nor canary: the Rollouts controller removes the destination: move it to a route that the Rollout does not drive, or remove it [virtualservice-extra-destinations]',
    },
  ],
  'bad-third-subset.yaml': [
    {
      message: 'removed',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].route[2].weight',
      at: '34:11',
      text: 'http route "primary" of VirtualService "reviews" gives weight 5 to subset "legacy" of "reviews", which is neither stable nor canary: the Rollouts controller removes the destination: move it to a route that the Rollout does not drive, or remove it [virtualservice-extra-destinations]',
    },
  ],
  'good-additional-subset-and-experiment.yaml': [],
  'good-one-of-two-misspelt.yaml': [],
  'good-weight-of-zero-and-other-routes.yaml': [],
});
