import { GATEWAY_PLUGIN, GATEWAY_ROUTE_PLACES } from '../../world/gateway.ts';
import { optionalString, asObject } from '../../world/read.ts';
import { canaryOf, trafficRoutingOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const pluginServices = defineRule({
  id: 'plugin-services',
  summary: 'A Rollout that routes through the Gateway API plugin names a stable and a canary Service.',
  explanation:
    'The plugin finds the backends for the weights only by the names in stableService and canaryService; pingPong ' +
    'does not replace them. The controller requires these fields for its own routers, but not for plugins. Without ' +
    'them the Rollout is accepted, and every attempt to set a weight fails. The needs of other plugins are unknown. ' +
    'Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (requireCanaryStableServices); Gateway API plugin ' +
    'v0.15.0, pkg/plugin.',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.stableService',
      'spec.strategy.canary.canaryService',
      ...GATEWAY_ROUTE_PLACES,
    ],
  },
  reads: {},
  stricterThanUpstream: {
    unnamed: {
      why: 'The validation knows which of its own routers need both Services, and does not check plugins. The Gateway API plugin v0.15.0 finds the backends by these two names only, and rejects every weight without them.',
      seenBy: ['agreement', 'e2e'],
    },
  },
  messages: {
    unnamed: {
      class: 'invalid',
      text: '{field} is not set, but the Gateway API plugin needs it',
      fix: 'set spec.strategy.canary.{field} to the Service that the route sends {role} traffic to',
    },
  },
  check(context, rollout) {
    const canary = canaryOf(rollout);
    if (canary === undefined || !Object.hasOwn(asObject(trafficRoutingOf(rollout)?.['plugins']), GATEWAY_PLUGIN))
      return;
    for (const role of ['stable', 'canary']) {
      const field = `${role}Service`;
      if (optionalString(canary[field]) !== undefined) continue;
      context.report('unnamed', {
        path: ['spec', 'strategy', 'canary', field],
        anchor: field,
        data: { field, role },
      });
    }
  },
});
