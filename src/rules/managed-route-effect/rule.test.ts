import { testRule } from '../../../test/support/rule-tester.ts';
import { managedRouteEffect } from './rule.ts';

testRule(managedRouteEffect, import.meta.dirname, {
  'bad-header-route-first.yaml': [
    {
      message: 'noPods',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].setHeaderRoute',
      at: '20:11',
      text: 'step 1 sets the route "beta" while the canary has no pods, so the Rollouts controller removes it at once: put a setCanaryScale with replicas, or a setWeight above 0, before it [managed-route-effect]',
    },
  ],
  'bad-plugin-without-header-routes.yaml': [
    {
      message: 'plugin',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1].setHeaderRoute',
      at: '20:11',
      text: 'step 2 has setHeaderRoute, which has no effect: the Gateway API plugin writes header rules only into HTTPRoutes and GRPCRoutes with useHeaderRoutes, and the Rollout names none: name the route in httpRoutes or grpcRoutes, with useHeaderRoutes: true [managed-route-effect]',
    },
  ],
  'bad-scale-matched-to-no-weight.yaml': [
    {
      message: 'noPods',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[3].setMirrorRoute',
      at: '23:11',
      text: 'step 4 sets the route "beta" while the canary has no pods, so the Rollouts controller removes it at once: put a setCanaryScale with replicas, or a setWeight above 0, before it [managed-route-effect]',
    },
  ],
  'bad-weight-behind-a-managed-route.yaml': [
    {
      message: 'weightless',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService',
      at: '15:11',
      text: 'the Rollout names no route of VirtualService "reviews", whose http route "primary" has a name: while "beta" is there, the weight of step 4 is never written, though the status says so: list "primary" in routes [managed-route-effect]',
    },
  ],
  'good-plugin-with-header-routes.yaml': [],
  'good-pods-first-and-route-named.yaml': [],
  'good-unnamed-route-or-route-removed.yaml': [],
});
