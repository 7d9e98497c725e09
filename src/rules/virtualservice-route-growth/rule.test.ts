import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceRouteGrowth } from './rule.ts';

testRule(virtualServiceRouteGrowth, import.meta.dirname, {
  'bad-two-of-one-name.yaml': [
    {
      message: 'namesakes',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[1]',
      at: '32:7',
      text: 'VirtualService "reviews" has 2 http routes named "assets": with managedRoutes in Rollout "reviews" the Rollouts controller multiplies them at every weight: give each of them a name of its own [virtualservice-route-growth]',
    },
  ],
  'bad-two-unnamed.yaml': [
    {
      message: 'unnamed',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[1]',
      at: '31:7',
      text: 'VirtualService "reviews" has 2 http routes without a name: with managedRoutes in Rollout "reviews" the Rollouts controller multiplies them at every weight: give each of them a name of its own [virtualservice-route-growth]',
    },
  ],
  'good-no-managed-routes.yaml': [],
  'good-one-unnamed.yaml': [],
});
