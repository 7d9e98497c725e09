import { routesOf, shortHost, type Route } from '../../world/istio.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, isObject } from '../../world/read.ts';
import {
  canaryOf,
  destinationRuleOf,
  managedRouteNames,
  stableAndCanaryServices,
  virtualServiceEntries,
} from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const MANAGED: Path = ['spec', 'strategy', 'canary', 'trafficRouting', 'managedRoutes'];

export const managedRouteClash = defineRule({
  id: 'managed-route-clash',
  summary: 'The names in managedRoutes are those of routes that the controller makes, not of routes that people write.',
  explanation:
    'What managedRoutes names belongs to the controller: it removes every http route of that name when a Rollout is created, promoted, aborted or has no canary pods, one written by hand as well, and the traffic that it matched goes elsewhere. ' +
    'With a name that stands in the routes of the VirtualService entry too, it removes the route that it drives, and the Rollout is InvalidSpec from then on. The first is refused here though the controller calls it valid, because the route ' +
    'is lost. A route as the controller itself makes it (one destination, the canary, and nothing but header matches; or a mirror) is taken for one of its own. Seen on the controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, ' +
    'claim B6); source: rollout/trafficrouting/istio (RemoveManagedRoutes).',
  subject: ['Rollout.argoproj.io'],
  reads: ['VirtualService.networking.istio.io'],
  stricterThanUpstream: {
    driven: {
      why: 'The validation reads the manifest, not what the controller makes of it. The controller removes the route, and marks the Rollout InvalidSpec from then on (docs/upstream-facts.md, B6).',
      seenBy: ['agreement'],
    },
    written: {
      why: 'The validation reads the manifest, not what the controller makes of it. The controller removes every route that managedRoutes names (docs/upstream-facts.md, B6).',
      seenBy: ['agreement', 'e2e'],
    },
  },
  messages: {
    driven: {
      class: 'invalid',
      text: 'the route "{route}" is one that the Rollout drives and one in managedRoutes, so the Rollouts controller removes it from VirtualService "{name}"',
      fix: 'take another name in managedRoutes: the name of a route that no manifest has',
    },
    written: {
      class: 'invalid',
      text: 'http route "{route}" of VirtualService "{name}" has a name that Rollout "{rollout}" lists in managedRoutes, so the Rollouts controller removes it',
      fix: 'take another name in managedRoutes: the name of a route that no manifest has',
    },
  },
  check(context, rollout) {
    const managed = managedRouteNames(rollout);
    if (managed.length === 0) return;
    for (const entry of virtualServiceEntries(rollout)) {
      if (entry.name === '') continue;
      const virtualService = context.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
      for (const [index, route] of managed.entries()) {
        if (route === '' || managed.indexOf(route) < index) continue;
        const path = [...MANAGED, index, 'name'];
        if (entry.routes.includes(route)) {
          context.report('driven', { path, anchor: `${entry.name} ${route}`, data: { route, name: entry.name } });
          continue;
        }
        const written =
          virtualService === undefined
            ? undefined
            : routesOf(virtualService, ['http']).find((each) => each.name === route && !isControllers(each, rollout));
        if (virtualService === undefined || written === undefined) continue;
        context.report('written', {
          object: virtualService,
          path: [...written.path, 'name'],
          anchor: route,
          data: { route, name: virtualService.metadata.name, rollout: rollout.metadata.name },
          related: [{ object: rollout, path }],
        });
      }
    }
  },
});

/** Whether a route may be one that the controller made for this Rollout: nothing in it tells who wrote it. */
function isControllers(route: Route, rollout: KubeObject): boolean {
  if (isObject(dig(route.raw, 'mirror'))) return true;
  const [only, ...others] = route.destinations;
  if (only === undefined || others.length > 0) return false;
  const rule = destinationRuleOf(rollout);
  const { stable, canary } = stableAndCanaryServices(rollout, false);
  // Ping and pong change places: what was the canary's may still be there when it is the stable one's.
  const services = isObject(canaryOf(rollout)?.['pingPong']) ? [stable, canary] : [canary];
  const isCanary = rule === undefined ? services.includes(shortHost(only.host)) : only.subset === rule.canarySubset;
  const keys = Object.keys(route.raw as object).filter((key) => !['name', 'match', 'route'].includes(key));
  return (
    isCanary &&
    keys.length === 0 &&
    asArray(dig(route.raw, 'match')).every(
      (match) => isObject(match) && Object.keys(match).every((key) => key === 'headers'),
    )
  );
}
