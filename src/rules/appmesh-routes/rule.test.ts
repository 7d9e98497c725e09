import { testRule } from '../../../test/support/rule-tester.ts';
import { appMeshRoutes } from './rule.ts';

testRule(appMeshRoutes, import.meta.dirname, {
  'bad-no-router.yaml': [
    {
      message: 'noRoutes',
      object: 'VirtualRouter shop/ratings',
      path: 'spec.routes',
      at: '72:1',
      text: 'VirtualRouter "ratings", which Rollout "ratings" drives, has no routes: add a route with two weighted targets, for the stable and for the canary pods [appmesh-routes]',
    },
    {
      message: 'noRouter',
      object: 'VirtualService shop/reviews',
      path: 'spec.provider',
      at: '29:3',
      text: 'VirtualService "reviews" has no virtual router, in whose routes the weights could be set: name a VirtualRouter in spec.provider.virtualRouter.virtualRouterRef [appmesh-routes]',
    },
  ],
  'bad-routes.yaml': [
    {
      message: 'targets',
      object: 'VirtualRouter shop/reviews',
      path: 'spec.routes[0].httpRoute.action.weightedTargets',
      at: '44:11',
      text: 'the route "one-target" of VirtualRouter "reviews" has 1 weighted targets: give it two, one for the stable and one for the canary pods [appmesh-routes]',
    },
    {
      message: 'targets',
      object: 'VirtualRouter shop/reviews',
      path: 'spec.routes[1].grpcRoute.action.weightedTargets',
      at: '48:7',
      text: 'the route "none" of VirtualRouter "reviews" has 0 weighted targets: give it two, one for the stable and one for the canary pods [appmesh-routes]',
    },
    {
      message: 'type',
      object: 'VirtualRouter shop/reviews',
      path: 'spec.routes[2]',
      at: '49:7',
      text: 'the route "other" of VirtualRouter "reviews" is neither an HTTP nor a TCP route: give it one of httpRoute, http2Route, grpcRoute and tcpRoute [appmesh-routes]',
    },
  ],
  'good-two-targets.yaml': [],
  'bad-router-absent.yaml': [
    {
      message: 'routerAbsent',
      object: 'VirtualService shop/reviews',
      path: 'spec.provider.virtualRouter.virtualRouterRef.name',
      at: '32:9',
      text: 'there is no VirtualRouter "reviews" in namespace "shop", which VirtualService "reviews" sends to: create it, or name one that exists [appmesh-routes]',
    },
  ],
});
