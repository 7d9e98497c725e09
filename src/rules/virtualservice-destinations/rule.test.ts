import { testRule } from '../../../test/support/rule-tester.ts';
import { virtualServiceDestinations } from './rule.ts';

testRule(virtualServiceDestinations, import.meta.dirname, {
  'bad-canary-service-not-in-route.yaml': [
    {
      message: 'service',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].route',
      at: '27:7',
      text: 'http route "main" of VirtualService "reviews" has no destination for the canary Service "reviews-canary" (it sends to "reviews", "reviews-preview"): add a destination with host "reviews-canary", or name in canaryService the Service it sends to [virtualservice-destinations]',
    },
    {
      message: 'service',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[1].route',
      at: '32:7',
      text: 'http route "partners" of VirtualService "reviews" has no destination for the stable Service "reviews" (it sends to nothing): add a destination with host "reviews", or name in stableService the Service it sends to [virtualservice-destinations]',
    },
    {
      message: 'service',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[1].route',
      at: '32:7',
      text: 'http route "partners" of VirtualService "reviews" has no destination for the canary Service "reviews-canary" (it sends to nothing): add a destination with host "reviews-canary", or name in canaryService the Service it sends to [virtualservice-destinations]',
    },
  ],
  'bad-hosts-of-another-namespace.yaml': [
    {
      message: 'service',
      object: 'VirtualService edge/ratings',
      path: 'spec.http[0].route',
      at: '56:7',
      text: 'unnamed http route of VirtualService "ratings" has no destination for the canary Service "ratings-canary" (it sends to "ratings.shop.svc.cluster.local"): add a destination with host "ratings-canary.shop.svc.cluster.local", or name in canaryService the Service it sends to [virtualservice-destinations]',
    },
    {
      message: 'elsewhere',
      object: 'VirtualService edge/reviews',
      path: 'spec.http[0].route[0].destination.host',
      at: '27:26',
      text: 'host "reviews" in unnamed http route of VirtualService "reviews" means Service "reviews" of namespace "edge", not the one of the Rollout: write "reviews.shop.svc.cluster.local" [virtualservice-destinations]',
    },
    {
      message: 'incomplete',
      object: 'VirtualService edge/reviews',
      path: 'spec.http[0].route[1].destination.host',
      at: '29:26',
      text: 'host "reviews-canary.shop" in unnamed http route of VirtualService "reviews" is no Service to Istio, which completes only hosts without a dot: write "reviews-canary.shop.svc.cluster.local" [virtualservice-destinations]',
    },
  ],
  'bad-ping-pong.yaml': [
    {
      message: 'halfPair',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.stableService',
      at: '37:7',
      text: 'the Rollout names pingPong and stableService but not canaryService: with Istio, ping and pong count only where both are left out: remove stableService, or set canaryService too [virtualservice-destinations]',
    },
    {
      message: 'service',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].route',
      at: '26:7',
      text: 'unnamed http route of VirtualService "reviews" has no destination for the pong Service "reviews-pong" (it sends to "reviews-ping"): add a destination with host "reviews-pong", or name in pongService the Service it sends to [virtualservice-destinations]',
    },
  ],
  'bad-route-that-delegates.yaml': [
    {
      message: 'delegate',
      object: 'VirtualService edge/front',
      path: 'spec.http[0].delegate',
      at: '28:7',
      text: 'http route "reviews" of VirtualService "front" hands over to VirtualService "reviews.shop" and has no destinations of its own: name "reviews.shop" in the Rollout instead [virtualservice-destinations]',
    },
  ],
  'bad-subset-not-in-route.yaml': [
    {
      message: 'subset',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].route',
      at: '29:7',
      text: 'unnamed http route of VirtualService "reviews" has no destination in the canary subset "canary" (it has "stable"): add a destination with that subset, or name in canarySubsetName one that it has [virtualservice-destinations]',
    },
  ],
  'bad-unrelated-tcp-route.yaml': [
    {
      message: 'unrelated',
      object: 'VirtualService shop/reviews',
      path: 'spec.tcp[0].route',
      at: '38:7',
      text: 'the only tcp route of VirtualService "reviews" sends to "cache", yet the Rollouts controller drives it, because it drives every list in which the Rollout names no route: move the tcp route to a VirtualService of its own [virtualservice-destinations]',
    },
    {
      message: 'service',
      object: 'VirtualService shop/reviews',
      path: 'spec.tls[0].route',
      at: '35:7',
      text: 'tls route on port 443 for "reviews.example.com" of VirtualService "reviews" has no destination for the canary Service "reviews-canary" (it sends to "reviews"): add a destination with host "reviews-canary", or name in canaryService the Service it sends to [virtualservice-destinations]',
    },
  ],
  'good-hosts-in-every-form.yaml': [],
  'good-ping-pong.yaml': [],
  'good-subsets-of-one-host.yaml': [],
});
