import { APISIX_PLACES, apisixRefOf, apisixRules } from './apisix.ts';
import { containerPlaces } from './containers.ts';
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
import { destinationService, DRIVEN_ROUTE_PLACES, drivenRoutes, ROUTE_PLACES, type Route } from './istio.ts';
import { getOrAdd } from './get-or-add.ts';
import { memo } from './memo.ts';
import { namespaceOf, type KubeObject } from './object.ts';
import { at, type Path } from './path.ts';
import { inEach, type Place, type Places } from './place.ts';
import { asArray, dig, optionalNumber, optionalString, asString } from './read.ts';
import { REFERENCE_PLACES } from './reference-places.ts';
import {
  canaryOf,
  serviceRoles,
  STABLE_AND_CANARY_PLACES,
  stableAndCanaryServices,
  trafficRoutingOf,
} from './rollout.ts';
import { TRAEFIK_PATH, TRAEFIK_PLACES, traefikEntries, traefikServiceOf } from './traefik.ts';

/** A port of a Service, with the defaults of Kubernetes. */
export interface ServicePort {
  readonly number: number;
  /** Empty if it has none. */
  readonly name: string;
  readonly protocol: string;
  readonly targetPort: number | string;
  readonly appProtocol: string;
  readonly path: Path;
  /** The path of the targetPort or, if it is not set, of the port, which is then also the target. */
  readonly targetPath: Path;
}

/** Returns the ports of a Service that have a number, in order. Computed once per object. */
export const portsOf = memo(readPorts);

// What it takes to compare a port with others, and to say what is wrong with it, in operations.
const COST_OF_PORT = 3;

/** Does the same, for rules that compare each port: the operations are counted before they are done. */
export function countedPorts(
  service: KubeObject,
  { spend }: { readonly spend: (operations: number) => void },
): readonly ServicePort[] {
  spend(COST_OF_PORT * asArray(dig(service, 'spec', 'ports')).length);
  return portsOf(service);
}

function readPorts(service: KubeObject): readonly ServicePort[] {
  return asArray(dig(service, 'spec', 'ports')).flatMap((entry, index): ServicePort[] => {
    const number = optionalNumber(dig(entry, 'port'));
    if (number === undefined) return [];
    const path = ['spec', 'ports', index];
    const targetPort = targetOf(dig(entry, 'targetPort'));
    return [
      {
        number,
        name: asString(dig(entry, 'name')),
        protocol: optionalString(dig(entry, 'protocol')) ?? 'TCP',
        targetPort: targetPort ?? number,
        appProtocol: asString(dig(entry, 'appProtocol')),
        path,
        targetPath: [...path, targetPort === undefined ? 'port' : 'targetPort'],
      },
    ];
  });
}

function targetOf(value: unknown): number | string | undefined {
  return value === 0 ? undefined : (optionalNumber(value) ?? optionalString(value));
}

/** A port that a container declares. */
export interface ContainerPort {
  readonly number: number;
  readonly name: string;
  readonly protocol: string;
}

/** The places that `containerPorts` reads in a pod template. */
export const CONTAINER_PORT_PLACES: readonly string[] = [
  ...containerPlaces('ports'),
  'spec.initContainers[*].restartPolicy',
];

/**
 * Returns the ports of the containers that run as long as the pod, including sidecars (init containers with
 * `restartPolicy: Always`); undefined if there are no such containers.
 */
export function containerPorts(template: unknown): readonly ContainerPort[] | undefined {
  const sidecars = asArray(dig(template, 'spec', 'initContainers')).filter(
    (container) => dig(container, 'restartPolicy') === 'Always',
  );
  const containers = [...asArray(dig(template, 'spec', 'containers')), ...sidecars];
  if (containers.length === 0) return undefined;
  return containers.flatMap((container) =>
    asArray(dig(container, 'ports')).map((port) => ({
      number: optionalNumber(dig(port, 'containerPort')) ?? 0,
      name: asString(dig(port, 'name')),
      protocol: optionalString(dig(port, 'protocol')) ?? 'TCP',
    })),
  );
}

/** Reports whether a Service stands for an external name, and so has no pods or ports of its own. */
export function isExternalName(service: KubeObject): boolean {
  return dig(service, 'spec', 'type') === 'ExternalName';
}

interface PortIndex {
  readonly numbers: ReadonlySet<number>;
  readonly byName: ReadonlyMap<string, number>;
}

const indexOf = memo((ports: readonly ServicePort[]): PortIndex => ({
  numbers: new Set(ports.map(({ number }) => number)),
  byName: new Map(ports.filter(({ name }) => name !== '').map(({ name, number }) => [name, number])),
}));

/** Returns the number of the Service port with a number or name, or undefined. */
export function portNumber(ports: readonly ServicePort[], wanted: number | string): number | undefined {
  const index = indexOf(ports);
  if (typeof wanted === 'string') return index.byName.get(wanted);
  return index.numbers.has(wanted) ? wanted : undefined;
}

// As many as a message has room for.
const MAX_PORTS = 8;

/**
 * Describes ports of a Service or of containers for a message: at most eight numbers, with the protocol unless it is
 * TCP, and names if requested.
 */
export function describePorts(ports: readonly ContainerPort[], withNames = false): string {
  return withNames ? namedPorts(ports) : numbersOfPorts(ports);
}

// There can be a finding for each of the ports, and all findings describe the same ones.
const namedPorts = memo((ports: readonly ContainerPort[]) => described(ports, true));
const numbersOfPorts = memo((ports: readonly ContainerPort[]) => described(ports, false));

function described(ports: readonly ContainerPort[], withNames: boolean): string {
  const shown = ports
    .slice(0, MAX_PORTS)
    .map((port) =>
      withNames ? `${portText(port)} ${port.name === '' ? 'without a name' : `named "${port.name}"`}` : portText(port),
    );
  const more = ports.length - shown.length;
  return `${[...new Set(shown)].join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Returns the number of a port, with the protocol unless it is TCP. */
export function portText({ number, protocol }: Pick<ContainerPort, 'number' | 'protocol'>): string {
  return protocol === 'TCP' ? String(number) : `${number}/${protocol}`;
}

const PORT_FIELDS = ['name', 'targetPort', 'appProtocol'] as const;

/** A field in which two ports with the same number can differ. */
export type PortField = (typeof PORT_FIELDS)[number];

/** The comparison of the ports of two Services. */
export interface PortPairs {
  /** Ports that both have, the same number and protocol, with something else that differs. */
  readonly unequal: readonly { readonly pair: readonly [ServicePort, ServicePort]; readonly field: PortField }[];
  /** Different ports that correspond to each other: by name, by targetPort, or because they are the only ones left. */
  readonly moved: readonly (readonly [ServicePort, ServicePort])[];
  readonly onlyA: readonly ServicePort[];
  readonly onlyB: readonly ServicePort[];
}

const pairsOf = memo((_a: readonly ServicePort[]) => new WeakMap<readonly ServicePort[], PortPairs>());

/** Finds the ports of two Services that correspond to each other. Many Rollouts may share the two. */
export function pairPorts(a: readonly ServicePort[], b: readonly ServicePort[]): PortPairs {
  return getOrAdd(pairsOf(a), b, () => pairUp(a, b));
}

function pairUp(a: readonly ServicePort[], b: readonly ServicePort[]): PortPairs {
  const inB = new Map(b.map((port) => [portText(port), port]));
  const same: (readonly [ServicePort, ServicePort])[] = [];
  const leftA: ServicePort[] = [];
  for (const port of a) {
    const twin = inB.get(portText(port));
    if (twin === undefined) leftA.push(port);
    else same.push([port, twin]);
  }
  const inA = new Set(a.map(portText));
  const leftB = new Set(b.filter((port) => !inA.has(portText(port))));
  const byName = new Map([...leftB].filter(({ name }) => name !== '').map((port) => [port.name, port]));
  const byTarget = new Map([...leftB].map((port) => [port.targetPort, port]));
  const isOnlyOne = leftA.length === 1 && leftB.size === 1;
  const moved: (readonly [ServicePort, ServicePort])[] = [];
  const onlyA: ServicePort[] = [];
  for (const port of leftA) {
    const candidates = [byName.get(port.name), byTarget.get(port.targetPort), ...(isOnlyOne ? leftB : [])];
    const counterpart = candidates.find((candidate) => candidate !== undefined && leftB.has(candidate));
    if (counterpart === undefined) onlyA.push(port);
    else {
      moved.push([port, counterpart]);
      leftB.delete(counterpart);
    }
  }
  const unequal = same.flatMap((pair) =>
    PORT_FIELDS.filter((field) => pair[0][field] !== pair[1][field]).map((field) => ({ pair, field })),
  );
  return { unequal, moved, onlyA, onlyB: [...leftB] };
}

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

/**
 * Returns the Service ports to which the routes of a Rollout send traffic. These are the destinations of its
 * VirtualService routes, for any Service, and the backends of its Gateway API routes, Ingresses, TraefikService and
 * ApisixRoute that name one of its Services. For nginx each stable backend is repeated for the canary Service, because the controller copies the Ingress
 * with that Service. For ALB it is the `servicePort` on both Services. Ports of the wrong type are left out. Source:
 * Argo Rollouts v1.9.1, `rollout/trafficrouting`, and the Gateway API plugin v0.15.0.
 */
export function portUses(rollout: KubeObject, look: RouteLookups): readonly PortUse[] {
  return [
    ...virtualServiceUses(rollout, look),
    ...gatewayUses(rollout, look),
    ...ingressUses(rollout, look),
    ...albUses(rollout),
    ...traefikUses(rollout, look),
    ...apisixUses(rollout, look),
  ];
}

function virtualServiceUses(rollout: KubeObject, look: RouteLookups): PortUse[] {
  return drivenRoutes(rollout, look).flatMap(({ entry, virtualService, route }) =>
    route.destinations.flatMap(({ host, port, path }): PortUse[] => {
      const service = destinationService(host, namespaceOf(virtualService));
      const given = at(virtualService, [...path, 'destination', 'port']);
      if (service === undefined || (port === undefined && given !== undefined && given !== null)) return [];
      const inside = [...path, 'destination', ...(port === undefined ? ['host'] : ['port', 'number'])];
      return [
        {
          by: 'VirtualService',
          object: virtualService,
          path: inside,
          from: [...entry.path, 'name'],
          namespace: service.namespace,
          service: service.name,
          port,
          route,
        },
      ];
    }),
  );
}

function gatewayUses(rollout: KubeObject, look: RouteLookups): PortUse[] {
  const canary = canaryOf(rollout);
  const names = new Set([asString(canary?.['stableService']), asString(canary?.['canaryService'])]);
  return findManagedRoutes(rollout, look).flatMap(({ route, path: from }) =>
    backendsNamed(route, names).flatMap(({ name, namespace, isService, port, path }): PortUse[] => {
      const given = at(route, [...path, 'port']);
      if (
        !isService ||
        name === '' ||
        !names.has(name) ||
        (port === undefined && given !== undefined && given !== null)
      )
        return [];
      return [
        {
          by: 'Gateway API',
          object: route,
          path: [...path, port === undefined ? 'name' : 'port'],
          from,
          namespace,
          service: name,
          port,
        },
      ];
    }),
  );
}

function ingressUses(rollout: KubeObject, look: RouteLookups): PortUse[] {
  const namespace = namespaceOf(rollout);
  const canary = canaryOf(rollout);
  const stableService = asString(canary?.['stableService']);
  const canaryService = asString(canary?.['canaryService']);
  const pingPong = stableAndCanaryServices(rollout, true);
  const names = new Set([stableService, canaryService, pingPong.stable, pingPong.canary, albActionService(rollout)]);
  const uses: PortUse[] = [];
  for (const { router, name, path: from } of managedIngresses(rollout)) {
    const ingress = look.find('Ingress.networking.k8s.io', namespace, name);
    if (ingress === undefined) continue;
    for (const { service, port, portPath } of ingressBackendsOf(ingress, names)) {
      if (port === undefined || port === USE_ANNOTATION) continue;
      uses.push({ by: 'Ingress', object: ingress, path: portPath, from, namespace, service, port });
      if (router === 'nginx' && service === stableService && canaryService !== '') {
        uses.push({
          by: 'copy of Ingress',
          object: ingress,
          path: portPath,
          from,
          namespace,
          service: canaryService,
          port,
        });
      }
    }
  }
  return uses;
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

function traefikUses(rollout: KubeObject, look: RouteLookups): PortUse[] {
  const name = traefikServiceOf(rollout);
  const object = name === '' ? undefined : look.find('TraefikService.traefik.io', namespaceOf(rollout), name);
  if (object === undefined) return [];
  const services = new Set(serviceRoles(rollout).map(([, service]) => service));
  return (traefikEntries(object) ?? [])
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

function apisixUses(rollout: KubeObject, look: RouteLookups): PortUse[] {
  const { name, path: from, rules } = apisixRefOf(rollout);
  const object = name === '' ? undefined : look.find('ApisixRoute.apisix.apache.org', namespaceOf(rollout), name);
  if (object === undefined) return [];
  const driven = new Set(rules.map((rule) => rule.name));
  const services = new Set(serviceRoles(rollout).map(([, service]) => service));
  return apisixRules(object)
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
