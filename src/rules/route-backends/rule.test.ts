import { testRule } from '../../../test/support/rule-tester.ts';
import { routeBackends } from './rule.ts';

testRule(routeBackends, import.meta.dirname, {
  'bad-never-in-one-rule.yaml': [
    {
      message: 'apart',
      object: 'TLSRoute shop/reviews',
      path: 'spec.rules',
      at: '23:3',
      text: 'TLSRoute "reviews" sends to Services "reviews" and "reviews-canary" in different rules, so their weights shift nothing: put both into the backendRefs of one rule [route-backends]',
    },
  ],
  'bad-no-canary-backend.yaml': [
    {
      message: 'lacking',
      object: 'HTTPRoute shop/reviews',
      path: 'spec.rules',
      at: '25:3',
      text: 'HTTPRoute "reviews" does not send to canary Service "reviews-canary": add it to the backendRefs of the rule that sends to the other one [route-backends]',
    },
    {
      message: 'lacking',
      object: 'TCPRoute shop/reviews-tcp',
      path: 'spec.rules',
      at: '33:3',
      text: 'TCPRoute "reviews-tcp" does not send to stable Service "reviews": add it to the backendRefs of the rule that sends to the other one [route-backends]',
    },
    {
      message: 'lacking',
      object: 'TCPRoute shop/reviews-tcp',
      path: 'spec.rules',
      at: '33:3',
      text: 'TCPRoute "reviews-tcp" does not send to canary Service "reviews-canary": add it to the backendRefs of the rule that sends to the other one [route-backends]',
    },
  ],
  'bad-taken-for-header-rules.yaml': [
    {
      message: 'passedOver',
      object: 'GRPCRoute shop/reviews-grpc',
      path: 'spec.rules',
      at: '35:3',
      text: 'GRPCRoute "reviews-grpc" sends to stable Service "reviews" only in a rule that the plugin takes for a header rule of its own: put both Services into one rule that is not named after a managed route [route-backends]',
    },
    {
      message: 'passedOver',
      object: 'GRPCRoute shop/reviews-grpc',
      path: 'spec.rules',
      at: '35:3',
      text: 'GRPCRoute "reviews-grpc" sends to canary Service "reviews-canary" only in a rule that the plugin takes for a header rule of its own: put both Services into one rule that is not named after a managed route [route-backends]',
    },
    {
      message: 'passedOver',
      object: 'HTTPRoute shop/reviews',
      path: 'spec.rules',
      at: '26:3',
      text: 'HTTPRoute "reviews" sends to canary Service "reviews-canary" only in a rule that the plugin takes for a header rule of its own: put both Services into one rule that is not named after a managed route [route-backends]',
    },
  ],
  'good-no-canary-service.yaml': [],
  'good-services-of-another-namespace.yaml': [],
});
