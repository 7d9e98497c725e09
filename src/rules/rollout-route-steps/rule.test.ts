import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutRouteSteps } from './rule.ts';

testRule(rolloutRouteSteps, import.meta.dirname, {
  'bad-match.yaml': [
    {
      message: 'albMatch',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.steps[0].setHeaderRoute.match[0].headerValue',
      at: '38:47',
      text: 'step 1 matches header "user-agent" by prefix, and AWS ALB compares exactly: give exact, and nothing else [rollout-route-steps]',
    },
    {
      message: 'match',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].setHeaderRoute.match[0].headerValue',
      at: '17:41',
      text: 'step 1 matches header "x-tester" by exact and prefix: give exactly one of exact, prefix and regex [rollout-route-steps]',
    },
    {
      message: 'match',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].setHeaderRoute.match[1].headerValue',
      at: '18:17',
      text: 'step 1 matches header "x-team" by nothing: give exactly one of exact, prefix and regex [rollout-route-steps]',
    },
    {
      message: 'match',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1].setMirrorRoute.match[0].path',
      at: '22:43',
      text: 'step 2 matches path by nothing: give exactly one of exact, prefix and regex [rollout-route-steps]',
    },
  ],
  'bad-router.yaml': [
    {
      message: 'headerRouter',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.steps[0].setHeaderRoute',
      at: '31:11',
      text: 'step 1 has setHeaderRoute, which only Istio, AWS ALB, APISIX and router plugins can do: remove the step, or configure one of them in trafficRouting [rollout-route-steps]',
    },
    {
      message: 'mirrorRouter',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.steps[1].setMirrorRoute',
      at: '32:11',
      text: 'step 2 has setMirrorRoute, which only Istio can do: remove the step, or configure Istio in trafficRouting [rollout-route-steps]',
    },
    {
      message: 'experimentWeight',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.steps[2].experiment.templates[0].weight',
      at: '34:57',
      text: 'step 3 gives the experiment template "trial" a weight, which only Istio, AWS ALB, SMI and router plugins can do: remove the weight, or configure one of them in trafficRouting [rollout-route-steps]',
    },
    {
      message: 'headerRouter',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].setHeaderRoute',
      at: '14:11',
      text: 'step 1 has setHeaderRoute, which only Istio, AWS ALB, APISIX and router plugins can do: remove the step, or configure one of them in trafficRouting [rollout-route-steps]',
    },
    {
      message: 'mirrorRouter',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1].setMirrorRoute',
      at: '17:11',
      text: 'step 2 has setMirrorRoute, which only Istio can do: remove the step, or configure Istio in trafficRouting [rollout-route-steps]',
    },
    {
      message: 'experimentWeight',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[2].experiment.templates[1].weight',
      at: '21:49',
      text: 'step 3 gives the experiment template "trial" a weight, which only Istio, AWS ALB, SMI and router plugins can do: remove the weight, or configure one of them in trafficRouting [rollout-route-steps]',
    },
  ],
  'bad-unmanaged.yaml': [
    {
      message: 'unmanaged',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.steps[0].setMirrorRoute.name',
      at: '30:29',
      text: 'step 1 names the route "shadow", which is not in trafficRouting.managedRoutes: list it there by that name [rollout-route-steps]',
    },
    {
      message: 'unmanaged',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].setHeaderRoute.name',
      at: '15:13',
      text: 'step 1 names the route "tester", which is not in trafficRouting.managedRoutes (they are "testers", "shadow"): list it there by that name [rollout-route-steps]',
    },
  ],
  'good-istio.yaml': [],
  'good-plugin-and-alb.yaml': [],
});
