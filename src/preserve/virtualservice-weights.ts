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
import { insertAt, removeAt, same, setAt } from '../world/json-patch.ts';
import { Counterparts, keepRule, scaled, shareOf, weightOf, type Backend, type Share } from './shares.ts';
import { describeWeights, lastWriterOf, relationOf, type LastWriter } from './source.ts';
import { ISTIO_SCALE, liveManagedRoutes, statusWeights, type StatusWeights } from './weights.ts';

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
  keep({ submitted, old, rollout, world, manager = '' }) {
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
    const backendsOf = backendsFor(rollout, status);
    const writerOf = (type: RouteType): LastWriter => lastWriterOf(old, type, manager);
    const storedRoutes = old === undefined ? [] : entries.flatMap((entry) => selected(old, entry));
    const stored = new StoredRoutes(old, storedRoutes);
    const isMissed = storedRoutes.some(
      (route) => relationOf(backendsOf(route), status, ISTIO_SCALE, writerOf(route.type)) === 'missed',
    );
    const anyStored = isMissed
      ? undefined
      : storedRoutes.map((route) => shareOf(backendsOf(route), ISTIO_SCALE)).find((share) => share !== undefined);
    const common = anyStored ?? (status.share && scaled(status.share, ISTIO_SCALE.totals[0]));

    const kept: Preserved[] = [];
    const done = new Set<string>();
    for (const entry of entries) {
      for (const route of selected(submitted, entry)) {
        const place = `${route.type} ${route.index}`;
        if (done.has(place)) continue;
        done.add(place);
        const storedRoute = stored.routeFor(route);
        kept.push(
          keepWeights(submitted, route, {
            backends: backendsOf(route),
            stored: storedRoute === undefined ? undefined : backendsOf(storedRoute),
            common,
            status,
            writer: writerOf(route.type),
          }),
        );
      }
    }
    const named = new Set(entries.flatMap((entry) => entry.routes));
    const names = liveManagedRoutes(rollout).filter((name) => !named.has(name));
    if (old === undefined || names.length === 0) return { ...together(kept), parts: done };
    // Weights first: their paths count the routes as they were submitted.
    return together([...kept, keepManagedRoutes(submitted, old, names, world)]);
  },
});

/**
 * Returns a function that classifies the destinations of a route, in the order in which the controller decides (Argo
 * Rollouts v1.9.1, `processRoutes`).
 */
function backendsFor(rollout: KubeObject, status: StatusWeights): (route: Route) => readonly Backend[] {
  const services = stableAndCanaryServices(rollout, false);
  const rule = destinationRuleOf(rollout);
  const additional = new Set(rule?.additionalSubsets);
  const partOf = (host: string, subset: string): Backend['part'] => {
    if (host === '') return 'other';
    if (host === services.canary || (subset !== '' && subset === rule?.canarySubset)) return 'canary';
    if (host === services.stable || (subset !== '' && subset === rule?.stableSubset)) return 'stable';
    if (status.additional.has(host)) return 'experiment';
    return subset !== '' && additional.has(subset) ? 'additional' : 'other';
  };
  return (route) => {
    const raws = asArray(dig(route.raw, 'route'));
    return route.destinations.map(({ host, subset }, index): Backend => {
      const raw = raws[index];
      const short = shortHost(host);
      const part = partOf(short, subset);
      return { part, id: idOf(part, short, subset), weight: weightOf(dig(raw, 'weight') ?? 0), raw };
    });
  };
}

// Canary and stable are the same destination in whatever way it is written.
function idOf(part: Backend['part'], host: string, subset: string): string {
  if (part === 'canary' || part === 'stable') return '';
  return part === 'experiment' ? host : `${host}/${subset}`;
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
  readonly #byMatch = new Counterparts<Route>();
  readonly #first = new Map<RouteType, Route>();

  constructor(old: KubeObject | undefined, controlled: readonly Route[]) {
    this.#byName = old === undefined ? new Map() : httpRoutesByName(old);
    for (const route of new Set(controlled)) {
      this.#byMatch.add(matchKey(route), route);
      if (!this.#first.has(route.type)) this.#first.set(route.type, route);
    }
  }

  /** Returns the stored route that corresponds to a submitted one. Is asked once for each, in their order. */
  routeFor(route: Route): Route | undefined {
    if (route.type === 'http' && route.name !== '') return this.#byName.get(route.name);
    return this.#byMatch.next(matchKey(route)) ?? this.#first.get(route.type);
  }
}

function matchKey(route: Route): string {
  return `${route.type} ${JSON.stringify(dig(route.raw, 'match'))}`;
}

function keepWeights(
  submitted: KubeObject,
  route: Route,
  {
    backends,
    stored,
    common,
    status,
    writer,
  }: {
    readonly backends: readonly Backend[];
    readonly stored: readonly Backend[] | undefined;
    readonly common: Share | undefined;
    readonly status: StatusWeights;
    readonly writer: LastWriter;
  },
): Preserved {
  const shifts = backends.some(({ part }) => part === 'canary') && backends.some(({ part }) => part === 'stable');
  if (!shifts) return NOTHING;
  const relation = stored === undefined ? 'trusted' : relationOf(stored, status, ISTIO_SCALE, writer);
  const known = relation === 'missed' || stored === undefined ? undefined : shareOf(stored, ISTIO_SCALE);
  const kept = keepRule({
    submitted: backends,
    stored,
    missing: stored === undefined ? [] : missingExperiments(backends, stored),
    share: known ?? common,
    copies: relation !== 'missed',
    scale: ISTIO_SCALE,
    experiments: status.additional,
  });
  if (kept === undefined) return NOTHING;
  const operations: Operation[] = [];
  for (const [index, target] of kept.weights.entries()) {
    if (target !== undefined && target !== backends[index]?.weight)
      operations.push(...setAt(submitted, [...route.path, 'route', index, 'weight'], target));
  }
  for (const { raw, weight } of kept.missing)
    operations.push(insertAt([...route.path, 'route', '-'], { ...asObject(raw), weight }));
  if (operations.length === 0) return NOTHING;
  return { operations, notes: [describeWeights(kept, backends, status, relation, describe(route))] };
}

function missingExperiments(backends: readonly Backend[], stored: readonly Backend[]): readonly Backend[] {
  const submitted = new Set(backends.map(({ id }) => id));
  const missing = stored.filter(({ part, id, raw }) => part === 'experiment' && isObject(raw) && !submitted.has(id));
  return [...new Map(missing.map((backend) => [backend.id, backend])).values()];
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
  if (places.length === http.length || places.length > MOST_REPEATED || areAsStored(http, places, old, own))
    return NOTHING;

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

// What is stored can be applied again, whatever wrote it.
function areAsStored(
  http: readonly unknown[],
  places: readonly number[],
  old: KubeObject,
  own: ReadonlySet<string>,
): boolean {
  const stored = asArray(dig(old, 'spec', 'http'));
  return (
    stored.length === http.length &&
    places.every((place) => same(http[place], stored[place])) &&
    stored.filter((route) => own.has(asString(dig(route, 'name')))).length === places.length
  );
}

// The routes of another Rollout that controls the same VirtualService may come before the routes of this one.
function areManaged(routes: readonly unknown[], virtualService: KubeObject, world: World): boolean {
  const rollouts = world
    .referrers(keyOf(virtualService))
    .filter((referrer) => kindOf(referrer) === 'Rollout.argoproj.io');
  const names = new Set(rollouts.flatMap((rollout) => managedRouteNames(rollout)));
  return routes.every((route) => asString(dig(route, 'name')) !== '' && names.has(asString(dig(route, 'name'))));
}
