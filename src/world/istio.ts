import { getOrAdd } from './get-or-add.ts';
import { countedMemo, memo, type Counting } from './memo.ts';
import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import type { Place } from './place.ts';
import { readOnce } from './read-once.ts';
import { asArray, dig, optionalNumber, asString } from './read.ts';
import {
  MANAGED_ROUTE_PLACES,
  managedRouteNames,
  VIRTUAL_SERVICE_ENTRY_PLACES,
  virtualServiceEntries,
  type Find,
  type PortRoute,
  type VersionedLook,
  type VirtualServiceEntry,
} from './rollout.ts';

/** A weighted destination of a VirtualService route. */
export interface Destination {
  readonly host: string;
  readonly subset: string;
  /** The destination port number; undefined if none is set. */
  readonly port: number | undefined;
  readonly weight: number | undefined;
  readonly path: Path;
}

/** A route of a VirtualService. */
export interface Route {
  readonly type: RouteType;
  readonly index: number;
  readonly name: string;
  /** Returns them in order. They are read once per route. See `countedDestinations`. */
  readonly destinations: () => readonly Destination[];
  readonly raw: unknown;
  readonly path: Path;
}

/** The three lists of routes in a VirtualService. */
export const ROUTE_TYPES = ['http', 'tls', 'tcp'] as const;

/** One of the three lists. */
export type RouteType = (typeof ROUTE_TYPES)[number];

// As many ports or hosts as a message has room for.
const MAX_HOSTS = 5;

interface RouteLists {
  readonly all: readonly Route[];
  readonly of: Readonly<Record<RouteType, readonly Route[]>>;
  readonly byKey: Map<RouteType, ReadonlyMap<string, readonly Route[]>>;
}

// What it takes to read a route and to find it by its name, or by its ports and hosts, in operations.
const COST_OF_ROUTE = { http: 1, tls: 3, tcp: 3 } as const satisfies Record<RouteType, number>;

const listsOf = countedMemo(
  (virtualService: KubeObject): RouteLists => {
    const of = {
      http: readRoutes(virtualService, 'http'),
      tls: readRoutes(virtualService, 'tls'),
      tcp: readRoutes(virtualService, 'tcp'),
    };
    return { all: [...of.http, ...of.tls, ...of.tcp], of, byKey: new Map() };
  },
  (virtualService) =>
    ROUTE_TYPES.reduce((sum, type) => sum + COST_OF_ROUTE[type] * asArray(dig(virtualService, 'spec', type)).length, 0),
);

/** Reads the routes of a VirtualService for a check. The operations are counted before they are done. */
export function countRoutes(virtualService: KubeObject, counting: Counting): void {
  listsOf(virtualService, counting);
}

/** Does the same, and counts what an entry names, each an operation, before its routes are selected. */
export function countSelection(virtualService: KubeObject, entry: VirtualServiceEntry, counting: Counting): void {
  countRoutes(virtualService, counting);
  counting.spend(entry.routes.length + entry.tlsRoutes.length + entry.tcpRoutes.length);
}

/** The places that `selectRoutes` reads in a VirtualService. */
export const SELECTION_PLACES: readonly Place[] = ['spec.http[*].name', 'spec.tls', 'spec.tcp'];

/** The places that everything here reads in a VirtualService: the destinations as well. */
export const ROUTE_PLACES: readonly Place[] = [...SELECTION_PLACES, 'spec.http[*].route'];

function readRoutes(virtualService: KubeObject, type: RouteType): readonly Route[] {
  return asArray(dig(virtualService, 'spec', type)).map((raw, index) => readRoute(raw, type, index));
}

/**
 * Returns the routes of a VirtualService, in order. They are read once per object, and are the same ones every time.
 * @param types - The lists to read; all by default.
 */
export function routesOf(virtualService: KubeObject, types: readonly RouteType[] = ROUTE_TYPES): readonly Route[] {
  const { all, of } = listsOf(virtualService);
  if (types === ROUTE_TYPES) return all;
  const [only] = types;
  return types.length === 1 && only !== undefined ? of[only] : all.filter((route) => types.includes(route.type));
}

function routesByKey(virtualService: KubeObject, type: RouteType): ReadonlyMap<string, readonly Route[]> {
  const { of, byKey } = listsOf(virtualService);
  const known = byKey.get(type) ?? Map.groupBy(of[type], routeKey);
  byKey.set(type, known);
  return known;
}

/** Returns the http routes of a VirtualService with a name, in order. */
export function routesNamed(virtualService: KubeObject, name: string): readonly Route[] {
  return routesByKey(virtualService, 'http').get(name) ?? NO_ROUTES;
}

/** Returns the http routes of a VirtualService by name. */
export function routeNames(virtualService: KubeObject): ReadonlyMap<string, readonly Route[]> {
  return routesByKey(virtualService, 'http');
}

const NO_ROUTES: readonly Route[] = [];

/** The http routes of a VirtualService that are not managed routes. */
export interface UnmanagedRoutes {
  readonly count: number;
  /** The first of each name, in order. Reads no further than it is asked to. */
  readonly firstOfEach: () => Iterable<Route>;
}

const unmanagedIn = memo(
  (_virtualService: KubeObject): { last?: { managed: readonly string[]; routes: UnmanagedRoutes } } => ({}),
);

/**
 * Returns the http routes of a VirtualService that are not managed routes. Costs no more than the managed routes do, and
 * that once for all entries of a Rollout.
 * @param managed - The names of the Rollout's managed routes.
 */
export function unmanagedRoutes(virtualService: KubeObject, managed: readonly string[]): UnmanagedRoutes {
  const known = unmanagedIn(virtualService);
  if (known.last?.managed !== managed) known.last = { managed, routes: findUnmanaged(virtualService, managed) };
  return known.last.routes;
}

function findUnmanaged(virtualService: KubeObject, managed: readonly string[]): UnmanagedRoutes {
  const byName = routesByKey(virtualService, 'http');
  const names = managedNames(managed);
  let count = listsOf(virtualService).of.http.length;
  if (names.size < byName.size) for (const name of names) count -= byName.get(name)?.length ?? 0;
  else for (const [name, routes] of byName) if (names.has(name)) count -= routes.length;
  return { count, firstOfEach: readOnce(firstUnmanaged(byName, names)) };
}

function* firstUnmanaged(
  byName: ReadonlyMap<string, readonly Route[]>,
  managed: ReadonlySet<string>,
): Generator<Route, void, undefined> {
  for (const [name, [first]] of byName) if (first !== undefined && !managed.has(name)) yield first;
}

const managedNames = memo((managed: readonly string[]): ReadonlySet<string> => new Set(managed));

function readRoute(raw: unknown, type: RouteType, index: number): Route {
  const path: Path = ['spec', type, index];
  let destinations: readonly Destination[] | undefined;
  return {
    type,
    index,
    // Only http routes have names; the controller reads no others.
    name: type === 'http' ? asString(dig(raw, 'name')) : '',
    destinations: () => (destinations ??= readDestinations(raw, path)),
    raw,
    path,
  };
}

function readDestinations(raw: unknown, path: Path): readonly Destination[] {
  return asArray(dig(raw, 'route')).map((entry, position) => ({
    host: asString(dig(entry, 'destination', 'host')),
    subset: asString(dig(entry, 'destination', 'subset')),
    port: optionalNumber(dig(entry, 'destination', 'port', 'number')),
    weight: optionalNumber(dig(entry, 'weight')),
    path: [...path, 'route', position],
  }));
}

/** Returns the destinations of a route for a rule that goes through them: each is an operation, counted before. */
export function countedDestinations(route: Route, { spend }: Counting): readonly Destination[] {
  spend(asArray(dig(route.raw, 'route')).length);
  return route.destinations();
}

/**
 * Returns the ports and SNI hosts that a tls or tcp route matches, each once, in order. A match without a port counts
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

/** Returns the name of a route for messages: `http route "primary"`, `tls route on port 443 for "a.example.com"`. */
export function routeTitle(route: Route): string {
  if (route.type === 'http') return route.name === '' ? 'unnamed http route' : `http route "${route.name}"`;
  return `${route.type} route ${portsTitle(route)}`;
}

/**
 * Returns what a tls or tcp route matches, for messages: `on port 443 for "a.example.com"`, `on ports 80, 443`,
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

/** A route that a Rollout selects by name (http) or by port and SNI hosts (tls, tcp). */
export interface RequestedRoute {
  readonly type: RouteType;
  /** Its index in `routes`, `tlsRoutes` or `tcpRoutes` of the Rollout. */
  readonly index: number;
  readonly wanted: string;
}

/** The names, or ports and hosts, by which a Rollout selects routes of one VirtualService. */
export type Selected = Readonly<Record<RouteType, Set<string>>>;

/** Returns what no entry has added to yet. */
export function nothingSelected(): Selected {
  return { http: new Set(), tls: new Set(), tcp: new Set() };
}

/** The routes in a VirtualService that an entry of a Rollout selects. */
export interface Selection {
  /** The routes whose weights the controller sets, each once. */
  readonly routes: readonly Route[];
  /** The selected routes that do not exist. */
  readonly missing: readonly RequestedRoute[];
  /**
   * The routes selected from a list that the VirtualService lacks while it has another: the controller ignores them.
   */
  readonly ignored: readonly RequestedRoute[];
  /**
   * The lists in which the Rollout names no route and several are candidates. The controller reports an error, so none
   * of them is in `routes`.
   */
  readonly ambiguous: readonly RouteType[];
  /** The empty lists in which the Rollout names no route: the controller panics when it reads their first route. */
  readonly empty: readonly RouteType[];
}

/**
 * Returns the routes of a VirtualService whose weights the controller sets. (It also sets the weights of mirror routes
 * that it added itself; these are not included.) Source: Argo Rollouts v1.9.1, `rollout/trafficrouting/istio`:
 * - Only lists that exist count.
 * - http routes are selected by name, the first with that name; without names the only route, otherwise the first
 *   unnamed one.
 * - tls and tcp routes are selected by their single port and all SNI hosts, every one that matches; without any, the
 *   first.
 * - Without names, more than one candidate that is not a managed route is an error.
 *
 * @param managed - The names of the Rollout's managed routes.
 * @param selected - What earlier entries of the Rollout selected in this VirtualService by name, or by ports and hosts:
 * left out of `routes`, so that many entries take no longer than there are routes. The selection is added to it.
 */
export function selectRoutes(
  virtualService: KubeObject,
  entry: VirtualServiceEntry,
  managed: readonly string[],
  selected: Selected,
): Selection {
  const selection: SelectionDraft = { routes: new Set(), missing: [], ignored: [], ambiguous: [], empty: [] };
  const present = new Set(ROUTE_TYPES.filter((type) => Array.isArray(dig(virtualService, 'spec', type))));
  for (const type of ROUTE_TYPES) {
    const requested = requestedRoutes(entry, type);
    if (!present.has(type)) {
      const list = present.size === 0 ? selection.missing : selection.ignored;
      for (const { index, wanted } of requested) list.push({ type, index, wanted });
    } else if (requested.length > 0) {
      selectRequested(selection, virtualService, type, requested, selected);
    } else {
      selectUnnamed(selection, virtualService, type, managed);
    }
  }
  return { ...selection, routes: [...selection.routes] };
}

interface SelectionDraft {
  readonly routes: Set<Route>;
  readonly missing: RequestedRoute[];
  readonly ignored: RequestedRoute[];
  readonly ambiguous: RouteType[];
  readonly empty: RouteType[];
}

function selectRequested(
  draft: SelectionDraft,
  virtualService: KubeObject,
  type: RouteType,
  requested: ReturnType<typeof requestedRoutes>,
  selected: Selected,
): void {
  const byKey = routesByKey(virtualService, type);
  for (const { index, wanted, key } of requested) {
    const found = byKey.get(key) ?? [];
    if (found.length === 0) draft.missing.push({ type, index, wanted });
    if (selected[type].has(key)) continue;
    selected[type].add(key);
    for (const route of type === 'http' ? found.slice(0, 1) : found) draft.routes.add(route);
  }
}

function selectUnnamed(
  draft: SelectionDraft,
  virtualService: KubeObject,
  type: RouteType,
  managed: readonly string[],
): void {
  const all = routesOf(virtualService, [type]);
  const candidates = type === 'http' ? unmanagedRoutes(virtualService, managed).count : all.length;
  if (candidates > 1) draft.ambiguous.push(type);
  else if (all.length === 0 && type !== 'http') draft.empty.push(type);
  else {
    const chosen = all.length === 1 ? all[0] : routesByKey(virtualService, type).get('')?.[0];
    if (chosen !== undefined) draft.routes.add(chosen);
  }
}

function requestedRoutes(
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

// A route contains each host once. The controller also compares the number of hosts, so a duplicate host in the Rollout
// matches nothing.
function portKey(port: number, hosts: readonly string[]): string {
  return JSON.stringify([port, hosts.toSorted()]);
}

/** A route that a Rollout controls, and its origin. */
export interface DrivenRoute {
  /** The first entry of the Rollout that selects it. */
  readonly entry: VirtualServiceEntry;
  readonly virtualService: KubeObject;
  readonly route: Route;
}

/** The places that `drivenRoutes` reads in a Rollout. */
export const DRIVEN_ROUTE_PLACES: readonly Place[] = [...VIRTUAL_SERVICE_ENTRY_PLACES, ...MANAGED_ROUTE_PLACES];

/** Returns the routes whose weights the controller sets for a Rollout, each once. Ignores missing VirtualServices. */
export function drivenRoutes(
  rollout: KubeObject,
  look: VersionedLook & Counting & { readonly find: Find },
): readonly DrivenRoute[] {
  const managed = managedRouteNames(rollout);
  const driven = new Map<Route, DrivenRoute>();
  const selected = new Map<KubeObject, Selected>();
  for (const entry of virtualServiceEntries(rollout, look)) {
    const virtualService =
      entry.name === '' ? undefined : look.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
    if (virtualService === undefined) continue;
    countSelection(virtualService, entry, look);
    const before = getOrAdd(selected, virtualService, nothingSelected);
    for (const route of selectRoutes(virtualService, entry, managed, before).routes) {
      if (!driven.has(route)) driven.set(route, { entry, virtualService, route });
    }
  }
  return [...driven.values()];
}
