import {
  countSelection,
  DRIVEN_ROUTE_PLACES,
  nothingSelected,
  portsTitle,
  SELECTION_PLACES,
  routesOf,
  selectRoutes,
  unmanagedRoutes,
  type Route,
  type RouteType,
  type Selected,
} from '../../world/istio.ts';
import { getOrAdd } from '../../world/get-or-add.ts';
import { memo } from '../../world/memo.ts';
import type { KubeObject } from '../../world/object.ts';
import { managedRouteNames, virtualServiceEntries, type VirtualServiceEntry } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';
import { listed, quoted } from '../wording.ts';

const FIELD: Record<RouteType, string> = { http: 'routes', tls: 'tlsRoutes', tcp: 'tcpRoutes' };

export const virtualServiceRouteExists = defineRule({
  id: 'virtualservice-route-exists',
  summary: 'Routes that a Rollout names exist in its VirtualServices; if it names none, only one route is possible.',
  explanation:
    'The controller sets weights only in the routes that it finds. It marks the Rollout InvalidSpec if a named ' +
    'http route does not exist. The same happens if no tls or tcp route has the given port and exactly the given ' +
    'SNI hosts. It also happens if no route is named and several are possible. The API server has already ' +
    'accepted the manifest by then. If a tls or tcp list exists but is empty, the controller reads its first ' +
    'route anyway and panics at every attempt. If two VirtualServices have the same name in different namespaces, ' +
    'the controller checks both against the entry that comes first. It ignores routes that are named for a list ' +
    'that the VirtualService does not have. Source: Argo Rollouts v1.9.1, rollout/trafficrouting/istio ' +
    '(ValidateHTTPRoutes, ValidateTlsRoutes, ValidateTcpRoutes) and pkg/apis/rollouts/validation ' +
    '(ValidateVirtualService).',
  subject: { 'Rollout.argoproj.io': DRIVEN_ROUTE_PLACES },
  reads: { 'VirtualService.networking.istio.io': SELECTION_PLACES },
  stricterThanUpstream: {
    none: {
      why: 'An empty list of routes passes validation, because no route in it is wrong. The controller never sets a weight, and the steps pass all the same.',
      seenBy: ['agreement'],
      refusal:
        /is not found in the defined Virtual Service|No matching T(?:CP|LS) routes|Unable to get any of the HTTP, TCP or TLS routes|index out of range \[0\] with length 0/,
    },
  },
  example: {
    fixture: 'bad-named-route-absent.yaml',
    referenced: 'VirtualService reviews',
    before: [['name: main', 'name: primary']],
  },
  messages: {
    absent: {
      class: 'invalid',
      text: 'VirtualService "{name}" has no http route "{route}" (it has {has})',
      fix: 'name one of its routes in the Rollout, or add this route first',
    },
    absentPort: {
      class: 'invalid',
      text: 'VirtualService "{name}" has no {type} route {route} (it has {has})',
      fix: 'set {field} to the only port and all SNI hosts of one route, or add such a route first',
    },
    ambiguous: {
      class: 'invalid',
      text: 'VirtualService "{name}" has {count} {type} routes ({has}), but the Rollout names none of them',
      fix: 'list the routes for the canary in the field {field}',
    },
    none: {
      class: 'invalid',
      text: 'VirtualService "{name}" has no http, tls or tcp route',
      fix: 'add a route with a stable and a canary destination',
    },
    empty: {
      class: 'invalid',
      text: 'VirtualService "{name}" has an empty {type} list, on which the Rollouts controller panics',
      fix: 'remove {type} from its spec',
    },
    namesake: {
      class: 'invalid',
      text: 'the Rollouts controller checks the first entry for VirtualService "{name}" also against the one in namespace "{namespace}", which has different routes',
      fix: 'give both VirtualServices the same routes, or different names',
    },
    ignored: {
      class: 'advice',
      text: 'VirtualService "{name}" has no {type} routes, so the field {field} has no effect',
      fix: 'remove the field, or add {type} routes to the VirtualService ({route})',
    },
  },
  check(context, rollout) {
    const managed = managedRouteNames(rollout);
    const firstOfName = new Map<string, VirtualServiceEntry>();
    const selected = new Map<KubeObject, Selected>();
    for (const entry of virtualServiceEntries(rollout, context)) {
      if (entry.name === '') continue;
      const first = firstOfName.get(entry.name) ?? entry;
      firstOfName.set(entry.name, first);
      const virtualService = context.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
      if (virtualService === undefined) continue;
      const { namespace, name } = entry;
      const anchored = `${namespace}/${name}`;
      countSelection(virtualService, entry, context);
      if (routesOf(virtualService).length === 0) {
        context.report('none', {
          path: [...entry.path, 'name'],
          anchor: anchored,
          data: { name },
          related: [{ object: virtualService, path: ['spec'] }],
        });
        continue;
      }
      const before = getOrAdd(selected, virtualService, nothingSelected);
      const { missing, ambiguous, empty, ignored } = selectRoutes(virtualService, entry, managed, before);
      for (const { type, index, wanted } of missing) {
        const place = {
          path: [...entry.path, FIELD[type], index],
          anchor: `${anchored} ${type} ${wanted}`,
          related: [{ object: virtualService, path: ['spec', type] }],
        };
        const has = titlesOf(virtualService)[type];
        if (type === 'http') context.report('absent', { ...place, data: { name, route: wanted, has } });
        else context.report('absentPort', { ...place, data: { name, type, route: wanted, has, field: FIELD[type] } });
      }
      for (const type of ambiguous) {
        const { count, has } = candidatesIn(virtualService, type, managed);
        context.report('ambiguous', {
          path: entry.path,
          anchor: `${anchored} ${type}`,
          data: { name, type, count, has, field: FIELD[type] },
          related: [{ object: virtualService, path: ['spec', type] }],
        });
      }
      for (const type of empty) {
        context.report('empty', {
          object: virtualService,
          path: ['spec', type],
          anchor: type,
          data: { name, type },
          related: [{ object: rollout, path: entry.path }],
        });
      }
      for (const [type, asked] of Map.groupBy(ignored, (route) => route.type)) {
        const route = listed(asked, ({ wanted }) => (type === 'http' ? quoted(wanted) : wanted));
        context.report('ignored', {
          path: [...entry.path, FIELD[type]],
          anchor: `${anchored} ${type}`,
          data: { name, type, field: FIELD[type], route },
          related: [{ object: virtualService, path: ['spec'] }],
        });
      }
      if (first.namespace !== namespace && missing.length + ambiguous.length === 0) {
        const checked = selectRoutes(virtualService, first, managed, before);
        if (checked.missing.length + checked.ambiguous.length === 0) continue;
        context.report('namesake', {
          path: first.path,
          anchor: anchored,
          data: { name, namespace },
          related: [{ object: virtualService, path: ['spec'] }],
        });
      }
    }
  },
});

function candidatesIn(
  virtualService: KubeObject,
  type: RouteType,
  managed: readonly string[],
): { readonly count: number; readonly has: string } {
  if (type !== 'http') {
    return { count: routesOf(virtualService, [type]).length, has: titlesOf(virtualService)[type] };
  }
  const { count, firstOfEach } = unmanagedRoutes(virtualService, managed);
  return { count, has: listed(firstOfEach(), describe) };
}

// Once for all Rollouts. Routes with one title are read to the last to find others.
const titlesOf = memo((virtualService: KubeObject): Readonly<Record<RouteType, string>> => {
  const titles = (type: RouteType): string => listed(routesOf(virtualService, [type]), describe);
  return { http: titles('http'), tls: titles('tls'), tcp: titles('tcp') };
});

function describe(route: Route): string {
  if (route.type !== 'http') return `one ${portsTitle(route)}`;
  return route.name === '' ? 'one without a name' : quoted(route.name);
}
