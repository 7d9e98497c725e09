import type { Operation } from 'fast-json-patch';
import { keyOf, kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { memo } from '../world/memo.ts';
import { routesOf, selectRoutes, shortHost, type Route, type RouteType } from '../world/istio.ts';
import { asArray, dig, isObject, asObject, asString } from '../world/read.ts';
import {
  destinationRuleOf,
  managedRouteNames,
  stableAndCanaryServices,
  virtualServiceReadings,
  type VirtualServiceEntry,
} from '../world/rollout.ts';
import { versionsMatching } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import { definePreserver, NEVER, NOTHING, together, type Preserved } from './define.ts';
import { insertAt, removeAt, setAt } from '../world/json-patch.ts';
import { liveManagedRoutes, percent, statusWeights, type StatusWeights } from './weights.ts';

/**
 * How the controller classifies a destination of a weighted route, in the order in which it decides (Argo Rollouts
 * v1.9.1, `processRoutes`).
 */
type Part = 'canary' | 'stable' | 'experiment' | 'additional' | 'other';

/** One destination of a weighted route. */
interface Share {
  readonly part: Part;
  /** The Service, without its domain. */
  readonly host: string;
  /** Undefined if the field does not hold a number. */
  readonly weight: number | undefined;
  readonly raw: unknown;
}

// No controller adds more routes with these names, and removing each takes time in proportion to the list.
const MOST_REPEATED = 100;

/**
 * Keeps the traffic weights in the routes of a VirtualService that a Rollout controls, and the routes that its header
 * and mirror steps add. The weights are computed for the routes as submitted, with the stored share of the canary.
 * Follows Argo Rollouts v1.9.1, `rollout/trafficrouting/istio` (SetWeight, orderRoutes).
 */
export const virtualServiceWeights = definePreserver({
  id: 'virtualservice-weights',
  summary:
    'The routes of a VirtualService that a Rollout controls keep their weights, and the header and mirror routes before them.',
  kinds: ['VirtualService.networking.istio.io'],
  keep({ submitted, old, rollout, world }) {
    const status = statusWeights(rollout);
    if (status === undefined) return NEVER;
    const entries = virtualServiceReadings(rollout).filter(
      (entry) =>
        versionsMatching(world.versions, entry.versions) !== 'none' &&
        entry.namespace === namespaceOf(submitted) &&
        entry.name === submitted.metadata.name,
    );
    const managed = managedRouteNames(rollout);
    const selected = (object: KubeObject, entry: VirtualServiceEntry): readonly Route[] =>
      selectRoutes(object, entry, managed).routes;
    const storedRoutes = old === undefined ? [] : entries.flatMap((entry) => selected(old, entry));
    const sharesOf = sharesFor(rollout, status);
    const anyStored = storedRoutes.map((route) => canaryShare(sharesOf(route))).find((weight) => weight !== undefined);

    const stored = new StoredRoutes(old, storedRoutes);
    const kept: Preserved[] = [];
    const done = new Set<string>();
    for (const entry of entries) {
      for (const route of selected(submitted, entry)) {
        const place = `${route.type} ${route.index}`;
        if (done.has(place)) continue;
        done.add(place);
        const storedRoute = stored.routeFor(route);
        const shares = storedRoute === undefined ? [] : sharesOf(storedRoute);
        const canary = canaryShare(shares) ?? anyStored ?? status.canary;
        if (canary !== undefined) kept.push(keepWeights(submitted, route, sharesOf(route), shares, canary, status));
      }
    }
    const named = new Set(entries.flatMap((entry) => entry.routes));
    const names = liveManagedRoutes(rollout).filter((name) => !named.has(name));
    if (old === undefined || names.length === 0) return { ...together(kept), parts: done };
    // Weights first: their paths count the routes as they were submitted.
    return together([...kept, keepManagedRoutes(submitted, old, names, world)]);
  },
});

/** Returns a function that classifies the destinations of a route. */
function sharesFor(rollout: KubeObject, status: StatusWeights): (route: Route) => readonly Share[] {
  const services = stableAndCanaryServices(rollout, false);
  const rule = destinationRuleOf(rollout);
  const additional = new Set(rule?.additionalSubsets);
  const partOf = (host: string, subset: string): Part => {
    if (host === '') return 'other';
    if (host === services.canary || (subset !== '' && subset === rule?.canarySubset)) return 'canary';
    if (host === services.stable || (subset !== '' && subset === rule?.stableSubset)) return 'stable';
    if (status.additional.has(host)) return 'experiment';
    return subset !== '' && additional.has(subset) ? 'additional' : 'other';
  };
  return (route) => {
    const raws = asArray(dig(route.raw, 'route'));
    return route.destinations.map(({ host, subset }, index) => {
      const raw = raws[index];
      const short = shortHost(host);
      const weight = dig(raw, 'weight') ?? 0;
      return { part: partOf(short, subset), host: short, weight: typeof weight === 'number' ? weight : undefined, raw };
    });
  };
}

function canaryShare(shares: readonly Share[]): number | undefined {
  // Traffic is never shifted in a route whose only destination is the canary.
  return shares.length < 2 ? undefined : percent(shares.find(({ part }) => part === 'canary')?.weight);
}

// Once for all Rollouts of a VirtualService. The first route of a name wins, as it does in Istio.
const httpRoutesByName = memo(
  (virtualService: KubeObject): ReadonlyMap<string, Route> =>
    new Map(
      routesOf(virtualService, ['http'])
        .toReversed()
        .map((route) => [route.name, route]),
    ),
);

/** The routes of the stored VirtualService, found by their names or matches. */
class StoredRoutes {
  readonly #byName: ReadonlyMap<string, Route>;
  readonly #byMatch = new Map<string, Route>();
  readonly #first = new Map<RouteType, Route>();

  constructor(old: KubeObject | undefined, controlled: readonly Route[]) {
    this.#byName = old === undefined ? new Map() : httpRoutesByName(old);
    for (const route of controlled) {
      if (!this.#byMatch.has(matchKey(route))) this.#byMatch.set(matchKey(route), route);
      if (!this.#first.has(route.type)) this.#first.set(route.type, route);
    }
  }

  /** Returns the stored route that corresponds to a submitted one. */
  routeFor(route: Route): Route | undefined {
    if (route.type === 'http' && route.name !== '') return this.#byName.get(route.name);
    return this.#byMatch.get(matchKey(route)) ?? this.#first.get(route.type);
  }
}

function matchKey(route: Route): string {
  return `${route.type} ${JSON.stringify(dig(route.raw, 'match'))}`;
}

function keepWeights(
  submitted: KubeObject,
  route: Route,
  shares: readonly Share[],
  stored: readonly Share[],
  canary: number,
  status: StatusWeights,
): Preserved {
  const controlled = shares.filter(({ part }) => part !== 'other');
  const shifts = controlled.some(({ part }) => part === 'canary') && controlled.some(({ part }) => part === 'stable');
  if (!shifts || controlled.some(({ weight }) => weight === undefined)) return NOTHING;
  const submittedHosts = new Set(shares.map(({ host }) => host));
  const dropped = stored.filter(
    ({ part, host, raw }) => part === 'experiment' && isObject(raw) && !submittedHosts.has(host),
  );
  const missing = new Map(dropped.map(({ host, raw }) => [host, asObject(raw)]));
  const experiments = new Set([
    ...controlled.filter(({ part }) => part === 'experiment').map(({ host }) => host),
    ...missing.keys(),
  ]);
  const taken = [...experiments].reduce((sum, host) => sum + (status.additional.get(host) ?? 0), 0);
  const additional = controlled.reduce((sum, { part, weight }) => sum + (part === 'additional' ? (weight ?? 0) : 0), 0);
  const stable = Math.max(0, 100 - canary - taken - additional);

  const operations: Operation[] = [];
  for (const [index, share] of shares.entries()) {
    const target = {
      canary,
      stable,
      experiment: status.additional.get(share.host) ?? 0,
      additional: share.weight,
      other: share.weight,
    }[share.part];
    if (target !== share.weight)
      operations.push(...setAt(submitted, [...route.path, 'route', index, 'weight'], target));
  }
  for (const [host, raw] of missing) {
    operations.push(insertAt([...route.path, 'route', '-'], { ...raw, weight: status.additional.get(host) ?? 0 }));
  }
  if (operations.length === 0) return NOTHING;
  const experimentWeights = [...experiments].map((host) => `, ${host} ${status.additional.get(host) ?? 0}`).join('');
  return {
    operations,
    notes: [`weights stable ${stable}, canary ${canary}${experimentWeights} in ${describe(route)}`],
  };
}

function describe(route: Route): string {
  if (route.name !== '') return `${route.type} route "${route.name}"`;
  const port = dig(asArray(dig(route.raw, 'match'))[0], 'port');
  return typeof port === 'number' ? `the ${route.type} route on port ${port}` : `the ${route.type} route`;
}

/**
 * Returns the operations that restore the stored routes of these names, in order and before all others. The controller
 * owns such a route completely, even if it did not write it.
 * @param names - The names of the routes that the controller adds, in order.
 */
function keepManagedRoutes(submitted: KubeObject, old: KubeObject, names: readonly string[], world: World): Preserved {
  const stored = httpRoutesByName(old);
  const owned = names.map((name) => stored.get(name)?.raw).filter(isObject);
  if (owned.length === 0) return NOTHING;
  const http = asArray(dig(submitted, 'spec', 'http'));
  const own = new Set(owned.map((route) => asString(route['name'])));
  const isOwn = (route: unknown): boolean => own.has(asString(dig(route, 'name')));
  const places = http.flatMap((route, index) => (isOwn(route) ? [index] : []));
  if (places.length === http.length || places.length > MOST_REPEATED) return NOTHING;

  const inOrder =
    places.length === owned.length &&
    places.every((place, position) => asString(dig(http[place], 'name')) === asString(owned[position]?.['name']));
  const before = http.slice(0, places.at(-1) ?? 0).filter((route) => !isOwn(route));
  const first = inOrder && (before.length === 0 || areManaged(before, submitted, world));
  const operations = first
    ? owned.flatMap((route, position) => setAt(submitted, ['spec', 'http', places[position] ?? 0], route))
    : [
        ...places.toReversed().map((place) => removeAt(['spec', 'http', place])),
        ...owned.map((route, position) => insertAt(['spec', 'http', position], route)),
      ];
  if (operations.length === 0) return NOTHING;
  return {
    operations,
    notes: [`http route ${[...own].map((name) => `"${name}"`).join(', ')} of the update in progress`],
  };
}

// The routes of another Rollout that controls the same VirtualService may come before the routes of this one.
function areManaged(routes: readonly unknown[], virtualService: KubeObject, world: World): boolean {
  const rollouts = world
    .referrers(keyOf(virtualService))
    .filter((referrer) => kindOf(referrer) === 'Rollout.argoproj.io');
  const names = new Set(rollouts.flatMap((rollout) => managedRouteNames(rollout)));
  return routes.every((route) => asString(dig(route, 'name')) !== '' && names.has(asString(dig(route, 'name'))));
}
