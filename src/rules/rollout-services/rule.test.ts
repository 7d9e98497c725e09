import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutServices } from './rule.ts';

testRule(rolloutServices, import.meta.dirname, {
  'bad-no-active.yaml': [
    {
      message: 'active',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.blueGreen.activeService',
      at: '14:5',
      text: 'spec.strategy.blueGreen has no activeService: name the Service that users reach in activeService [rollout-services]',
    },
    {
      message: 'active',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.blueGreen.activeService',
      at: '6:5',
      text: 'spec.strategy.blueGreen has no activeService: name the Service that users reach in activeService [rollout-services]',
    },
  ],
  'bad-ping-pong.yaml': [
    {
      message: 'pingPongRouter',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.pingPong',
      at: '19:7',
      text: 'pingPong works with AWS ALB and Istio only, and trafficRouting has neither: remove pingPong and use stableService and canaryService [rollout-services]',
    },
    {
      message: 'pingPong',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.pingPong.pongService',
      at: '7:7',
      text: 'pingPong needs two Services, and pongService is not set: name a Service of its own in spec.strategy.canary.pingPong.pongService [rollout-services]',
    },
    {
      message: 'pingPongRoot',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.alb.rootService',
      at: '9:9',
      text: 'pingPong with AWS ALB needs a root Service, and trafficRouting.alb.rootService is not set: name in rootService the Service that the Ingress sends to [rollout-services]',
    },
  ],
  'bad-router-needs-both.yaml': [
    {
      message: 'needed',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.canaryService',
      at: '17:5',
      text: 'NGINX needs stableService and canaryService, and canaryService is not set: name a Service of its own in spec.strategy.canary.canaryService [rollout-services]',
    },
    {
      message: 'needed',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.stableService',
      at: '17:5',
      text: 'NGINX needs stableService and canaryService, and stableService is not set: name a Service of its own in spec.strategy.canary.stableService [rollout-services]',
    },
    {
      message: 'needed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.stableService',
      at: '6:5',
      text: 'Istio without a destinationRule needs stableService and canaryService, and stableService is not set: name a Service of its own in spec.strategy.canary.stableService [rollout-services]',
    },
    {
      message: 'needed',
      object: 'Rollout shop/stock',
      path: 'spec.strategy.canary.canaryService',
      at: '26:5',
      text: 'AWS ALB needs stableService and canaryService, and canaryService is not set: name a Service of its own in spec.strategy.canary.canaryService [rollout-services]',
    },
  ],
  'bad-same.yaml': [
    {
      message: 'same',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.blueGreen.previewService',
      at: '17:7',
      text: 'activeService and previewService are both Service "ratings": name a Service of its own in previewService [rollout-services]',
    },
    {
      message: 'same',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryService',
      at: '8:7',
      text: 'stableService and canaryService are both Service "reviews": name a Service of its own in canaryService [rollout-services]',
    },
    {
      message: 'same',
      object: 'Rollout shop/stock',
      path: 'spec.strategy.canary.pingPong.pongService',
      at: '25:39',
      text: 'pingService and pongService are both Service "stock": name a Service of its own in pongService [rollout-services]',
    },
  ],
  'good-ping-pong.yaml': [],
  'good-subsets.yaml': [],
  'good-without-a-router.yaml': [],
});
