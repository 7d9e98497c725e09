import { shortHost } from '../../world/istio-hosts.ts';
import { countedDestinations, DRIVEN_ROUTE_PLACES, drivenRoutes, ROUTE_PLACES, routeTitle } from '../../world/istio.ts';
import { canaryOf, DESTINATION_RULE_PLACES, destinationRuleOf } from '../../world/rollout.ts';
import { asString } from '../../world/read.ts';
import { defineRule } from '../define.ts';

export const subsetCanaryService = defineRule({
  id: 'subset-canary-service',
  summary:
    'A Rollout that shifts traffic between subsets does not use the host of those subsets as its canary Service.',
  explanation:
    'In a route that it controls, the controller recognizes the canary by its host (the canary Service) or by its ' +
    'subset (the canary subset). If both subsets have the same host and canaryService names it, the controller ' +
    'takes the stable destination for the canary too. Both destinations then get the weight of the canary, and ' +
    'Istio splits the traffic in half. The controller accepts this. Rollgate rejects it because half of the ' +
    'traffic goes to the canary from the first step on. Seen on the controller of Argo Rollouts v1.9.1 ' +
    '(docs/upstream-facts.md, claim B14); source: rollout/trafficrouting/istio (processRoutes).',
  subject: {
    'Rollout.argoproj.io': ['spec.strategy.canary.canaryService', ...DESTINATION_RULE_PLACES, ...DRIVEN_ROUTE_PLACES],
  },
  reads: { 'VirtualService.networking.istio.io': ROUTE_PLACES },
  stricterThanUpstream: {
    host: {
      why: 'The validation does not compare the Services with the subsets. The controller gives the weight of the canary to both destinations (docs/upstream-facts.md, B14).',
      seenBy: ['agreement', 'e2e'],
    },
  },
  messages: {
    host: {
      class: 'invalid',
      text: 'canaryService "{service}" is the host of subset "{subset}" in the {route} of VirtualService "{name}", so that subset gets the weight of the canary',
      fix: 'remove canaryService, because subsets do not need a Service of their own',
    },
  },
  check(context, rollout) {
    const service = asString(canaryOf(rollout)?.['canaryService']);
    const rule = destinationRuleOf(rollout);
    if (rule === undefined || service === '') return;
    for (const { virtualService, route } of drivenRoutes(rollout, context)) {
      const taken = countedDestinations(route, context).find(
        ({ host, subset }) =>
          shortHost(host) === service && subset !== '' && subset === rule.stableSubset && subset !== rule.canarySubset,
      );
      if (taken === undefined) continue;
      context.report('host', {
        path: ['spec', 'strategy', 'canary', 'canaryService'],
        anchor: `${virtualService.metadata.name} ${routeTitle(route)}`,
        data: { service, subset: taken.subset, route: routeTitle(route), name: virtualService.metadata.name },
        related: [{ object: virtualService, path: [...taken.path, 'destination', 'host'] }],
      });
    }
  },
});
