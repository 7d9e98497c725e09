import { shortHost } from '../../world/istio-hosts.ts';
import { countRoutes, DRIVEN_ROUTE_PLACES, routeNames, type Route } from '../../world/istio.ts';
import type { Counting } from '../../world/memo.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, isObject } from '../../world/read.ts';
import {
  canaryOf,
  DESTINATION_RULE_PLACES,
  destinationRuleOf,
  managedRouteNames,
  STABLE_AND_CANARY_PLACES,
  stableAndCanaryServices,
  virtualServiceReadings,
} from '../../world/rollout.ts';
import { versionsMatching } from '../../world/rollouts-versions.ts';
import { defineRule } from '../define.ts';

const MANAGED: Path = ['spec', 'strategy', 'canary', 'trafficRouting', 'managedRoutes'];

export const managedRouteClash = defineRule({
  id: 'managed-route-clash',
  summary: 'managedRoutes names only routes that the controller creates, not routes that manifests define.',
  explanation:
    'The routes in managedRoutes belong to the controller. It removes every http route with such a name when a ' +
    'Rollout is created, promoted, aborted or has no canary pods. This includes routes written by hand, and the ' +
    'traffic that they matched goes elsewhere. The name may also be in routes of the VirtualService entry. Then the ' +
    'controller removes the route that it sets weights in, and the Rollout is InvalidSpec from then on. Rollgate ' +
    'rejects the first case too, although the controller accepts it, because the route is lost. A route that looks ' +
    'like one from the controller is not reported: one destination, the canary, with only header matches; or a ' +
    'mirror. Seen on the controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, claim B6); source: ' +
    'rollout/trafficrouting/istio (RemoveManagedRoutes).',
  subject: { 'Rollout.argoproj.io': [...STABLE_AND_CANARY_PLACES, ...DESTINATION_RULE_PLACES, ...DRIVEN_ROUTE_PLACES] },
  reads: { 'VirtualService.networking.istio.io': ['spec.http', 'spec.http[*].timeout?', 'spec.tls', 'spec.tcp'] },
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
      text: 'route "{route}" is in both routes and managedRoutes, so the Rollouts controller removes it from VirtualService "{name}"',
      fix: 'use another name in managedRoutes, one that no manifest gives to a route',
    },
    written: {
      class: 'invalid',
      text: 'http route "{route}" of VirtualService "{name}" is in managedRoutes of Rollout "{rollout}", so the Rollouts controller removes it',
      fix: 'use another name in managedRoutes, one that no manifest gives to a route',
    },
  },
  check(context, rollout) {
    const managed = managedRouteNames(rollout);
    if (managed.length === 0) return;
    const positions = new Map<string, number>();
    for (const [index, name] of managed.entries()) if (name !== '' && !positions.has(name)) positions.set(name, index);
    // Each of the VirtualServices that versions of Argo Rollouts find under a name is judged for these versions.
    for (const entry of virtualServiceReadings(rollout)) {
      const { versions } = entry;
      if (entry.name === '' || versionsMatching(context.versions, versions) === 'none') continue;
      const virtualService = context.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
      const written = virtualService === undefined ? undefined : namesIn(virtualService, context);
      const named = new Set(entry.routes);
      for (const route of inBoth(positions, named, written, context)) {
        const path = [...MANAGED, positions.get(route) ?? 0, 'name'];
        if (named.has(route)) {
          const data = { route, name: entry.name };
          context.report('driven', { path, anchor: `${entry.name} ${route}`, data, versions });
          continue;
        }
        const lost = written?.get(route)?.find((each) => !isControllers(each, rollout));
        if (virtualService === undefined || lost === undefined) continue;
        context.report('written', {
          object: virtualService,
          path: [...lost.path, 'name'],
          anchor: route,
          data: { route, name: virtualService.metadata.name, rollout: rollout.metadata.name },
          versions,
          related: [{ object: rollout, path }],
        });
      }
    }
  },
});

function namesIn(virtualService: KubeObject, counting: Counting): ReadonlyMap<string, readonly Route[]> {
  countRoutes(virtualService, counting);
  return routeNames(virtualService);
}

/** Returns the managed names that an entry names or that are written, at the cost of the smaller list. */
function inBoth(
  managed: ReadonlyMap<string, number>,
  named: ReadonlySet<string>,
  written: ReadonlyMap<string, unknown> | undefined,
  { spend }: Counting,
): string[] {
  const others = named.size + (written?.size ?? 0);
  spend(Math.min(managed.size, others));
  if (managed.size <= others)
    return [...managed.keys()].filter((name) => named.has(name) || written?.has(name) === true);
  return [...new Set([...named, ...(written?.keys() ?? [])])].filter((name) => managed.has(name));
}

/** Returns whether the controller may have created a route for this Rollout. Nothing in a route says who wrote it. */
function isControllers(route: Route, rollout: KubeObject): boolean {
  if (isObject(dig(route.raw, 'mirror'))) return true;
  if (asArray(dig(route.raw, 'route')).length !== 1) return false;
  const [only] = route.destinations();
  if (only === undefined) return false;
  const rule = destinationRuleOf(rollout);
  const { stable, canary } = stableAndCanaryServices(rollout, false);
  // Ping and pong swap roles, so a route for the former canary Service may still exist when that Service is stable.
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
