import { findManagedRoutes, ROUTE_KINDS, SELECTED_ROUTE_PLACES } from '../../world/gateway.ts';
import { DRIVEN_ROUTE_PLACES, drivenRoutes, ROUTE_PLACES, routeTitle } from '../../world/istio.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { inEach } from '../../world/place.ts';
import { stringMap } from '../../world/read.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import { references } from '../../world/references.ts';
import { isBeingDeleted, MANAGED_BY } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';
import {
  drivenServices,
  driversOfDestinationRule,
  driversOfGatewayRoute,
  driversOfRoutes,
  driversOfService,
  isDrivenService,
  type Drivers,
} from './drivers.ts';

// More than this would only repeat the message.
const MAX_OTHERS = 10;
// Bounds the cost where hundreds of Rollouts control one route of the Gateway API and share Services too.
const MAX_LOOKED_AT = 100;

const messages = {
  service: {
    class: 'invalid',
    text: 'Service "{service}" is also the {otherRole} Service of Rollout "{other}"',
    fix: 'give each Rollout its own Services',
  },
  managed: {
    class: 'invalid',
    text: 'Service "{service}" is marked as managed by Rollout "{other}", so Rollout "{rollout}" cannot use it',
    fix: 'use another Service, or remove the annotation {annotation} if Rollout "{other}" no longer uses it',
  },
  leftOver: {
    class: 'invalid',
    text: 'Service "{service}" is still marked as managed by Rollout "{other}", which is deleted, so Rollout "{rollout}" cannot use it',
    fix: 'remove the annotation {annotation} from the Service',
  },
  virtualServiceRoute: {
    class: 'invalid',
    text: 'Rollout "{other}" also sets the weights of the {route} of VirtualService "{name}"',
    fix: 'give each Rollout its own routes',
  },
  virtualServiceRouteAbroad: {
    class: 'advice',
    text: 'Rollout "{other}" in another namespace also sets the weights of the {route} of VirtualService "{name}"',
    fix: 'give each Rollout its own routes',
  },
  destinationRule: {
    class: 'invalid',
    text: 'Rollout "{other}" also controls DestinationRule "{name}", and each Rollout removes the subsets of the other',
    fix: 'give each Rollout its own DestinationRule',
  },
  route: {
    class: 'advice',
    text: 'Rollout "{other}" also controls {kind} "{name}"',
    fix: 'give each Rollout its own route if their canaries can run at the same time',
  },
} as const;

export const serviceShared = defineRule({
  id: 'service-shared',
  summary: 'No two Rollouts control the same Service, VirtualService route or DestinationRule.',
  explanation:
    'The controller writes the pod hash of a Rollout into the selector of a Service, and annotates the Service ' +
    'with the name of that Rollout. Another Rollout that names this Service becomes InvalidSpec. In a ' +
    "VirtualService two Rollouts may control different routes, but in the same route they overwrite each other's " +
    'weights. In a DestinationRule the controller removes every subset that its Rollout does not name. A Gateway ' +
    'API route with the Services of both works, but each Rollout resets the marker that says an update is in ' +
    'progress. A Rollout that is being deleted does not count. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateService), rollout/service.go and rollout/trafficrouting/istio ' +
    '(UpdateHash); Gateway API plugin v0.15.0, pkg/plugin/labels.go.',
  subject: { 'Rollout.argoproj.io': [...REFERENCE_PLACES['Rollout.argoproj.io'], ...DRIVEN_ROUTE_PLACES] },
  reads: {
    'Rollout.argoproj.io': [
      ...REFERENCE_PLACES['Rollout.argoproj.io'],
      ...DRIVEN_ROUTE_PLACES,
      'metadata.deletionTimestamp',
    ],
    Service: ['metadata.annotations'],
    'VirtualService.networking.istio.io': ROUTE_PLACES,
    ...inEach(ROUTE_KINDS, SELECTED_ROUTE_PLACES),
  },
  stricterThanUpstream: {
    service: {
      why: 'The controller checks one Rollout at a time, by the annotation that it wrote into the Service. It accepts two Rollouts of one Service, and marks the second InvalidSpec after the first has written its annotation.',
      seenBy: [],
    },
    virtualServiceRoute: {
      why: 'The controller checks one Rollout at a time. Of two Rollouts that control one route, each reverts the weights of the other.',
      seenBy: ['e2e'],
    },
    destinationRule: {
      why: 'The controller checks one Rollout at a time. Of two Rollouts that control one DestinationRule, each reverts the hashes of the other.',
      seenBy: [],
    },
  },
  example: { fixture: 'bad-one-virtual-service-route.yaml', referenced: 'Rollout ratings' },
  messages,
  check(context, rollout) {
    checkServices(context, rollout);
    checkVirtualServices(context, rollout);
    for (const { kind, namespace, name, role, path } of references(rollout)) {
      if (kind === undefined || role !== 'DestinationRule') continue;
      const { all } = driversOfDestinationRule(context.referrers('Rollout.argoproj.io', kind, namespace, name));
      for (const { rollout: other, at } of others(all, rollout, (driver) => driver.rollout)) {
        context.report('destinationRule', {
          path,
          anchor: `${nameOf(other)} ${name}`,
          data: { other: nameOf(other), name },
          related: [{ object: other, path: at.path }],
        });
      }
    }
    for (const { kind, route, path } of findManagedRoutes(rollout, context)) {
      const { name } = route.metadata;
      const rollouts = context.referrers('Rollout.argoproj.io', kind, namespaceOf(route), name);
      for (const other of others(
        driversOfGatewayRoute(route, rollouts),
        rollout,
        itself,
        (each) => !isNeighbour(each, rollout),
      )) {
        const related = [
          { object: other, path: ['spec', 'strategy', 'canary', 'trafficRouting', 'plugins'] },
          { object: route, path: ['spec', 'rules'] },
        ];
        context.report('route', {
          path,
          anchor: `${nameOf(other, rollout)} ${route.kind} ${name}`,
          data: { other: nameOf(other, rollout), kind: route.kind, name },
          related,
        });
      }
    }
  },
});

type Context = RuleContext<typeof messages>;

function checkServices(context: Context, rollout: KubeObject): void {
  const seen = new Set<string>();
  for (const reference of references(rollout)) {
    const { namespace, name, path } = reference;
    if (!isDrivenService(reference) || seen.has(name)) continue;
    seen.add(name);
    const service = context.find('Service', namespace, name);
    const drivers = driversOfService(context.referrers('Rollout.argoproj.io', 'Service', namespace, name), name);
    for (const { rollout: other, at } of others(drivers.all, rollout, (driver) => driver.rollout)) {
      const related = [
        { object: other, path: at.path },
        ...(service === undefined ? [] : [{ object: service, path: ['spec', 'selector'] }]),
      ];
      context.report('service', {
        path,
        anchor: `${nameOf(other)} ${name}`,
        data: { service: name, otherRole: at.role, other: nameOf(other) },
        related,
      });
    }
    if (service !== undefined) checkAnnotation(context, rollout, service, path, drivers);
  }
}

/** Reports whether two Rollouts control a Service together, which is reported as such. */
function isNeighbour(other: KubeObject, rollout: KubeObject): boolean {
  const theirs = drivenServices(other);
  return [...drivenServices(rollout)].some((key) => theirs.has(key));
}

function checkAnnotation(
  context: Context,
  rollout: KubeObject,
  service: KubeObject,
  path: Path,
  drivers: Drivers,
): void {
  const owner = stringMap(service.metadata['annotations']).get(MANAGED_BY);
  if (owner === undefined || owner === rollout.metadata.name || drivers.byName.has(owner)) return;
  const found = context.lookup('Rollout.argoproj.io', namespaceOf(service), owner);
  const isGone = found.state === 'absent' || (found.state === 'present' && isBeingDeleted(found.object));
  context.report(isGone ? 'leftOver' : 'managed', {
    object: service,
    path: ['metadata', 'annotations', MANAGED_BY],
    anchor: owner,
    data: { service: service.metadata.name, other: owner, rollout: rollout.metadata.name, annotation: MANAGED_BY },
    related: [{ object: rollout, path }],
  });
}

function checkVirtualServices(context: Context, rollout: KubeObject): void {
  const indexes = new Map<KubeObject, ReturnType<typeof driversOfRoutes>>();
  for (const { entry, virtualService, route } of drivenRoutes(rollout, context.find)) {
    const namespace = namespaceOf(virtualService);
    const { name } = virtualService.metadata;
    let index = indexes.get(virtualService);
    if (index === undefined) {
      const kind = 'VirtualService.networking.istio.io';
      index = driversOfRoutes(virtualService, context.referrers('Rollout.argoproj.io', kind, namespace, name));
      indexes.set(virtualService, index);
    }
    for (const other of others(index.get(route) ?? [], rollout, itself)) {
      const title = nameOf(other, rollout);
      context.report(
        namespaceOf(other) === namespaceOf(rollout) ? 'virtualServiceRoute' : 'virtualServiceRouteAbroad',
        {
          path: [...entry.path, 'name'],
          anchor: `${title} ${name} ${routeTitle(route)}`,
          data: { other: title, route: routeTitle(route), name },
          related: [
            { object: other, path: ['spec', 'strategy', 'canary', 'trafficRouting', 'istio'] },
            { object: virtualService, path: route.path },
          ],
        },
      );
    }
  }
}

function itself(rollout: KubeObject): KubeObject {
  return rollout;
}

/** Returns the first few of sorted things that belong to other Rollouts. Looks at no more than a hundred. */
function others<T>(
  sorted: readonly T[],
  rollout: KubeObject,
  rolloutOf: (thing: T) => KubeObject,
  counts: (thing: T) => boolean = () => true,
): T[] {
  const own = keyOf(rollout);
  const found: T[] = [];
  for (const thing of sorted.slice(0, MAX_LOOKED_AT)) {
    if (found.length === MAX_OTHERS) break;
    if (keyOf(rolloutOf(thing)) !== own && counts(thing)) found.push(thing);
  }
  return found;
}

function nameOf(other: KubeObject, relativeTo?: KubeObject): string {
  return relativeTo === undefined || namespaceOf(other) === namespaceOf(relativeTo)
    ? other.metadata.name
    : `${namespaceOf(other)}/${other.metadata.name}`;
}
