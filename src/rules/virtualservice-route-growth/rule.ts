import { countRoutes, DRIVEN_ROUTE_PLACES, routeNames, SELECTION_PLACES, type Route } from '../../world/istio.ts';
import { memo } from '../../world/memo.ts';
import type { KubeObject } from '../../world/object.ts';
import { managedRouteNames, virtualServiceEntries } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const virtualServiceRouteGrowth = defineRule({
  id: 'virtualservice-route-growth',
  summary:
    'A VirtualService of a Rollout with managedRoutes has at most one unnamed http route, and no two with the same name.',
  explanation:
    'If the Rollout has managedRoutes, the controller sorts the http routes whenever it writes the ' +
    'VirtualService, even if no step uses them. It finds routes by name, and treats all unnamed routes as one ' +
    'name. Two such routes become four, then 16, 256 and 65536. The API server rejects this as too large, and the ' +
    'update stops. The controller reports nothing before that. Rollgate rejects it because the object is ' +
    'destroyed. Seen on the controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, claim B5); source: ' +
    'rollout/trafficrouting/istio (getOrderedVirtualServiceRoutes).',
  subject: { 'Rollout.argoproj.io': DRIVEN_ROUTE_PLACES },
  reads: { 'VirtualService.networking.istio.io': SELECTION_PLACES },
  stricterThanUpstream: {
    unnamed: {
      why: 'The validation does not compare the routes. With managedRoutes, the controller duplicates such routes each time it writes a weight (docs/upstream-facts.md, B5).',
      seenBy: ['agreement', 'e2e'],
    },
    namesakes: {
      why: 'The validation does not compare the routes. With managedRoutes, the controller duplicates such routes each time it writes a weight (docs/upstream-facts.md, B5).',
      seenBy: ['agreement', 'e2e'],
    },
  },
  messages: {
    unnamed: {
      class: 'invalid',
      text: 'VirtualService "{name}" has {count} http routes without a name, which the Rollouts controller duplicates each time it sets a weight, because Rollout "{rollout}" has managedRoutes',
      fix: 'give each of them its own name',
    },
    namesakes: {
      class: 'invalid',
      text: 'VirtualService "{name}" has {count} http routes named "{route}", which the Rollouts controller duplicates each time it sets a weight, because Rollout "{rollout}" has managedRoutes',
      fix: 'give each of them its own name',
    },
  },
  check(context, rollout) {
    if (managedRouteNames(rollout).length === 0) return;
    for (const entry of virtualServiceEntries(rollout, context)) {
      // If the Rollout names no routes, several are ambiguous, which virtualservice-route-exists reports.
      if (entry.name === '' || entry.routes.length === 0) continue;
      const virtualService = context.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
      if (virtualService === undefined) continue;
      countRoutes(virtualService, context);
      for (const [route, same] of repeatedRoutes(virtualService)) {
        const second = same[1];
        if (second === undefined) continue;
        const data = { name: virtualService.metadata.name, count: same.length, route, rollout: rollout.metadata.name };
        const place = {
          object: virtualService,
          path: second.path,
          anchor: route,
          data,
          related: [{ object: rollout, path: entry.path }],
        };
        if (route === '') context.report('unnamed', place);
        else context.report('namesakes', place);
      }
    }
  },
});

const repeatedRoutes = memo((virtualService: KubeObject): readonly (readonly [string, readonly Route[]])[] =>
  [...routeNames(virtualService)].filter(([, same]) => same.length > 1),
);
