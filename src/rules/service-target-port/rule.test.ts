import { testRule } from '../../../test/support/rule-tester.ts';
import { serviceTargetPort } from './rule.ts';

testRule(serviceTargetPort, import.meta.dirname, {
  'bad-name-nobody-declares.yaml': [
    {
      message: 'named',
      object: 'Service shop/assistant-stable',
      path: 'spec.ports[0].targetPort',
      at: '27:7',
      text: 'Service "assistant-stable" sends port 80 to targetPort "http", but no container of Rollout "assistant" declares a TCP port of that name (declared: 5001 without a name): declare the containerPort with name: http, or set targetPort to its number [service-target-port]',
    },
  ],
  'bad-name-of-another-protocol.yaml': [
    {
      message: 'named',
      object: 'Service shop/resolver',
      path: 'spec.ports[1].targetPort',
      at: '29:34',
      text: 'Service "resolver" sends port 53 to targetPort "dns", but no container of Rollout "resolver" declares a TCP port of that name (declared: 53/UDP named "dns"): declare the containerPort with name: dns, or set targetPort to its number [service-target-port]',
    },
  ],
  'bad-number-nobody-declares.yaml': [
    {
      message: 'number',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[0].targetPort',
      at: '40:31',
      text: 'Service "reviews-canary" sends port 80 to targetPort 8082, which no container of Rollout "reviews" declares (declared: 8081 named "web"): correct the number, or declare the containerPort if something listens there [service-target-port]',
    },
    {
      message: 'number',
      object: 'Service shop/reviews-canary',
      path: 'spec.ports[1].port',
      at: '41:24',
      text: 'Service "reviews-canary" sends port 9090 to targetPort 9090, which no container of Rollout "reviews" declares (declared: 8081 named "web"): correct the number, or declare the containerPort if something listens there [service-target-port]',
    },
  ],
  'good-nothing-declared.yaml': [],
  'good-ports-of-sidecars.yaml': [],
  'good-root-service-of-others.yaml': [],
});
