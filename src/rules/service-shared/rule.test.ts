import { testRule } from '../../../test/support/rule-tester.ts';
import { serviceShared } from './rule.ts';

testRule(serviceShared, import.meta.dirname, {
  'bad-marked-for-another.yaml': [
    {
      message: 'leftOver',
      object: 'Service shop/reviews',
      path: 'metadata.annotations["argo-rollouts.argoproj.io/managed-by-rollouts"]',
      at: '32:5',
      text: 'Service "reviews" is still marked as managed by Rollout "reviews-v1", which does not exist, so the controller refuses it to Rollout "reviews": remove the annotation argo-rollouts.argoproj.io/managed-by-rollouts from the Service [service-shared]',
    },
    {
      message: 'managed',
      object: 'Service shop/reviews-preview',
      path: 'metadata.annotations["argo-rollouts.argoproj.io/managed-by-rollouts"]',
      at: '41:5',
      text: 'Service "reviews-preview" is marked as managed by Rollout "ratings", so the controller refuses it to Rollout "reviews": name another Service, or remove the annotation argo-rollouts.argoproj.io/managed-by-rollouts if Rollout "ratings" no longer uses it [service-shared]',
    },
  ],
  'bad-one-destination-rule.yaml': [
    {
      message: 'destinationRule',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.name',
      at: '32:30',
      text: 'Rollout "reviews" drives DestinationRule "books" as well, and each removes the subsets of the other: give each Rollout a DestinationRule of its own [service-shared]',
    },
    {
      message: 'destinationRule',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.name',
      at: '16:30',
      text: 'Rollout "ratings" drives DestinationRule "books" as well, and each removes the subsets of the other: give each Rollout a DestinationRule of its own [service-shared]',
    },
  ],
  'bad-one-http-route.yaml': [
    {
      message: 'route',
      object: 'Rollout shop/details',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].httpRouteSelector',
      at: '51:39',
      text: 'Rollout "ratings" drives HTTPRoute "books" as well: give each Rollout a route of its own if their canaries can run at the same time [service-shared]',
    },
    {
      message: 'route',
      object: 'Rollout shop/details',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].httpRouteSelector',
      at: '51:39',
      text: 'Rollout "reviews" drives HTTPRoute "books" as well: give each Rollout a route of its own if their canaries can run at the same time [service-shared]',
    },
    {
      message: 'route',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].httpRoute',
      at: '34:39',
      text: 'Rollout "details" drives HTTPRoute "books" as well: give each Rollout a route of its own if their canaries can run at the same time [service-shared]',
    },
    {
      message: 'route',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].httpRoute',
      at: '34:39',
      text: 'Rollout "reviews" drives HTTPRoute "books" as well: give each Rollout a route of its own if their canaries can run at the same time [service-shared]',
    },
    {
      message: 'route',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].httpRoute',
      at: '17:39',
      text: 'Rollout "details" drives HTTPRoute "books" as well: give each Rollout a route of its own if their canaries can run at the same time [service-shared]',
    },
    {
      message: 'route',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"].httpRoute',
      at: '17:39',
      text: 'Rollout "ratings" drives HTTPRoute "books" as well: give each Rollout a route of its own if their canaries can run at the same time [service-shared]',
    },
  ],
  'bad-one-service.yaml': [
    {
      message: 'service',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.blueGreen.activeService',
      at: '24:18',
      text: 'Service "books" is the stable Service of Rollout "reviews" as well: give each Rollout Services of its own [service-shared]',
    },
    {
      message: 'service',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.stableService',
      at: '12:15',
      text: 'Service "books" is the active Service of Rollout "ratings" as well: give each Rollout Services of its own [service-shared]',
    },
  ],
  'bad-one-virtual-service-route.yaml': [
    {
      message: 'virtualServiceRouteAbroad',
      object: 'Rollout other/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.name',
      at: '51:29',
      text: 'Rollout "shop/ratings" of another namespace sets the weights of the http route "main" of VirtualService "books" as well: let each Rollout drive routes of its own [service-shared]',
    },
    {
      message: 'virtualServiceRouteAbroad',
      object: 'Rollout other/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.name',
      at: '51:29',
      text: 'Rollout "shop/reviews" of another namespace sets the weights of the http route "main" of VirtualService "books" as well: let each Rollout drive routes of its own [service-shared]',
    },
    {
      message: 'virtualServiceRoute',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.name',
      at: '34:29',
      text: 'Rollout "reviews" sets the weights of the http route "main" of VirtualService "books" as well: let each Rollout drive routes of its own [service-shared]',
    },
    {
      message: 'virtualServiceRouteAbroad',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.name',
      at: '34:29',
      text: 'Rollout "other/reviews" of another namespace sets the weights of the http route "main" of VirtualService "books" as well: let each Rollout drive routes of its own [service-shared]',
    },
    {
      message: 'virtualServiceRoute',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.name',
      at: '17:29',
      text: 'Rollout "ratings" sets the weights of the http route "main" of VirtualService "books" as well: let each Rollout drive routes of its own [service-shared]',
    },
    {
      message: 'virtualServiceRouteAbroad',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.name',
      at: '17:29',
      text: 'Rollout "other/reviews" of another namespace sets the weights of the http route "main" of VirtualService "books" as well: let each Rollout drive routes of its own [service-shared]',
    },
  ],
  'good-another-namespace.yaml': [],
  'good-routes-of-their-own.yaml': [],
});
