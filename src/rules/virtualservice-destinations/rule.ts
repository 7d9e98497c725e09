import { destinationService, shortHost } from '../../world/istio-hosts.ts';
import {
  countedDestinations,
  DRIVEN_ROUTE_PLACES,
  drivenRoutes,
  ROUTE_PLACES,
  routesOf,
  routeTitle,
  type Destination,
  type Route,
} from '../../world/istio.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { dig, isObject, optionalString, asString } from '../../world/read.ts';
import {
  canaryOf,
  DESTINATION_RULE_PLACES,
  destinationRuleOf,
  STABLE_AND_CANARY_PLACES,
  stableAndCanaryServices,
  type VirtualServiceEntry,
} from '../../world/rollout.ts';
import { defineRule } from '../define.ts';
import { listed, quoted } from '../wording.ts';

const CANARY: Path = ['spec', 'strategy', 'canary'];

/** The Service or subset that a controlled route must send to, and the field of the Rollout that names it. */
interface Target {
  readonly role: string;
  readonly name: string;
  readonly path: Path;
}

export const virtualServiceDestinations = defineRule({
  id: 'virtualservice-destinations',
  summary: 'Every VirtualService route that a Rollout controls has a stable and a canary destination.',
  explanation:
    'The controller looks for both destinations in each route that it controls: by subset if the Rollout names a ' +
    'DestinationRule, otherwise by Service. If one is missing, it marks the Rollout InvalidSpec. The controller ' +
    'also controls the route of a tls or tcp list in which the Rollout names no route. It compares only the part ' +
    'of a host before the first dot. A host in another namespace or domain therefore passes and receives the ' +
    'traffic; this is only advice. Source: Argo Rollouts v1.9.1, rollout/trafficrouting/istio ' +
    '(validateVirtualServiceRouteDestinations) and rollout/trafficrouting (GetStableAndCanaryServices); host ' +
    'names: Istio, ResolveShortnameToFQDN.',
  subject: { 'Rollout.argoproj.io': [...STABLE_AND_CANARY_PLACES, ...DESTINATION_RULE_PLACES, ...DRIVEN_ROUTE_PLACES] },
  reads: { 'VirtualService.networking.istio.io': [...ROUTE_PLACES, 'spec.http[*].delegate'] },
  example: {
    fixture: 'bad-canary-service-not-in-route.yaml',
    referenced: 'VirtualService reviews',
    before: [['reviews-preview', 'reviews-canary']],
  },
  messages: {
    service: {
      class: 'invalid',
      text: '{route} of VirtualService "{name}" has no destination for {role} Service "{service}" (it sends to {has})',
      fix: 'add a destination with host "{host}", or correct {field}',
    },
    subset: {
      class: 'invalid',
      text: '{route} of VirtualService "{name}" has no destination for {role} subset "{subset}" (it has {has})',
      fix: 'add a destination with that subset, or correct {field}',
    },
    unrelated: {
      class: 'invalid',
      text: 'the Rollout also controls the only {type} route of VirtualService "{name}" (it sends to {has}), because it names no {type} route',
      fix: 'move the {type} route to a separate VirtualService',
    },
    delegate: {
      class: 'invalid',
      text: '{route} of VirtualService "{name}" delegates to VirtualService "{delegate}" and has no destinations of its own',
      fix: 'name "{delegate}" in the Rollout instead',
    },
    halfPair: {
      class: 'invalid',
      text: 'pingPong has no effect with Istio because {given} is set, but {lacking} is missing',
      fix: 'remove {given}, or set {lacking} too',
    },
    elsewhere: {
      class: 'advice',
      text: 'host "{host}" in the {route} of VirtualService "{name}" is Service "{service}" in namespace "{namespace}", not the Service of the Rollout',
      fix: 'use "{full}"',
    },
    incomplete: {
      class: 'advice',
      text: 'host "{host}" in the {route} of VirtualService "{name}" names no Service, because Istio adds namespace and domain only to a host without a dot',
      fix: 'use "{full}"',
    },
  },
  check(context, rollout) {
    const bySubset = destinationRuleOf(rollout) !== undefined;
    // Other rules report a Service or subset that the Rollout does not name.
    const targets = (bySubset ? subsetTargets(rollout) : serviceTargets(rollout)).filter(
      (target) => target.name !== '',
    );
    const reaches = (destination: Destination, target: Target): boolean =>
      (bySubset ? destination.subset : shortHost(destination.host)) === target.name;
    const driven = drivenRoutes(rollout, context);
    const own = namespaceOf(rollout);

    for (const { entry, virtualService, route } of driven) {
      const { name } = virtualService.metadata;
      const title = routeTitle(route);
      const place = {
        object: virtualService,
        path: [...route.path, 'route'],
        related: [{ object: rollout, path: entry.path }],
      };
      const destinations = countedDestinations(route, context);
      const missing = targets.filter((target) => !destinations.some((destination) => reaches(destination, target)));
      const delegate = delegateOf(route, entry.namespace);
      if (delegate !== undefined && missing.length > 0) {
        context.report('delegate', {
          ...place,
          path: [...route.path, 'delegate'],
          anchor: title,
          data: { route: title, name, delegate },
        });
      } else if (missing.length > 1 && isOneAmongOthers(route, entry, virtualService)) {
        context.report('unrelated', {
          ...place,
          anchor: title,
          data: { type: route.type, name, has: listed(destinations, hostOf, 'nothing') },
        });
      } else {
        for (const { role, name: lacking, path } of missing) {
          const at = { ...place, anchor: `${title} ${lacking}`, related: [{ object: rollout, path }] };
          const data = { route: title, name, role, field: String(path.at(-1)) };
          if (bySubset)
            context.report('subset', {
              ...at,
              data: {
                ...data,
                subset: lacking,
                has: listed(
                  destinations.filter(({ subset }) => subset !== ''),
                  ({ subset }) => quoted(subset),
                ),
              },
            });
          else
            context.report('service', {
              ...at,
              data: {
                ...data,
                service: lacking,
                host: hostFor(lacking, own, entry),
                has: listed(destinations, hostOf, 'nothing'),
              },
            });
        }
      }
      for (const { host, path, service } of bySubset ? [] : strayHosts(route, targets, own, virtualService)) {
        const at = { ...place, path: [...path, 'destination', 'host'], anchor: `${title} ${host}` };
        const data = { host, route: title, name, full: fullHost(shortHost(host), own) };
        if (service === undefined) context.report('incomplete', { ...at, data });
        else
          context.report('elsewhere', {
            ...at,
            data: { ...data, service: service.name, namespace: service.namespace },
          });
      }
    }

    const pair = bySubset || driven.length === 0 ? undefined : halfPair(rollout);
    if (pair !== undefined) {
      const related = driven
        .slice(0, 1)
        .map(({ virtualService, route }) => ({ object: virtualService, path: route.path }));
      context.report('halfPair', { path: [...CANARY, pair.given], anchor: pair.given, data: pair, related });
    }
  },
});

function subsetTargets(rollout: KubeObject): Target[] {
  const rule = destinationRuleOf(rollout);
  const path = [...CANARY, 'trafficRouting', 'istio', 'destinationRule'];
  return [
    { role: 'canary', name: rule?.canarySubset ?? '', path: [...path, 'canarySubsetName'] },
    { role: 'stable', name: rule?.stableSubset ?? '', path: [...path, 'stableSubsetName'] },
  ];
}

function serviceTargets(rollout: KubeObject): Target[] {
  const { stable, canary } = stableAndCanaryServices(rollout, false);
  const named = canaryOf(rollout);
  if (
    optionalString(named?.['stableService']) !== undefined ||
    optionalString(named?.['canaryService']) !== undefined
  ) {
    return [
      { role: 'canary', name: canary, path: [...CANARY, 'canaryService'] },
      { role: 'stable', name: stable, path: [...CANARY, 'stableService'] },
    ];
  }
  // Ping and pong swap roles with every update, so the message names them instead of their roles.
  return (['ping', 'pong'] as const).map((role) => ({
    role,
    name: asString(dig(named, 'pingPong', `${role}Service`)),
    path: [...CANARY, 'pingPong', `${role}Service`],
  }));
}

/**
 * Returns which of the two Services is set and which is not, if only one is set together with pingPong. The controller
 * then uses neither ping nor pong.
 */
function halfPair(rollout: KubeObject): { readonly given: string; readonly lacking: string } | undefined {
  const canary = canaryOf(rollout);
  const hasStable = asString(canary?.['stableService']) !== '';
  if (!isObject(canary?.['pingPong']) || hasStable === (asString(canary['canaryService']) !== '')) return undefined;
  return hasStable
    ? { given: 'stableService', lacking: 'canaryService' }
    : { given: 'canaryService', lacking: 'stableService' };
}

/**
 * Returns the destinations that the controller counts for one of these Services although Istio sends their traffic
 * elsewhere. `service` is where Istio sends it, if that is a Service.
 */
function strayHosts(
  route: Route,
  targets: readonly Target[],
  own: string,
  virtualService: KubeObject,
): readonly StrayHost[] {
  return route
    .destinations()
    .filter(({ host }) => targets.some((target) => shortHost(host) === target.name))
    .map(({ host, path }) => ({ host, path, service: destinationService(host, namespaceOf(virtualService)) }))
    .filter(({ service }) => service?.namespace !== own);
}

interface StrayHost {
  readonly host: string;
  readonly path: Path;
  readonly service: ReturnType<typeof destinationService>;
}

function hostFor(service: string, own: string, entry: VirtualServiceEntry): string {
  return entry.namespace === own ? service : fullHost(service, own);
}

function fullHost(service: string, namespace: string): string {
  return `${service}.${namespace}.svc.cluster.local`;
}

function delegateOf(route: Route, namespace: string): string | undefined {
  const name = optionalString(dig(route.raw, 'delegate', 'name'));
  return name === undefined
    ? undefined
    : `${name}.${optionalString(dig(route.raw, 'delegate', 'namespace')) ?? namespace}`;
}

/** Whether the controller controls a route only because it is alone in its list, while other lists have routes too. */
function isOneAmongOthers(route: Route, entry: VirtualServiceEntry, virtualService: KubeObject): boolean {
  if (route.type === 'http' || (route.type === 'tls' ? entry.tlsRoutes : entry.tcpRoutes).length > 0) return false;
  return routesOf(virtualService).some((other) => other.type !== route.type);
}

function hostOf({ host }: Destination): string {
  return quoted(host);
}
