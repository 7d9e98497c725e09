import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutTrafficRouting } from './rule.ts';

testRule(rolloutTrafficRouting, import.meta.dirname, {
  'bad-both-forms.yaml': [
    {
      message: 'both',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio',
      at: '10:9',
      text: 'trafficRouting.istio has both virtualService and virtualServices: keep virtualService for one VirtualService, or virtualServices for several [rollout-traffic-routing]',
    },
    {
      message: 'both',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.nginx',
      at: '13:9',
      text: 'trafficRouting.nginx has both stableIngress and stableIngresses: keep stableIngress for one Ingress, or stableIngresses for several [rollout-traffic-routing]',
    },
  ],
  'bad-no-form.yaml': [
    {
      message: 'neither',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.nginx',
      at: '24:9',
      text: 'trafficRouting.nginx has neither stableIngress nor stableIngresses: name the Ingress in stableIngress, or several in stableIngresses [rollout-traffic-routing]',
    },
    {
      message: 'neither',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.alb',
      at: '12:9',
      text: 'trafficRouting.alb has neither ingress nor ingresses: name the Ingress in ingress, or several in ingresses [rollout-traffic-routing]',
    },
    {
      message: 'neither',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio',
      at: '10:9',
      text: 'trafficRouting.istio has neither virtualService nor virtualServices: name the VirtualService in virtualService, or several in virtualServices [rollout-traffic-routing]',
    },
  ],
  'bad-nothing-named.yaml': [
    {
      message: 'unnamed',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualService.name',
      at: '27:11',
      text: 'Istio is given nothing to drive, trafficRouting.istio.virtualService.name is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.ambassador.mappings',
      at: '12:23',
      text: 'Ambassador is given nothing to drive, trafficRouting.ambassador.mappings is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.apisix.route.name',
      at: '15:9',
      text: 'APISIX is given nothing to drive, trafficRouting.apisix.route.name is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.appMesh.virtualService.name',
      at: '13:9',
      text: 'AWS App Mesh is given nothing to drive, trafficRouting.appMesh.virtualService.name is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.virtualServices[1].name',
      at: '11:48',
      text: 'Istio is given nothing to drive, trafficRouting.istio.virtualServices[1].name is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.traefik.weightedTraefikServiceName',
      at: '14:9',
      text: 'Traefik is given nothing to drive, trafficRouting.traefik.weightedTraefikServiceName is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
  ],
  'bad-options.yaml': [
    {
      message: 'delayAndDynamic',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.dynamicStableScale',
      at: '10:7',
      text: 'dynamicStableScale and scaleDownDelaySeconds exclude each other: keep one of them [rollout-traffic-routing]',
    },
    {
      message: 'maxWeight',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.maxTrafficWeight',
      at: '12:9',
      text: 'maxTrafficWeight works only with NGINX and router plugins: remove it and give weights out of 100 [rollout-traffic-routing]',
    },
  ],
  'bad-without-router.yaml': [
    {
      message: 'idle',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting',
      at: '19:7',
      text: 'trafficRouting has no router in it, so the steps pass and no weight is ever set: say which router drives what, or remove it; without trafficRouting weights are kept by the number of pods [rollout-traffic-routing]',
    },
    {
      message: 'needsRouter',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.dynamicStableScale',
      at: '8:7',
      text: 'spec.strategy.canary.dynamicStableScale works only with trafficRouting, and there is none: remove it, or add trafficRouting [rollout-traffic-routing]',
    },
    {
      message: 'needsRouter',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.scaleDownDelaySeconds',
      at: '7:7',
      text: 'spec.strategy.canary.scaleDownDelaySeconds works only with trafficRouting, and there is none: remove it, or add trafficRouting [rollout-traffic-routing]',
    },
  ],
  'good-empty-list-beside.yaml': [],
  'good-no-router-no-options.yaml': [],
  'good-one-form-each.yaml': [],
  'good-plugin-only.yaml': [],
  'bad-empty-names.yaml': [
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.alb.ingresses[1]',
      at: '13:54',
      text: 'AWS ALB is given nothing to drive, trafficRouting.alb.ingresses[1] is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.ambassador.mappings[1]',
      at: '11:43',
      text: 'Ambassador is given nothing to drive, trafficRouting.ambassador.mappings[1] is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.nginx.stableIngresses[0]',
      at: '12:36',
      text: 'NGINX is given nothing to drive, trafficRouting.nginx.stableIngresses[0] is not set: name there what carries the traffic [rollout-traffic-routing]',
    },
  ],
});
