import { routesOf, selectRoutes, type RouteType } from '../../world/istio.ts';
import { managedRouteNames, virtualServiceEntries } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const FIELD: Record<RouteType, string> = { http: 'routes', tls: 'tlsRoutes', tcp: 'tcpRoutes' };

export const virtualServiceRouteExists = defineRule({
  id: 'virtualservice-route-exists',
  summary: 'The routes that a Rollout names are in its VirtualServices; where it names none, only one can be meant.',
  explanation:
    'The controller sets weights only in the routes it finds. It marks the Rollout InvalidSpec when a named http route is absent, when no tls or tcp route has the port (and SNI hosts) given, and when ' +
    'none is named and several could be meant; all of this happens after the manifest was accepted. Source: Argo Rollouts v1.9.1, rollout/trafficrouting/istio (ValidateHTTPRoutes, ValidateTlsRoutes, ' +
    'ValidateTcpRoutes) and pkg/apis/rollouts/validation (ValidateVirtualService).',
  subject: ['Rollout.argoproj.io'],
  reads: ['VirtualService.networking.istio.io'],
  messages: {
    absent: {
      class: 'invalid',
      text: 'VirtualService "{name}" has no {type} route "{route}" (it has {has})',
      fix: 'name one of them, or add the route first',
    },
    ambiguous: {
      class: 'invalid',
      text: 'VirtualService "{name}" has {count} {type} routes and the Rollout names none ({has})',
      fix: 'list the routes that the canary shifts in {field}',
    },
    none: {
      class: 'invalid',
      text: 'VirtualService "{name}" has no http, tls or tcp route at all',
      fix: 'add a route with the stable and the canary destination',
    },
  },
  check(context, rollout) {
    const managed = managedRouteNames(rollout);
    for (const entry of virtualServiceEntries(rollout)) {
      if (entry.name === '') continue;
      const virtualService = context.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
      if (virtualService === undefined) continue;
      const { name } = virtualService.metadata;
      const routes = routesOf(virtualService);
      if (routes.length === 0) {
        context.report('none', { path: [...entry.path, 'name'], anchor: name, data: { name }, related: [{ object: virtualService, path: ['spec'] }] });
        continue;
      }
      const selection = selectRoutes(virtualService, entry, managed);
      const has = (type: RouteType): string => {
        const names = routes.filter((route) => route.type === type).map((route) => (route.name === '' ? 'one without a name' : `"${route.name}"`));
        return names.length === 0 ? 'none' : [...new Set(names)].join(', ');
      };
      for (const { type, index, wanted } of selection.missing) {
        context.report('absent', {
          path: [...entry.path, FIELD[type], index],
          anchor: `${type} ${wanted}`,
          data: { name, type, route: wanted, has: has(type) },
          related: [{ object: virtualService, path: ['spec', type] }],
        });
      }
      for (const type of selection.ambiguous) {
        const count = routes.filter((route) => route.type === type && !managed.includes(route.name)).length;
        context.report('ambiguous', {
          path: entry.path,
          anchor: type,
          data: { name, type, count, has: has(type), field: FIELD[type] },
          related: [{ object: virtualService, path: ['spec', type] }],
        });
      }
    }
  },
});
