import { testRule } from '../../../test/support/rule-tester.ts';
import { routePortExists } from './rule.ts';

testRule(routePortExists, import.meta.dirname, {
  'bad-alb-service-port.yaml': [
    {
      message: 'absent',
      object: 'Ingress shop/reviews',
      path: 'spec.rules[0].http.paths[1].backend.service.port.number',
      at: '26:98',
      text: 'Ingress "reviews" sends to port 8080 of Service "reviews-root", which has no such port (it has 80): name a port that it has, or add that port to the Service [route-port-exists]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.alb.servicePort',
      at: '16:61',
      text: 'Rollout "reviews" sends to port 443 of Service "reviews", which has no such port (it has 80): name a port that it has, or add that port to the Service [route-port-exists]',
    },
  ],
  'bad-http-route-port.yaml': [
    {
      message: 'absent',
      object: 'HTTPRoute shop/reviews',
      path: 'spec.rules[0].backendRefs[1].port',
      at: '30:11',
      text: 'HTTPRoute "reviews" sends to port 5001 of Service "reviews-canary", which has no such port (it has 80): name a port that it has, or add that port to the Service [route-port-exists]',
    },
  ],
  'bad-nginx-ingress-port.yaml': [
    {
      message: 'absentForCanary',
      object: 'Ingress shop/reviews',
      path: 'spec.rules[0].http.paths[0].backend.service.port.name',
      at: '28:58',
      text: 'the controller copies Ingress "reviews" for the canary Service "reviews-canary", which has no port "http" (it has 80 named "web"): give the canary Service the port of the stable one [route-port-exists]',
    },
    {
      message: 'absent',
      object: 'Ingress shop/reviews',
      path: 'spec.rules[0].http.paths[1].backend.service.port.number',
      at: '31:58',
      text: 'Ingress "reviews" sends to port 8080 of Service "reviews", which has no such port (it has 80): name a port that it has, or add that port to the Service [route-port-exists]',
    },
  ],
  'bad-other-gateway-routes.yaml': [
    {
      message: 'unnamed',
      object: 'GRPCRoute shop/reviews-grpc',
      path: 'spec.rules[0].backendRefs[1].name',
      at: '26:60',
      text: 'GRPCRoute "reviews-grpc" names no port of Service "reviews-canary" (it has 9000): name the port in the route [route-port-exists]',
    },
    {
      message: 'absent',
      object: 'TCPRoute shop/reviews-tcp',
      path: 'spec.rules[0].backendRefs[1].port',
      at: '32:82',
      text: 'TCPRoute "reviews-tcp" sends to port 9001 of Service "reviews-canary", which has no such port (it has 9000): name a port that it has, or add that port to the Service [route-port-exists]',
    },
    {
      message: 'absent',
      object: 'TLSRoute shop/reviews-tls',
      path: 'spec.rules[0].backendRefs[0].port',
      at: '38:44',
      text: 'TLSRoute "reviews-tls" sends to port 443 of Service "reviews", which has no such port (it has 9000): name a port that it has, or add that port to the Service [route-port-exists]',
    },
  ],
  'bad-several-ports-in-mesh.yaml': [
    {
      message: 'unnamedInMesh',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].route[0].destination.host',
      at: '26:26',
      text: 'VirtualService "reviews" names no port of Service "reviews", which has several (80, 9090), so each request goes to the port number it was sent to: name the port if only one of them is meant [route-port-exists]',
    },
  ],
  'bad-virtual-service-port.yaml': [
    {
      message: 'unnamed',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].route[0].destination.host',
      at: '28:26',
      text: 'VirtualService "reviews" names no port of Service "reviews" (it has 8080, 9090): name the port in the route [route-port-exists]',
    },
    {
      message: 'absent',
      object: 'VirtualService shop/reviews',
      path: 'spec.http[0].route[2].destination.port.number',
      at: '32:56',
      text: 'VirtualService "reviews" sends to port 8080 of Service "reviews-shadow", which has no such port (it has 80): name a port that it has, or add that port to the Service [route-port-exists]',
    },
  ],
  'good-each-its-own-port.yaml': [],
  'good-port-is-clear.yaml': [],
});
