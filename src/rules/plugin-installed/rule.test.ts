import { testRule } from '../../../test/support/rule-tester.ts';
import { pluginInstalled } from './rule.ts';

testRule(pluginInstalled, import.meta.dirname, {
  'bad-no-router-plugins.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gatewayAPI"]',
      at: '17:11',
      text: 'the router plugin "argoproj-labs/gatewayAPI" is not installed in the controller (it has none): add it to trafficRouterPlugins in ConfigMap "argo-rollouts-config" and restart the controller [plugin-installed]',
    },
  ],
  'bad-other-name.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.plugins["argoproj-labs/gateway-api"]',
      at: '17:11',
      text: 'the router plugin "argoproj-labs/gateway-api" is not installed in the controller (it has "argoproj-labs/gatewayAPI"): add it to trafficRouterPlugins in ConfigMap "argo-rollouts-config" and restart the controller, or name "argoproj-labs/gatewayAPI" if that is meant [plugin-installed]',
    },
  ],
  'good-controller-not-known.yaml': [{ skipped: 'the ConfigMap argo-rollouts-config of the controller is not known' }],
  'good-one-of-two-controllers.yaml': [],
  'good-unreadable-list.yaml': [
    { skipped: 'ConfigMap argo-rollouts/argo-rollouts-config: trafficRouterPlugins is no list in YAML' },
  ],
});
