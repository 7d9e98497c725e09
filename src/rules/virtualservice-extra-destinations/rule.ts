import { shortHost } from '../../world/istio-hosts.ts';
import {
  countedDestinations,
  DRIVEN_ROUTE_PLACES,
  drivenRoutes,
  ROUTE_PLACES,
  routeTitle,
  type Destination,
} from '../../world/istio.ts';
import type { KubeObject } from '../../world/object.ts';
import { asArray, dig, asString } from '../../world/read.ts';
import {
  DESTINATION_RULE_PLACES,
  destinationRuleOf,
  STABLE_AND_CANARY_PLACES,
  stableAndCanaryServices,
} from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const virtualServiceExtraDestinations = defineRule({
  id: 'virtualservice-extra-destinations',
  summary: 'A VirtualService route that a Rollout controls sends traffic only to the stable and the canary pods.',
  explanation:
    'In a route that it controls, the controller removes every destination with a weight that is not stable, ' +
    'canary or in additionalSubsetNames. It does more damage if such a destination comes before the others, ' +
    'because it counts destinations as they were before the removal. The canary then gets the weight of the ' +
    'stable pods for a moment, and a second canary destination stays in the route permanently. The controller ' +
    'accepts all this. Rollgate rejects it because the destination is lost and traffic goes to the wrong pods. A ' +
    'destination with weight 0 is left alone. Seen on the controller of Argo Rollouts v1.9.1 ' +
    '(docs/upstream-facts.md, claim B3); source: rollout/trafficrouting/istio (processRoutes, ' +
    'patchVirtualService).',
  subject: {
    'Rollout.argoproj.io': [
      ...STABLE_AND_CANARY_PLACES,
      'status.canary.weights.additional',
      ...DESTINATION_RULE_PLACES,
      ...DRIVEN_ROUTE_PLACES,
    ],
  },
  reads: { 'VirtualService.networking.istio.io': ROUTE_PLACES },
  stricterThanUpstream: {
    removed: {
      why: 'The validation accepts other destinations in the route. The controller removes them when their weight is not zero (docs/upstream-facts.md, B3).',
      seenBy: ['agreement', 'e2e'],
    },
  },
  messages: {
    removed: {
      class: 'invalid',
      text: '{route} of VirtualService "{name}" gives weight {weight} to {destination}, which is neither stable nor canary, so the Rollouts controller removes it',
      fix: 'move it to a route that the Rollout does not control, or remove it',
    },
  },
  check(context, rollout) {
    const known = knownDestinations(rollout);
    for (const { virtualService, route, entry } of drivenRoutes(rollout, context)) {
      const destinations = countedDestinations(route, context);
      const ours = destinations.filter(known);
      // If one of the two is missing, this one may be a misspelling of it. virtualservice-destinations reports that.
      if (ours.length < 2) continue;
      for (const destination of destinations) {
        const { host, subset, weight = 0, path } = destination;
        if (weight === 0 || shortHost(host) === '' || known(destination)) continue;
        const named = subset === '' ? `"${host}"` : `subset "${subset}" of "${host}"`;
        context.report('removed', {
          object: virtualService,
          path: [...path, 'weight'],
          anchor: `${routeTitle(route)} ${host} ${subset}`,
          data: { route: routeTitle(route), name: virtualService.metadata.name, weight, destination: named },
          related: [{ object: rollout, path: entry.path }],
        });
      }
    }
  },
});

/**
 * Returns a predicate for the destinations that the controller keeps: stable, canary, additional subsets, and those of a
 * running experiment.
 */
function knownDestinations(rollout: KubeObject): (destination: Destination) => boolean {
  const { stable, canary } = stableAndCanaryServices(rollout, false);
  const rule = destinationRuleOf(rollout);
  const experiments = asArray(dig(rollout, 'status', 'canary', 'weights', 'additional')).map((each) =>
    asString(dig(each, 'serviceName')),
  );
  const hosts = new Set([stable, canary, ...experiments]);
  const subsets = new Set(rule === undefined ? [] : [rule.stableSubset, rule.canarySubset, ...rule.additionalSubsets]);
  return ({ host, subset }) => hosts.has(shortHost(host)) || (subset !== '' && subsets.has(subset));
}
