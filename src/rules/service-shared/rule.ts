import { findManagedRoutes, ROUTE_KINDS, SELECTED_ROUTE_PLACES } from '../../world/gateway.ts';
import {
  DRIVEN_ROUTE_PLACES,
  drivenRoutes,
  portsAndHosts,
  SELECTION_PLACES,
  routeTitle,
  type Route,
} from '../../world/istio.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { inEach } from '../../world/place.ts';
import { dig } from '../../world/read.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import { references } from '../../world/references.ts';
import { isBeingDeleted, MANAGED_BY } from '../../world/rollout.ts';
import { defineRule, type Location, type RuleContext } from '../define.ts';
import { quoted } from '../wording.ts';
import {
  drivenServices,
  driversOfDestinationRule,
  driversOfGatewayRoute,
  driversOfRoutes,
  driversOfService,
  isDrivenService,
  type Driver,
  type Drivers,
  type RouteDrivers,
} from './drivers.ts';

// Bounds the cost where hundreds of Rollouts control one route of the Gateway API and share Services too.
const MAX_LOOKED_AT = 100;

const messages = {
  service: {
    class: 'invalid',
    text: 'Service "{service}" is also the {otherRole} Service of Rollout {other}',
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
    text: 'Rollout {other} also sets the weights of the {route} of VirtualService "{name}"',
    fix: 'give each Rollout its own routes',
  },
  virtualServiceRouteAbroad: {
    class: 'advice',
    text: 'Rollout {other} in another namespace also sets the weights of the {route} of VirtualService "{name}"',
    fix: 'give each Rollout its own routes',
  },
  destinationRule: {
    class: 'invalid',
    text: 'Rollout {other} also controls DestinationRule "{name}", and each Rollout removes the subsets of the other',
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
    Service: ['metadata.annotations["argo-rollouts.argoproj.io/managed-by-rollouts"]'],
    'VirtualService.networking.istio.io': SELECTION_PLACES,
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
      const other = otherDriver(all, rollout);
      if (other !== undefined)
        context.report('destinationRule', {
          path,
          anchor: name,
          data: { other: oneOf(other.rollout.metadata.name, all.length - 1), name },
          related: [{ object: other.rollout, path: other.at.path }],
        });
    }
    for (const { kind, route, path } of findManagedRoutes(rollout, context)) {
      const { name } = route.metadata;
      const rollouts = context.referrers('Rollout.argoproj.io', kind, namespaceOf(route), name);
      const other = strangerTo(rollout, driversOfGatewayRoute(route, rollouts, context.spend));
      if (other === undefined) continue;
      context.report('route', {
        path,
        anchor: `${route.kind} ${namespaceOf(route)}/${name}`,
        data: { other: nameOf(other, rollout), kind: route.kind, name },
        related: [
          { object: other, path: ['spec', 'strategy', 'canary', 'trafficRouting', 'plugins'] },
          { object: route, path: ['spec', 'rules'] },
        ],
      });
    }
  },
});

type Context = RuleContext<typeof messages>;
type RouteData = Readonly<Record<'other' | 'route' | 'name', string>>;

function checkServices(context: Context, rollout: KubeObject): void {
  const seen = new Set<string>();
  for (const reference of references(rollout)) {
    const { namespace, name, path } = reference;
    if (!isDrivenService(reference) || seen.has(name)) continue;
    seen.add(name);
    const service = context.find('Service', namespace, name);
    const drivers = driversOfService(context.referrers('Rollout.argoproj.io', 'Service', namespace, name), name);
    const other = otherDriver(drivers.all, rollout);
    if (other !== undefined)
      context.report('service', {
        path,
        anchor: name,
        data: {
          service: name,
          otherRole: other.at.role,
          other: oneOf(other.rollout.metadata.name, drivers.all.length - 1),
        },
        related: [
          { object: other.rollout, path: other.at.path },
          ...(service === undefined ? [] : [{ object: service, path: ['spec', 'selector'] }]),
        ],
      });
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
  const owner = dig(service.metadata, 'annotations', MANAGED_BY);
  if (typeof owner !== 'string' || owner === rollout.metadata.name || drivers.byName.has(owner)) return;
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
  for (const { entry, virtualService, route } of drivenRoutes(rollout, context)) {
    const namespace = namespaceOf(virtualService);
    const { name } = virtualService.metadata;
    let index = indexes.get(virtualService);
    if (index === undefined) {
      const kind = 'VirtualService.networking.istio.io';
      index = driversOfRoutes(
        virtualService,
        context.referrers('Rollout.argoproj.io', kind, namespace, name),
        context.versions,
        context.spend,
      );
      indexes.set(virtualService, index);
    }
    const drivers = index.get(route);
    if (drivers === undefined) continue;
    const located = ({ first, count }: Others): Location<RouteData> => ({
      path: [...entry.path, 'name'],
      anchor: `${namespace}/${name} ${routeText(route)}`,
      data: { other: oneOf(nameOf(first, rollout), count), route: routeTitle(route), name },
      related: [
        { object: first, path: ['spec', 'strategy', 'canary', 'trafficRouting', 'istio'] },
        { object: virtualService, path: route.path },
      ],
    });
    const { here, abroad } = othersOf(drivers, rollout);
    if (here !== undefined) context.report('virtualServiceRoute', located(here));
    if (abroad !== undefined) context.report('virtualServiceRouteAbroad', located(abroad));
  }
}

// The title of a route leaves out most of many hosts, so two routes can have the same one.
function routeText(route: Route): string {
  if (route.type === 'http') return routeTitle(route);
  const { ports, sniHosts } = portsAndHosts(route);
  return `${route.type} ${ports.join(',')} ${sniHosts.join(',')}`;
}

interface Others {
  readonly first: KubeObject;
  readonly count: number;
}

/** Returns the other Rollouts that control a route, in the namespace of a Rollout and in other ones. */
function othersOf(
  { all, byNamespace }: RouteDrivers,
  rollout: KubeObject,
): { readonly here: Others | undefined; readonly abroad: Others | undefined } {
  const neighbours = byNamespace.get(namespaceOf(rollout)) ?? [];
  // Rollouts of one namespace stand side by side.
  const firstAbroad = all[0] === neighbours[0] ? all[neighbours.length] : all[0];
  const firstHere = neighbours.find((driver) => !isSame(driver, rollout));
  return {
    here: firstHere && { first: firstHere, count: neighbours.length - 1 },
    abroad: firstAbroad && { first: firstAbroad, count: all.length - neighbours.length },
  };
}

/** Returns the first of sorted drivers that belongs to another Rollout. */
function otherDriver(drivers: readonly Driver[], rollout: KubeObject): Driver | undefined {
  return drivers.find((driver) => !isSame(driver.rollout, rollout));
}

/** Returns the first of sorted Rollouts that shares no Service with a Rollout. Looks at no more than a hundred. */
function strangerTo(rollout: KubeObject, sorted: readonly KubeObject[]): KubeObject | undefined {
  return sorted.slice(0, MAX_LOOKED_AT).find((other) => !isSame(other, rollout) && !isNeighbour(other, rollout));
}

function isSame(rollout: KubeObject, other: KubeObject): boolean {
  return keyOf(rollout) === keyOf(other);
}

/**
 * Renders the first of some Rollouts. There is one finding for all: one for each would make a new finding out of an old
 * one as soon as another Rollout leaves, and deny that.
 */
function oneOf(name: string, count: number): string {
  return count > 1 ? `${quoted(name)} (one of ${count})` : quoted(name);
}

function nameOf(other: KubeObject, relativeTo: KubeObject): string {
  return namespaceOf(other) === namespaceOf(relativeTo)
    ? other.metadata.name
    : `${namespaceOf(other)}/${other.metadata.name}`;
}
