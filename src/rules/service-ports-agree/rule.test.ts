import { testRule } from '../../../test/support/rule-tester.ts';
import { servicePortsAgree } from './rule.ts';

testRule(servicePortsAgree, import.meta.dirname, {
  'bad-active-and-preview.yaml': [
    {
      message: 'differ',
      object: 'Service shop/reviews-preview',
      path: 'spec.ports[0].port',
      at: '30:9',
      text: 'preview Service "reviews-preview" exposes port 8080 where active Service "reviews" exposes 80: use one number for both, so that whatever sends to the one can send to the other [service-ports-agree]',
    },
  ],
  'bad-differences-that-work.yaml': [
    {
      message: 'extra',
      object: 'Service shop/reviews',
      path: 'spec.ports[2]',
      at: '48:7',
      text: 'stable Service "reviews" exposes port 9090, which canary Service "reviews-canary" does not: add it there too if anything uses it [service-ports-agree]',
    },
    {
      message: 'differ',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[0].port',
      at: '56:21',
      text: 'canary Service "reviews-canary" exposes port 9001 where stable Service "reviews" exposes 9000: use one number for both, so that whatever sends to the one can send to the other [service-ports-agree]',
    },
    {
      message: 'unequal',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[1]',
      at: '57:7',
      text: 'port 80 of canary Service "reviews-canary" has appProtocol "h2c", that of stable Service "reviews" has none: make them the same, unless the difference is meant [service-ports-agree]',
    },
    {
      message: 'unequal',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[1]',
      at: '57:7',
      text: 'port 80 of canary Service "reviews-canary" has name "web", that of stable Service "reviews" has "http": make them the same, unless the difference is meant [service-ports-agree]',
    },
    {
      message: 'unequal',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[1]',
      at: '57:7',
      text: 'port 80 of canary Service "reviews-canary" has targetPort 8081, that of stable Service "reviews" has 8080: make them the same, unless the difference is meant [service-ports-agree]',
    },
  ],
  'bad-ingress-port-not-on-canary.yaml': [
    {
      message: 'routed',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports',
      at: '41:3',
      text: 'canary Service "reviews-canary" does not expose port 8080 (it has 80), which Ingress "reviews" sends to and stable Service "reviews" exposes: expose the same port on both, or send to a port that each of them has [service-ports-agree]',
    },
  ],
  'bad-only-ports-differ.yaml': [
    {
      message: 'differ',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[0].port',
      at: '43:21',
      text: 'canary Service "reviews-canary" exposes port 8080 where stable Service "reviews" exposes 80: use one number for both, so that whatever sends to the one can send to the other [service-ports-agree]',
    },
  ],
  'bad-other-numbers-without-router.yaml': [
    {
      message: 'unlike',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports',
      at: '30:3',
      text: 'canary Service "reviews-canary" does not expose port 9000 (it has 8080, 53/UDP), unlike stable Service "reviews": expose the same port numbers on both [service-ports-agree]',
    },
    {
      message: 'unlike',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[0].port',
      at: '31:20',
      text: 'canary Service "reviews-canary" does not expose port 80 (it has 8080, 53/UDP), unlike stable Service "reviews": expose the same port numbers on both [service-ports-agree]',
    },
    {
      message: 'extra',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[1]',
      at: '32:7',
      text: 'canary Service "reviews-canary" exposes port 53/UDP, which stable Service "reviews" does not: add it there too if anything uses it [service-ports-agree]',
    },
  ],
  'bad-ping-and-pong.yaml': [
    {
      message: 'routed',
      object: 'Service shop/reviews-pong',
      path: 'spec.ports[0].port',
      at: '31:9',
      text: 'pong Service "reviews-pong" does not expose port 80 (it has 8080), which Rollout "reviews" sends to and ping Service "reviews-ping" exposes: expose the same port on both, or send to a port that each of them has [service-ports-agree]',
    },
  ],
  'bad-port-left-to-the-request.yaml': [
    {
      message: 'unlike',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[0].port',
      at: '44:21',
      text: 'canary Service "reviews-canary" does not expose port 80 (it has 8080, 9090), unlike stable Service "reviews": expose the same port numbers on both [service-ports-agree]',
    },
  ],
  'bad-routed-port-on-one-side.yaml': [
    {
      message: 'routed',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[0].port',
      at: '39:21',
      text: 'canary Service "reviews-canary" does not expose port 5001 (it has 80), which HTTPRoute "reviews" sends to and stable Service "reviews" exposes: expose the same port on both, or send to a port that each of them has [service-ports-agree]',
    },
  ],
  'bad-routed-port-only-on-canary.yaml': [
    {
      message: 'routed',
      object: 'Service shop/reviews',
      path: 'spec.ports[0].port',
      at: '35:21',
      text: 'stable Service "reviews" does not expose port 8080 (it has 80, 9090), which VirtualService "reviews" sends to and canary Service "reviews-canary" exposes: expose the same port on both, or send to a port that each of them has [service-ports-agree]',
    },
  ],
  'good-external-name.yaml': [],
  'good-same-ports-in-another-order.yaml': [],
});
