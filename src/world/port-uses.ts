import { APISIX_PLACES, apisixRefOf, apisixRules } from './apisix.ts';
import {
  BACKEND_REF_PLACES,
  backendsNamed,
  findManagedRoutes,
  ROUTE_KINDS,
  SELECTED_ROUTE_PLACES,
  type RouteLookups,
} from './gateway.ts';
import {
  albActionService,
  INGRESS_BACKEND_PLACES,
  ingressBackendsOf,
  managedIngresses,
  USE_ANNOTATION,
} from './ingress.ts';
import { destinationService } from './istio-hosts.ts';
import { countedDestinations, DRIVEN_ROUTE_PLACES, drivenRoutes, ROUTE_PLACES, type Route } from './istio.ts';
import type { Counting } from './memo.ts';
import { namespaceOf, type KubeObject } from './object.ts';
import { at, type Path } from './path.ts';
import { inEach, type Place, type Places } from './place.ts';
import { dig, optionalNumber, asString } from './read.ts';
import { REFERENCE_PLACES } from './reference-places.ts';
import {
  canaryOf,
  serviceRoles,
  STABLE_AND_CANARY_PLACES,
  stableAndCanaryServices,
  trafficRoutingOf,
} from './rollout.ts';
import { TRAEFIK_PATH, TRAEFIK_PLACES, traefikEntries, traefikServiceOf } from './traefik.ts';

/** A Service port to which a route, or the controller for a Rollout, sends traffic. */
export interface PortUse {
  readonly by: 'VirtualService' | 'Gateway API' | 'Ingress' | 'copy of Ingress' | 'ALB action' | 'weighted backend';
  /** The object and path of the port, or of the destination without one. */
  readonly object: KubeObject;
  readonly path: Path;
  /** The path in the Rollout of the reference to that object, or of the port itself. */
  readonly from: Path;
  readonly namespace: string;
  readonly service: string;
  /** A number or a name; undefined if none is set. */
  readonly port: number | string | undefined;
  /** The route of the VirtualService, if it is one. */
  readonly route?: Route;
}

/** The places that `portUses` reads in a Rollout. */
export const PORT_USE_PLACES: readonly Place[] = [
  ...REFERENCE_PLACES['Rollout.argoproj.io'],
  ...STABLE_AND_CANARY_PLACES,
  ...DRIVEN_ROUTE_PLACES,
  'spec.strategy.canary.trafficRouting.apisix.route.rules',
];

/** The places that `portUses` reads in the objects that route traffic for a Rollout. */
export const PORT_USER_PLACES = {
  'VirtualService.networking.istio.io': ROUTE_PLACES,
  ...inEach(ROUTE_KINDS, [...SELECTED_ROUTE_PLACES, ...BACKEND_REF_PLACES]),
  'Ingress.networking.k8s.io': INGRESS_BACKEND_PLACES,
  'TraefikService.traefik.io': TRAEFIK_PLACES,
  'ApisixRoute.apisix.apache.org': APISIX_PLACES,
} as const satisfies Places;

/** How to look up the objects that route traffic, and to count what is done for each use of a port. */
export type PortUseLookups = RouteLookups & Counting;

/**
 * Returns the Service ports to which the routes of a Rollout send traffic. These are the destinations of its
 * VirtualService routes, for any Service, and the backends of its Gateway API routes, Ingresses, TraefikService and
 * ApisixRoute that name one of its Services. For nginx each stable backend is repeated for the canary Service, because the
 * controller copies the Ingress with that Service. For ALB it is the `servicePort` on both Services. Ports of the wrong
 * type are left out. Each is read when it is asked for, and counts as an operation. Source: Argo Rollouts v1.9.1,
 * `rollout/trafficrouting`, and the Gateway API plugin v0.15.0.
 */
export function* portUses(rollout: KubeObject, look: PortUseLookups): Generator<PortUse, void, undefined> {
  yield* virtualServiceUses(rollout, look);
  yield* gatewayUses(rollout, look);
  yield* ingressUses(rollout, look);
  yield* albUses(rollout);
  yield* counted(traefikUses(rollout, look), look);
  yield* counted(apisixUses(rollout, look), look);
}

function* counted(uses: readonly PortUse[], { spend }: Counting): Generator<PortUse, void, undefined> {
  spend(uses.length);
  yield* uses;
}

function* virtualServiceUses(rollout: KubeObject, look: PortUseLookups): Generator<PortUse, void, undefined> {
  for (const { entry, virtualService, route } of drivenRoutes(rollout, look)) {
    const from = [...entry.path, 'name'];
    for (const { host, port, path } of countedDestinations(route, look)) {
      const service = destinationService(host, namespaceOf(virtualService));
      if (service === undefined) continue;
      const given = at(virtualService, [...path, 'destination', 'port']);
      if (port === undefined && given !== undefined && given !== null) continue;
      yield {
        by: 'VirtualService',
        object: virtualService,
        path: [...path, 'destination', ...(port === undefined ? ['host'] : ['port', 'number'])],
        from,
        namespace: service.namespace,
        service: service.name,
        port,
        route,
      };
    }
  }
}

function* gatewayUses(rollout: KubeObject, look: PortUseLookups): Generator<PortUse, void, undefined> {
  const canary = canaryOf(rollout);
  const names = new Set([asString(canary?.['stableService']), asString(canary?.['canaryService'])]);
  for (const { route, path: from } of findManagedRoutes(rollout, look)) {
    const backends = backendsNamed(route, names);
    look.spend(backends.length);
    for (const { name, namespace, isService, port, path } of backends) {
      if (!isService || name === '' || !names.has(name)) continue;
      const given = at(route, [...path, 'port']);
      if (port === undefined && given !== undefined && given !== null) continue;
      yield {
        by: 'Gateway API',
        object: route,
        path: [...path, port === undefined ? 'name' : 'port'],
        from,
        namespace,
        service: name,
        port,
      };
    }
  }
}

function* ingressUses(rollout: KubeObject, look: PortUseLookups): Generator<PortUse, void, undefined> {
  const namespace = namespaceOf(rollout);
  const canary = canaryOf(rollout);
  const stableService = asString(canary?.['stableService']);
  const canaryService = asString(canary?.['canaryService']);
  const pingPong = stableAndCanaryServices(rollout, true);
  const names = new Set([stableService, canaryService, pingPong.stable, pingPong.canary, albActionService(rollout)]);
  // A list may name an Ingress twice.
  const seen = new Set<string>();
  for (const { router, name, path: from } of managedIngresses(rollout)) {
    const key = `${router} ${name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const ingress = look.find('Ingress.networking.k8s.io', namespace, name);
    if (ingress === undefined) continue;
    for (const { service, port, portPath } of ingressBackendsOf(ingress, names, look)) {
      if (port === undefined || port === USE_ANNOTATION) continue;
      const use = { object: ingress, path: portPath, from, namespace, port };
      yield { ...use, by: 'Ingress', service };
      if (router === 'nginx' && service === stableService && canaryService !== '')
        yield { ...use, by: 'copy of Ingress', service: canaryService };
    }
  }
}

function albUses(rollout: KubeObject): PortUse[] {
  const alb = dig(trafficRoutingOf(rollout), 'alb');
  const port = optionalNumber(dig(alb, 'servicePort'));
  if (port === undefined || port === 0) return [];
  const { stable, canary } = stableAndCanaryServices(rollout, true);
  const path = ['spec', 'strategy', 'canary', 'trafficRouting', 'alb', 'servicePort'];
  return [stable, canary]
    .filter((service) => service !== '')
    .map((service) => ({
      by: 'ALB action',
      object: rollout,
      path,
      from: path,
      namespace: namespaceOf(rollout),
      service,
      port,
    }));
}

function traefikUses(rollout: KubeObject, look: PortUseLookups): PortUse[] {
  const name = traefikServiceOf(rollout);
  const object = name === '' ? undefined : look.find('TraefikService.traefik.io', namespaceOf(rollout), name);
  if (object === undefined) return [];
  const services = new Set(serviceRoles(rollout).map(([, service]) => service));
  return (traefikEntries(object, look) ?? [])
    .filter((entry) => services.has(entry.name) && entry.kind === 'Service' && entry.port !== undefined)
    .map((entry) => ({
      by: 'weighted backend',
      object,
      path: [...entry.path, 'port'],
      from: TRAEFIK_PATH,
      namespace: entry.namespace === '' ? namespaceOf(object) : entry.namespace,
      service: entry.name,
      port: entry.port,
    }));
}

function apisixUses(rollout: KubeObject, look: PortUseLookups): PortUse[] {
  const { name, path: from, rules } = apisixRefOf(rollout);
  const object = name === '' ? undefined : look.find('ApisixRoute.apisix.apache.org', namespaceOf(rollout), name);
  if (object === undefined) return [];
  const driven = new Set(rules.map((rule) => rule.name));
  const services = new Set(serviceRoles(rollout).map(([, service]) => service));
  return apisixRules(object, look)
    .filter((rule) => driven.has(rule.name))
    .flatMap(({ backends }) => backends)
    .filter((backend) => services.has(backend.service) && backend.port !== undefined)
    .map((backend) => ({
      by: 'weighted backend',
      object,
      path: [...backend.path, 'servicePort'],
      from,
      namespace: namespaceOf(object),
      service: backend.service,
      port: backend.port,
    }));
}
