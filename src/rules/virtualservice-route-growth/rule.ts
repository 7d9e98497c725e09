import { routesOf } from '../../world/istio.ts';
import { managedRouteNames, virtualServiceEntries } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const virtualServiceRouteGrowth = defineRule({
  id: 'virtualservice-route-growth',
  summary:
    'A VirtualService driven by a Rollout with managedRoutes has at most one unnamed http route, and no two of one name.',
  explanation:
    'With managedRoutes in the Rollout, whether or not a step uses them, the controller puts the http routes in order whenever it writes the VirtualService. It finds them again by name, and an unnamed one by having no name: of two it makes four, ' +
    'then 16, 256 and 65536, which the API server refuses as too large; the update then stands still. The controller calls nothing invalid before that; it is refused here because the object is destroyed. Seen on the controller of ' +
    'Argo Rollouts v1.9.1 (docs/upstream-facts.md, claim B5); source: rollout/trafficrouting/istio (getOrderedVirtualServiceRoutes).',
  subject: ['Rollout.argoproj.io'],
  reads: ['VirtualService.networking.istio.io'],
  stricterThanUpstream: {
    unnamed: {
      why: 'The validation does not compare the routes. With managedRoutes, the controller multiplies such routes at every weight that it writes (docs/upstream-facts.md, B5).',
      seenBy: ['agreement', 'e2e'],
    },
    namesakes: {
      why: 'The validation does not compare the routes. With managedRoutes, the controller multiplies such routes at every weight that it writes (docs/upstream-facts.md, B5).',
      seenBy: ['agreement', 'e2e'],
    },
  },
  messages: {
    unnamed: {
      class: 'invalid',
      text: 'VirtualService "{name}" has {count} http routes without a name: with managedRoutes in Rollout "{rollout}" the Rollouts controller multiplies them at every weight',
      fix: 'give each of them a name of its own',
    },
    namesakes: {
      class: 'invalid',
      text: 'VirtualService "{name}" has {count} http routes named "{route}": with managedRoutes in Rollout "{rollout}" the Rollouts controller multiplies them at every weight',
      fix: 'give each of them a name of its own',
    },
  },
  check(context, rollout) {
    if (managedRouteNames(rollout).length === 0) return;
    for (const entry of virtualServiceEntries(rollout)) {
      // Without names in the Rollout several routes are ambiguous, which virtualservice-route-exists says.
      if (entry.name === '' || entry.routes.length === 0) continue;
      const virtualService = context.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
      if (virtualService === undefined) continue;
      for (const [route, same] of Map.groupBy(routesOf(virtualService, ['http']), ({ name }) => name)) {
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
