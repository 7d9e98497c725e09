import { testRule } from '../../../test/support/rule-tester.ts';
import { managedRouteClash } from './rule.ts';

testRule(managedRouteClash, import.meta.dirname, {
  'bad-canary-route-with-more.yaml': [
    {
      message: 'written',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].name',
      at: '28:7',
      text: 'http route "preview" of VirtualService "reviews" has a name that Rollout "reviews" lists in managedRoutes, so the Rollouts controller removes it: take another name in managedRoutes: the name of a route that no manifest has [managed-route-clash]',
    },
  ],
  'bad-driven-route.yaml': [
    {
      message: 'driven',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.managedRoutes[0].name',
      at: '14:13',
      text: 'the route "primary" is one that the Rollout drives and one in managedRoutes, so the Rollouts controller removes it from VirtualService "reviews": take another name in managedRoutes: the name of a route that no manifest has [managed-route-clash]',
    },
  ],
  'bad-route-written-by-hand.yaml': [
    {
      message: 'written',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].name',
      at: '36:7',
      text: 'http route "beta" of VirtualService "reviews" has a name that Rollout "reviews" lists in managedRoutes, so the Rollouts controller removes it: take another name in managedRoutes: the name of a route that no manifest has [managed-route-clash]',
    },
  ],
  'good-route-that-the-controller-made.yaml': [],
  'good-subset-route-that-the-controller-made.yaml': [],
});
