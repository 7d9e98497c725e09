import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceRouteExists } from './rule.ts';

testRule(virtualServiceRouteExists, import.meta.dirname, {
  'bad-named-route-absent.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]',
      at: '23:17',
      text: 'VirtualService "reviews" has no http route "primary" (it has "main"): name one of them, or add the route first [virtualservice-route-exists]',
    },
  ],
  'bad-several-and-none-named.yaml': [
    {
      message: 'ambiguous',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService',
      at: '13:11',
      text: 'VirtualService "reviews" has 2 http routes and the Rollout names none ("main", one without a name): list the routes that the canary shifts in routes [virtualservice-route-exists]',
    },
  ],
  'bad-no-routes.yaml': [
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualServices[0].name',
      at: '14:15',
      text: 'VirtualService "reviews" has no http, tls or tcp route at all: add a route with the stable and the canary destination [virtualservice-route-exists]',
    },
  ],
  'good-only-route-needs-no-name.yaml': [],
});
