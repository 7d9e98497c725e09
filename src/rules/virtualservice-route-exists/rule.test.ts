import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceRouteExists } from './rule.ts';

testRule(virtualServiceRouteExists, import.meta.dirname, {
  'bad-empty-tls-list.yaml': [
    {
      message: 'empty',
      object: 'VirtualService shop/reviews',
      path: 'spec.tls',
      at: '28:3',
      text: 'VirtualService "reviews" has an empty tls list, and the Rollouts controller fails on it: remove tls from its spec [virtualservice-route-exists]',
    },
  ],
  'bad-list-that-is-not-there.yaml': [
    {
      message: 'ignored',
      object: 'Rollout queues/broker',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.routes',
      at: '16:13',
      text: 'VirtualService "broker" has no http routes, so routes is without effect: remove routes, or add the http routes to the VirtualService: "primary" [virtualservice-route-exists]',
    },
    {
      message: 'ignored',
      object: 'Rollout queues/broker',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.tlsRoutes',
      at: '17:13',
      text: 'VirtualService "broker" has no tls routes, so tlsRoutes is without effect: remove tlsRoutes, or add the tls routes to the VirtualService: on port 8883 for "mqtt.example.com" [virtualservice-route-exists]',
    },
  ],
  'bad-named-route-absent.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]',
      at: '23:17',
      text: 'VirtualService "reviews" has no http route "primary" (it has "main"): name one of them in the Rollout, or add the route first [virtualservice-route-exists]',
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
  'bad-same-name-in-two-namespaces.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualServices[0].routes[0]',
      at: '61:24',
      text: 'VirtualService "ratings" has no http route "gone" (it has "main"): name one of them in the Rollout, or add the route first [virtualservice-route-exists]',
    },
    {
      message: 'namesake',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualServices[0]',
      at: '15:15',
      text: 'the Rollouts controller looks for the routes of this entry in VirtualService "reviews" of namespace "edge" too, because it has the same name, and fails: give both VirtualServices the same routes, or different names [virtualservice-route-exists]',
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
  'bad-several-ports-and-none-asked-for.yaml': [
    {
      message: 'ambiguous',
      object: 'Rollout queues/broker',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService',
      at: '13:11',
      text: 'VirtualService "broker" has 2 tcp routes and the Rollout names none (one on port 1883, one on port 5672): list the routes that the canary shifts in tcpRoutes [virtualservice-route-exists]',
    },
  ],
  'bad-tls-and-tcp-routes-absent.yaml': [
    {
      message: 'absentPort',
      object: 'Rollout queues/broker',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.tcpRoutes[0]',
      at: '21:17',
      text: 'VirtualService "broker" has no tcp route on port 1883 (it has one on ports 1883, 1884): ask in tcpRoutes for the only port and all SNI hosts of a route, or add such a route first [virtualservice-route-exists]',
    },
    {
      message: 'absentPort',
      object: 'Rollout queues/broker',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.tlsRoutes[0]',
      at: '17:17',
      text: 'VirtualService "broker" has no tls route on port 8883 for "mqtt.example.com" (it has one on port 8883 for "mqtt.example.com", "events.example.com"): ask in tlsRoutes for the only port and all SNI hosts of a route, or add such a route first [virtualservice-route-exists]',
    },
    {
      message: 'absentPort',
      object: 'Rollout queues/broker',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.tlsRoutes[1]',
      at: '19:17',
      text: 'VirtualService "broker" has no tls route on port 8884 (it has one on port 8883 for "mqtt.example.com", "events.example.com"): ask in tlsRoutes for the only port and all SNI hosts of a route, or add such a route first [virtualservice-route-exists]',
    },
  ],
  'good-by-port-and-sni-hosts.yaml': [],
  'good-only-route-needs-no-name.yaml': [],
  'good-routes-of-other-teams-beside-it.yaml': [],
});
