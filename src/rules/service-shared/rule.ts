import { drivesRoute, findManagedRoutes } from '../../world/gateway.ts';
import { drivenRoutes, routeTitle, selectRoutes, type Route } from '../../world/istio.ts';
import { keyOf, namespaceOf, type KindId, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { stringMap } from '../../world/read.ts';
import { references, SERVICE_ROLES } from '../../world/references.ts';
import type { Reference } from '../../world/reference-list.ts';
import { isBeingDeleted, managedRouteNames, MANAGED_BY, virtualServiceEntries } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

// More than this would only repeat the message.
const MAX_OTHERS = 10;

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
  subject: ['Rollout.argoproj.io'],
  reads: [
    'Rollout.argoproj.io',
    'Service',
    'VirtualService.networking.istio.io',
    'HTTPRoute.gateway.networking.k8s.io',
    'GRPCRoute.gateway.networking.k8s.io',
    'TCPRoute.gateway.networking.k8s.io',
    'TLSRoute.gateway.networking.k8s.io',
  ],
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
    const neighbours = checkServices(context, rollout);
    checkVirtualServices(context, rollout);
    for (const { kind, namespace, name, role, path } of references(rollout)) {
      if (kind === undefined || role !== 'DestinationRule') continue;
      for (const other of othersThat(context, rollout, kind, namespace, name).slice(0, MAX_OTHERS)) {
        const at = references(other).find((reference) => reference.role === role);
        context.report('destinationRule', {
          path,
          anchor: `${nameOf(other)} ${name}`,
          data: { other: nameOf(other), name },
          related: [{ object: other, path: at?.path ?? [] }],
        });
      }
    }
    for (const { kind, route, path } of findManagedRoutes(rollout, context)) {
      const { name } = route.metadata;
      const others = othersThat(context, rollout, kind, namespaceOf(route), name).filter(
        (other) => !neighbours.has(other) && drivesRoute(other, route),
      );
      for (const other of others.slice(0, MAX_OTHERS)) {
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

/** Reports shared Services, and returns the Rollouts that share one with this Rollout. */
function checkServices(context: Context, rollout: KubeObject): ReadonlySet<KubeObject> {
  const neighbours = new Set<KubeObject>();
  const seen = new Set<string>();
  for (const { kind, namespace, name, role, path } of references(rollout)) {
    if (kind !== 'Service' || !SERVICE_ROLES.includes(role) || seen.has(name)) continue;
    seen.add(name);
    const service = context.find(kind, namespace, name);
    const owners = new Set<string>();
    for (const other of othersThat(context, rollout, kind, namespace, name)) {
      const at = references(other).find((reference) => isDrivenService(reference, name));
      if (at === undefined) continue;
      owners.add(other.metadata.name);
      neighbours.add(other);
      if (owners.size > MAX_OTHERS) continue;
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
    if (service !== undefined) checkAnnotation(context, rollout, service, path, owners);
  }
  return neighbours;
}

function checkAnnotation(
  context: Context,
  rollout: KubeObject,
  service: KubeObject,
  path: Path,
  reported: ReadonlySet<string>,
): void {
  const owner = stringMap(service.metadata['annotations']).get(MANAGED_BY);
  if (owner === undefined || owner === rollout.metadata.name || reported.has(owner)) return;
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
  const driven = Map.groupBy(
    drivenRoutes(rollout, (kind, namespace, name) => context.find(kind, namespace, name)),
    ({ virtualService }) => virtualService,
  );
  for (const [virtualService, mine] of driven) {
    const namespace = namespaceOf(virtualService);
    const { name } = virtualService.metadata;
    const reported = new Map<Route, number>();
    for (const other of othersThat(context, rollout, 'VirtualService.networking.istio.io', namespace, name)) {
      const theirs = virtualServiceEntries(other).filter(
        (entry) => entry.namespace === namespace && entry.name === name,
      );
      const routes = new Set(
        theirs.flatMap((entry) => selectRoutes(virtualService, entry, managedRouteNames(other)).routes),
      );
      const title = nameOf(other, rollout);
      for (const { entry, route } of mine) {
        const count = reported.get(route) ?? 0;
        if (!routes.has(route) || count === MAX_OTHERS) continue;
        reported.set(route, count + 1);
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
}

function isDrivenService({ kind, name, role }: Reference, wanted: string): boolean {
  return kind === 'Service' && name === wanted && SERVICE_ROLES.includes(role);
}

function othersThat(
  context: Context,
  rollout: KubeObject,
  kind: KindId,
  namespace: string,
  name: string,
): KubeObject[] {
  return context
    .referrers('Rollout.argoproj.io', kind, namespace, name)
    .filter((other) => keyOf(other) !== keyOf(rollout) && !isBeingDeleted(other))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function nameOf(other: KubeObject, relativeTo?: KubeObject): string {
  return relativeTo === undefined || namespaceOf(other) === namespaceOf(relativeTo)
    ? other.metadata.name
    : `${namespaceOf(other)}/${other.metadata.name}`;
}
