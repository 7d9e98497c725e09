import { testRule } from '../../../test/support/rule-tester.ts';
import { pluginServices } from './rule.ts';

testRule(pluginServices, import.meta.dirname, {
  'bad-no-canary-service.yaml': [
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryService',
      at: '12:5',
      text: 'the Gateway API plugin needs canaryService, and Rollout "reviews" does not name one: set spec.strategy.canary.canaryService to the Service that the route sends canary traffic to [plugin-services]',
    },
  ],
  'bad-ping-pong.yaml': [
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.canaryService',
      at: '12:5',
      text: 'the Gateway API plugin needs canaryService, and Rollout "reviews" does not name one: set spec.strategy.canary.canaryService to the Service that the route sends canary traffic to [plugin-services]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.stableService',
      at: '13:7',
      text: 'the Gateway API plugin needs stableService, and Rollout "reviews" does not name one: set spec.strategy.canary.stableService to the Service that the route sends stable traffic to [plugin-services]',
    },
  ],
  'good-both-services.yaml': [],
  'good-other-plugin.yaml': [],
});
