import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { array, dig, optionalNumber, string } from './read.ts';
import type { PortRoute, VirtualServiceEntry } from './rollout.ts';

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

/** In: a VirtualService, and of which lists (all by default). Out: its routes, in order. */
export function routesOf(virtualService: KubeObject, types: readonly RouteType[] = TYPES): Route[] {
  return types.flatMap((type) =>
    array(dig(virtualService, 'spec', type)).map((raw, index): Route => {
      const path: Path = ['spec', type, index];
      const destinations = array(dig(raw, 'route')).map((entry, position): Destination => ({
        host: string(dig(entry, 'destination', 'host')),
        subset: string(dig(entry, 'destination', 'subset')),
        port: optionalNumber(dig(entry, 'destination', 'port', 'number')),
        weight: optionalNumber(dig(entry, 'weight')),
        path: [...path, 'route', position],
      }));
      return { type, index, name: string(dig(raw, 'name')), destinations, raw, path };
    }),
  );
}

/** In: a host. Out: the part before its first dot, which is all that the controller compares (Argo Rollouts v1.9.1, `getHost`). */
export function shortHost(host: string): string {
  const dot = host.indexOf('.');
  if (dot === 0) return '';
  return dot < 0 ? host : host.slice(0, dot);
}

/**
 * In: the host of a destination and the namespace of the object it stands in. Out: the Service it means, or undefined for a host outside of the cluster
 * or one that holds a wildcard. Istio reads a host without dots as a Service of that namespace; `name.namespace`, `.svc` and
 * `.svc.cluster.local` forms name their own; a dotted name that is no such form is an external host.
 */
export function destinationService(host: string, namespace: string): { readonly name: string; readonly namespace: string } | undefined {
  if (host === '' || host.includes('*') || host.includes('/')) return undefined;
  const parts = host.split('.');
  const [name = '', ns] = parts;
  if (name === '') return undefined;
  if (ns === undefined) return { name, namespace };
  // `a.b` alone is `example.com` as often as a Service `a` of namespace `b`; Istio itself only completes names without dots.
  if (parts[2] !== 'svc') return undefined;
  return { name, namespace: ns };
}

/** What came of looking for the routes a Rollout drives in a VirtualService. */
export interface Selection {
  /** The routes whose weights the controller sets. */
  readonly routes: readonly Route[];
  /** The names (http) or ports (tls, tcp) that were asked for and are not there. */
  readonly missing: readonly { readonly type: RouteType; readonly index: number; readonly wanted: string }[];
  /** The lists in which nothing is named and several routes could be meant. */
  readonly ambiguous: readonly RouteType[];
}

/**
 * In: a VirtualService, the entry by which a Rollout names it, and the Rollout's managed routes. Out: the routes whose weights the controller sets.
 * Source: Argo Rollouts v1.9.1, `rollout/trafficrouting/istio`: http routes by name, the first of that name; without names the only
 * route, else the first unnamed one; tls and tcp routes by their one port (and SNI hosts), without any the first; more than one
 * candidate outside of the managed routes is an error.
 */
export function selectRoutes(virtualService: KubeObject, entry: VirtualServiceEntry, managed: readonly string[]): Selection {
  const routes: Route[] = [];
  const missing: { type: RouteType; index: number; wanted: string }[] = [];
  const ambiguous: RouteType[] = [];

  const http = routesOf(virtualService, ['http']);
  if (entry.routes.length === 0) {
    const own = http.filter((route) => !managed.includes(route.name) || route.name === '');
    if (own.length > 1) ambiguous.push('http');
    const chosen = http.length === 1 ? http[0] : http.find((route) => route.name === '');
    if (chosen !== undefined) routes.push(chosen);
  } else if (Array.isArray(dig(virtualService, 'spec', 'http')) || !hasOtherRoutes(virtualService)) {
    for (const [index, name] of entry.routes.entries()) {
      const found = http.find((route) => route.name === name);
      if (found === undefined) missing.push({ type: 'http', index, wanted: name });
      else routes.push(found);
    }
  }

  for (const type of ['tls', 'tcp'] as const) {
    const wanted = type === 'tls' ? entry.tlsRoutes : entry.tcpRoutes;
    const candidates = routesOf(virtualService, [type]);
    if (candidates.length === 0 && wanted.length === 0) continue;
    if (wanted.length === 0) {
      if (candidates.length > 1) ambiguous.push(type);
      else if (candidates[0] !== undefined) routes.push(candidates[0]);
      continue;
    }
    if (candidates.length === 0 && !Array.isArray(dig(virtualService, 'spec', type)) && http.length > 0) continue;
    for (const [index, route] of wanted.entries()) {
      const found = candidates.filter((candidate) => matchesPort(candidate, route, type));
      if (found.length === 0) missing.push({ type, index, wanted: describePort(route, type) });
      routes.push(...found);
    }
  }
  return { routes: [...new Set(routes)], missing, ambiguous };
}

function hasOtherRoutes(virtualService: KubeObject): boolean {
  return Array.isArray(dig(virtualService, 'spec', 'tls')) || Array.isArray(dig(virtualService, 'spec', 'tcp'));
}

function matchesPort(route: Route, wanted: PortRoute, type: 'tls' | 'tcp'): boolean {
  const ports = new Set<number>();
  const hosts = new Set<string>();
  for (const match of array(dig(route.raw, 'match'))) {
    ports.add(optionalNumber(dig(match, 'port')) ?? 0);
    for (const host of array(dig(match, 'sniHosts'))) hosts.add(string(host));
  }
  if (ports.size > 1) return false;
  const [port = 0] = ports;
  if (port !== wanted.port) return false;
  if (type === 'tcp') return true;
  return hosts.size === new Set(wanted.sniHosts).size && wanted.sniHosts.every((host) => hosts.has(host));
}

function describePort(route: PortRoute, type: 'tls' | 'tcp'): string {
  return type === 'tls' && route.sniHosts.length > 0 ? `port ${route.port} for ${route.sniHosts.join(', ')}` : `port ${route.port}`;
}
