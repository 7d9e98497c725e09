import { testRule } from '../../../test/support/rule-tester.ts';
import { routeCanaryOnlyRule } from './rule.ts';

testRule(routeCanaryOnlyRule, import.meta.dirname, {
  'bad-preview-path.yaml': [
    {
      message: 'deleted',
      object: 'HTTPRoute shop/reviews',
      path: 'spec.rules[0]',
      at: '29:7',
      text: 'HTTPRoute "reviews" has a rule that sends to canary Service "reviews-canary" alone, so the Gateway API plugin takes it for a header rule of its own and deletes it: move the rule to another HTTPRoute, which the Rollout does not name, or name this one in httpRoutes without useHeaderRoutes [route-canary-only-rule]',
    },
  ],
  'bad-rules-beside-header-steps.yaml': [
    {
      message: 'deleted',
      object: 'GRPCRoute shop/reviews-grpc',
      path: 'spec.rules[0]',
      at: '34:7',
      text: 'GRPCRoute "reviews-grpc" has a rule that sends to canary Service "reviews-canary" alone, so the Gateway API plugin takes it for a header rule of its own and deletes it: move the rule to another GRPCRoute, which the Rollout does not name [route-canary-only-rule]',
    },
    {
      message: 'onHeaders',
      object: 'HTTPRoute shop/reviews',
      path: 'spec.rules[0]',
      at: '45:7',
      text: 'HTTPRoute "reviews" has a rule that sends to canary Service "reviews-canary" alone; the Gateway API plugin takes it for a header rule of its own and deletes it: if it was written by hand, use a setHeaderRoute step instead, or move it to another HTTPRoute, which the Rollout does not name [route-canary-only-rule]',
    },
  ],
  'good-no-header-rules.yaml': [],
  'good-rules-that-the-plugin-wrote.yaml': [],
});
