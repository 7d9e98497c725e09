import { memo } from './memo.ts';
import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { asArray, dig, optionalNumber, asString } from './read.ts';
import {
  managedRouteNames,
  virtualServiceEntries,
  type Find,
  type PortRoute,
  type VirtualServiceEntry,
} from './rollout.ts';

/** The three lists of routes a VirtualService has. */
export type RouteType = 'http' | 'tls' | 'tcp';

/** One weighted destination of a VirtualService route. */
export interface Destination {
  readonly host: string;
  readonly subset: string;
  /** The port number it sends to; undefined where none is named. */
  readonly port: number | undefined;
  readonly weight: number | undefined;
  readonly path: Path;
}

/** One route of a VirtualService. */
export interface Route {
  readonly type: RouteType;
  readonly index: number;
  readonly name: string;
  readonly destinations: readonly Destination[];
  readonly raw: unknown;
  readonly path: Path;
}

const TYPES: readonly RouteType[] = ['http', 'tls', 'tcp'];

// As many ports or hosts as a message has room for.
const MAX_HOSTS = 5;

interface RouteLists {
  readonly all: readonly Route[];
  readonly of: Readonly<Record<RouteType, readonly Route[]>>;
  readonly byKey: Map<RouteType, ReadonlyMap<string, readonly Route[]>>;
  /**
   * Those outside of managed routes, by the list of their names; made when it is first needed, since a WeakMap costs
   * the garbage collector.
   */
  unmanaged: WeakMap<readonly string[], readonly Route[]> | undefined;
}

const listsOf = memo((virtualService: KubeObject): RouteLists => {
  const of = {
    http: readRoutes(virtualService, 'http'),
    tls: readRoutes(virtualService, 'tls'),
    tcp: readRoutes(virtualService, 'tcp'),
  };
  return { all: [...of.http, ...of.tls, ...of.tcp], of, byKey: new Map(), unmanaged: undefined };
});

/**
 * In: a VirtualService and one of its lists. Out: the routes in it, in order; all lists by default. Unlike `routesOf`
 * it keeps nothing, for an index over very many objects.
 */
export function readRoutes(virtualService: KubeObject, type?: RouteType): readonly Route[] {
  if (type === undefined) return TYPES.flatMap((each) => readRoutes(virtualService, each));
  return asArray(dig(virtualService, 'spec', type)).map((raw, index) => readRoute(raw, type, index));
}

/**
 * In: a VirtualService, and of which lists (all by default). Out: its routes, in order; read once an object, and the
 * same ones every time.
 */
export function routesOf(virtualService: KubeObject, types: readonly RouteType[] = TYPES): readonly Route[] {
  const { all, of } = listsOf(virtualService);
  if (types === TYPES) return all;
  const [only] = types;
  return types.length === 1 && only !== undefined ? of[only] : all.filter((route) => types.includes(route.type));
}

function routesByKey(virtualService: KubeObject, type: RouteType): ReadonlyMap<string, readonly Route[]> {
  const { of, byKey } = listsOf(virtualService);
  const known = byKey.get(type) ?? Map.groupBy(of[type], routeKey);
  byKey.set(type, known);
  return known;
}

/** In: a VirtualService and the names of a Rollout's managed routes. Out: its http routes that are none of them. */
export function unmanagedRoutes(virtualService: KubeObject, managed: readonly string[]): readonly Route[] {
  const lists = listsOf(virtualService);
  if (managed.length === 0) return lists.of.http;
  lists.unmanaged ??= new WeakMap();
  let known = lists.unmanaged.get(managed);
  if (known === undefined) {
    const names = new Set(managed);
    known = lists.of.http.filter((route) => !names.has(route.name));
    lists.unmanaged.set(managed, known);
  }
  return known;
}

function readRoute(raw: unknown, type: RouteType, index: number): Route {
  const path: Path = ['spec', type, index];
  const destinations = asArray(dig(raw, 'route')).map((entry, position): Destination => ({
    host: asString(dig(entry, 'destination', 'host')),
    subset: asString(dig(entry, 'destination', 'subset')),
    port: optionalNumber(dig(entry, 'destination', 'port', 'number')),
    weight: optionalNumber(dig(entry, 'weight')),
    path: [...path, 'route', position],
  }));
  // Only http routes have names; the controller reads none elsewhere.
  return { type, index, name: type === 'http' ? asString(dig(raw, 'name')) : '', destinations, raw, path };
}

/**
 * In: a tls or tcp route. Out: the ports and SNI hosts it matches, each once, in order; a match without a port counts
 * as port 0, as for the controller.
 */
export function portsAndHosts(route: Route): {
  readonly ports: readonly number[];
  readonly sniHosts: readonly string[];
} {
  const ports = new Set<number>();
  const hosts = new Set<string>();
  for (const match of asArray(dig(route.raw, 'match'))) {
    ports.add(optionalNumber(dig(match, 'port')) ?? 0);
    for (const host of asArray(dig(match, 'sniHosts'))) hosts.add(asString(host));
  }
  return { ports: [...ports], sniHosts: [...hosts] };
}

/**
 * In: a route. Out: how a person is told which one it is: `http route "primary"`, `tls route on port 443 for
 * "a.example.com"`.
 */
export function routeTitle(route: Route): string {
  if (route.type === 'http') return route.name === '' ? 'unnamed http route' : `http route "${route.name}"`;
  return `${route.type} route ${portsTitle(route)}`;
}

/**
 * In: a tls or tcp route. Out: what it matches, for a person: `on port 443 for "a.example.com"`, `on ports 80, 443`,
 * `without a port`.
 */
export function portsTitle(route: Route): string {
  const { ports, sniHosts } = portsAndHosts(route);
  if (ports.length > 1) return `on ports ${ports.slice(0, MAX_HOSTS).join(', ')}`;
  return portTitle({ port: ports[0] ?? 0, sniHosts: route.type === 'tls' ? sniHosts : [] });
}

function portTitle({ port, sniHosts }: PortRoute): string {
  const hosts = sniHosts.slice(0, MAX_HOSTS).map((host) => `"${host}"`);
  return `${port === 0 ? 'without a port' : `on port ${port}`}${hosts.length > 0 ? ` for ${hosts.join(', ')}` : ''}`;
}

/**
 * In: a host. Out: the part before its first dot, which is all that the controller compares (Argo Rollouts v1.9.1,
 * `getHost`).
 */
export function shortHost(host: string): string {
  const dot = host.indexOf('.');
  if (dot === 0) return '';
  return dot < 0 ? host : host.slice(0, dot);
}

/**
 * In: the host of a destination and the namespace of the object it stands in. Out: the Service it means, or undefined
 * for a host outside of the cluster or one that holds a wildcard. Istio reads a host without dots as a Service of that
 * namespace (`ResolveShortnameToFQDN` of its `pilot/pkg/model`); the `.svc` and `.svc.cluster.local` forms name their
 * own; any other dotted name, `name.namespace` too, it takes as it is: an external host.
 */
export function destinationService(
  host: string,
  namespace: string,
): { readonly name: string; readonly namespace: string } | undefined {
  if (/[*/:]/.test(host)) return undefined;
  const [name = '', ns, svc] = host.split('.', 3);
  if (name === '') return undefined;
  if (ns === undefined) return { name, namespace };
  return svc === 'svc' && ns !== '' ? { name, namespace: ns } : undefined;
}

/** A host, and the namespace of the object it stands in. */
export interface PlacedHost {
  readonly host: string;
  readonly namespace: string;
}

/**
 * In: two hosts, of a destination and a DestinationRule. Out: whether they may mean the same: the same Service, or the
 * same name apart from case. Where that is not sure the answer is yes: a wildcard may cover the other, and
 * `name.namespace`, which Istio does not complete, is often meant as a Service.
 */
export function mayBeSameHost(a: PlacedHost, b: PlacedHost): boolean {
  if (a.host.includes('*') || b.host.includes('*')) return true;
  return canonicalHost(a) === canonicalHost(b);
}

function canonicalHost({ host, namespace }: PlacedHost): string {
  const service = destinationService(host, namespace);
  return (service === undefined ? host : `${service.name}.${service.namespace}`).toLowerCase();
}

/** A route that a Rollout asks for by name (http) or by port and SNI hosts (tls, tcp). */
export interface AskedRoute {
  readonly type: RouteType;
  /** Its index in `routes`, `tlsRoutes` or `tcpRoutes` of the Rollout. */
  readonly index: number;
  readonly wanted: string;
}

/** What came of looking for the routes a Rollout drives in a VirtualService. */
export interface Selection {
  /** The routes whose weights the controller sets, each once. */
  readonly routes: readonly Route[];
  /** What was asked for and is not there. */
  readonly missing: readonly AskedRoute[];
  /**
   * What was asked for in a list that the VirtualService does not have, while it has another: the controller passes
   * over it.
   */
  readonly ignored: readonly AskedRoute[];
  /**
   * The lists in which nothing is named and several routes could be meant: the controller refuses, so none of them is
   * in `routes`.
   */
  readonly ambiguous: readonly RouteType[];
  /**
   * The lists that are there, empty, and nothing is asked for in them: the controller takes the first route of it all
   * the same, and panics.
   */
  readonly empty: readonly RouteType[];
}

/**
 * In: a VirtualService, the entry by which a Rollout names it, and the Rollout's managed routes. Out: the routes whose
 * weights the controller sets. (It sets those of mirror routes it put in itself as well; these are not told.) Source:
 * Argo Rollouts v1.9.1, `rollout/trafficrouting/istio`: only lists that are there count; http routes by name, the first
 * of that name; without names the only route, else the first unnamed one; tls and tcp routes by their one port and all
 * SNI hosts, every one that matches; without any the first; without names more than one candidate outside of the
 * managed routes is an error.
 */
export function selectRoutes(
  virtualService: KubeObject,
  entry: VirtualServiceEntry,
  managed: readonly string[],
): Selection {
  const selection: Draft = { routes: new Set(), missing: [], ignored: [], ambiguous: [], empty: [] };
  const present = new Set(TYPES.filter((type) => Array.isArray(dig(virtualService, 'spec', type))));
  for (const type of TYPES) {
    const asked = askedFor(entry, type);
    if (!present.has(type)) {
      const list = present.size === 0 ? selection.missing : selection.ignored;
      for (const { index, wanted } of asked) list.push({ type, index, wanted });
    } else if (asked.length > 0) {
      selectAsked(selection, virtualService, type, asked);
    } else {
      selectOnly(selection, virtualService, type, managed);
    }
  }
  return { ...selection, routes: [...selection.routes] };
}

interface Draft {
  readonly routes: Set<Route>;
  readonly missing: AskedRoute[];
  readonly ignored: AskedRoute[];
  readonly ambiguous: RouteType[];
  readonly empty: RouteType[];
}

function selectAsked(
  draft: Draft,
  virtualService: KubeObject,
  type: RouteType,
  asked: ReturnType<typeof askedFor>,
): void {
  const byKey = routesByKey(virtualService, type);
  const seen = new Set<string>();
  for (const { index, wanted, key } of asked) {
    const found = byKey.get(key) ?? [];
    if (found.length === 0) draft.missing.push({ type, index, wanted });
    if (seen.has(key)) continue;
    seen.add(key);
    for (const route of type === 'http' ? found.slice(0, 1) : found) draft.routes.add(route);
  }
}

function selectOnly(draft: Draft, virtualService: KubeObject, type: RouteType, managed: readonly string[]): void {
  const all = routesOf(virtualService, [type]);
  const candidates = type === 'http' ? unmanagedRoutes(virtualService, managed) : all;
  if (candidates.length > 1) draft.ambiguous.push(type);
  else if (all.length === 0 && type !== 'http') draft.empty.push(type);
  else {
    const chosen = all.length === 1 ? all[0] : routesByKey(virtualService, type).get('')?.[0];
    if (chosen !== undefined) draft.routes.add(chosen);
  }
}

function askedFor(
  entry: VirtualServiceEntry,
  type: RouteType,
): { readonly index: number; readonly wanted: string; readonly key: string }[] {
  if (type === 'http') return entry.routes.map((name, index) => ({ index, wanted: name, key: name }));
  return (type === 'tls' ? entry.tlsRoutes : entry.tcpRoutes).map(({ port, sniHosts }, index) => {
    const hosts = type === 'tls' ? sniHosts : [];
    return { index, wanted: portTitle({ port, sniHosts: hosts }), key: portKey(port, hosts) };
  });
}

function routeKey(route: Route): string {
  if (route.type === 'http') return route.name;
  const { ports, sniHosts } = portsAndHosts(route);
  return ports.length > 1 ? 'several ports' : portKey(ports[0] ?? 0, route.type === 'tls' ? sniHosts : []);
}

// The hosts of a route are each there once; the controller compares their number too, so a host asked for twice matches
// nothing.
function portKey(port: number, hosts: readonly string[]): string {
  return JSON.stringify([port, hosts.toSorted()]);
}

/** A route that a Rollout drives, and where it stands. */
export interface DrivenRoute {
  /** The first entry of the Rollout that selects it. */
  readonly entry: VirtualServiceEntry;
  readonly virtualService: KubeObject;
  readonly route: Route;
}

/**
 * In: a Rollout and how to look its VirtualServices up. Out: the routes whose weights the controller sets for it, each
 * once; none of a VirtualService that is not found.
 */
export function drivenRoutes(rollout: KubeObject, find: Find): readonly DrivenRoute[] {
  const managed = managedRouteNames(rollout);
  const driven = new Map<Route, DrivenRoute>();
  for (const entry of virtualServiceEntries(rollout)) {
    const virtualService =
      entry.name === '' ? undefined : find('VirtualService.networking.istio.io', entry.namespace, entry.name);
    if (virtualService === undefined) continue;
    for (const route of selectRoutes(virtualService, entry, managed).routes) {
      if (!driven.has(route)) driven.set(route, { entry, virtualService, route });
    }
  }
  return [...driven.values()];
}
