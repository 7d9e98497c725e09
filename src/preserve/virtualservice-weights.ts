import { namespaceOf, type KubeObject } from '../world/object.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import { memo } from '../world/memo.ts';
import { shortHost } from '../world/istio-hosts.ts';
import {
  nothingSelected,
  routesNamed,
  routesOf,
  selectRoutes,
  type Route,
  type RouteType,
  type Selection,
} from '../world/istio.ts';
import { asArray, dig, isObject, asString } from '../world/read.ts';
import {
  destinationRuleOf,
  managedRouteNames,
  stableAndCanaryServices,
  virtualServiceReadings,
  type VirtualServiceEntry,
} from '../world/rollout.ts';
import { versionsMatching } from '../world/rollouts-versions.ts';
import { definePreserver, isKept, NEVER, NOTHING, together, type Preserved } from './define.ts';
import { same, setAt } from '../world/json-patch.ts';
import { commonShare, keepWeights } from './rule-weights.ts';
import { Counterparts, weightOf, type Backend } from './shares.ts';
import { lastWriterOf, type LastWriter } from './source.ts';
import { liveManagedRoutes, statusWeights, type StatusWeights } from './weights.ts';

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
  keep({ submitted, old, rollout, rollouts, world, manager = '' }) {
    const status = statusWeights(rollout);
    if (status === undefined) return NEVER;
    const entries = virtualServiceReadings(rollout).filter(
      (entry) =>
        versionsMatching(world.versions, entry.versions) !== 'none' &&
        entry.namespace === namespaceOf(submitted) &&
        entry.name === submitted.metadata.name,
    );
    const managed = managedRouteNames(rollout);
    const backendsOf = backendsFor(rollout, status);
    const writerOf = (type: RouteType): LastWriter => lastWriterOf(old, type, manager);
    const selectionsIn = (virtualService: KubeObject): readonly (readonly [VirtualServiceEntry, Selection])[] => {
      const selected = nothingSelected();
      return entries.map((entry) => [entry, selectRoutes(virtualService, entry, managed, selected)]);
    };
    const routesIn = (virtualService: KubeObject): readonly Route[] =>
      selectionsIn(virtualService).flatMap(([, { routes }]) => routes);
    const storedRoutes = old === undefined ? [] : routesIn(old);
    const stored = new StoredRoutes(old, storedRoutes);
    const common = commonShare(
      storedRoutes.map((route) => ({ backends: backendsOf(route), writer: writerOf(route.type) })),
      () => routesIn(submitted).map(backendsOf),
      status,
    );

    const kept: Preserved[] = [];
    const [reads, weighed, writes] = [new Set<string>(), new Set<string>(), new Set<string>()];
    for (const [entry, selection] of selectionsIn(submitted)) {
      for (const part of partsSelecting(entry, selection)) reads.add(part);
      for (const route of selection.routes) {
        const part = partAt(route);
        if (weighed.has(part)) continue;
        weighed.add(part);
        const storedRoute = stored.routeFor(route);
        const weights = keepWeights(submitted, [...route.path, 'route'], {
          backends: backendsOf(route),
          stored: storedRoute === undefined ? undefined : backendsOf(storedRoute),
          common,
          status,
          writer: writerOf(route.type),
          where: describe(route),
        });
        kept.push(weights);
        if (isKept(weights)) writes.add(part);
      }
    }
    const named = new Set(entries.flatMap((entry) => entry.routes));
    const names = liveManagedRoutes(rollout).filter((name) => !named.has(name));
    const routes: PreservedRoutes =
      old === undefined ? { ...NOTHING, ...NO_PARTS } : keepManagedRoutes(submitted, old, names, rollouts);
    return {
      // Weights first: their paths count the routes as they were submitted.
      ...together([...kept, routes]),
      reads: new Set([...reads, ...weighed, ...routes.reads]),
      writes: new Set([...writes, ...routes.writes]),
    };
  },
});

const NO_PARTS = { reads: new Set<string>(), writes: new Set<string>() };

// The parts of a VirtualService, as `reads` and `writes` name them.
const partAt = ({ type, index }: Route): string => `${type} ${index}`;
const partNamed = (name: string): string => `http named ${name}`;
/** Which http routes there are. */
const WHICH = 'which http';

/** Returns the parts that decide which http routes a Rollout selects. Nothing changes which tls and tcp routes there are. */
function partsSelecting(entry: VirtualServiceEntry, { ambiguous }: Selection): string[] {
  if (entry.routes.length > 0) return entry.routes.map(partNamed);
  // Managed routes of others do not change that: each of them is one more route that could be meant.
  return ambiguous.includes('http') ? [] : [WHICH];
}

/**
 * Returns a function that classifies the destinations of a route, in the order in which the controller decides (Argo
 * Rollouts v1.9.1, `processRoutes`).
 */
export function backendsFor(rollout: KubeObject, status: StatusWeights): (route: Route) => readonly Backend[] {
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
    return route.destinations().map(({ host, subset }, index): Backend => {
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

function describe(route: Route): string {
  if (route.name !== '') return `${route.type} route "${route.name}"`;
  const port = dig(asArray(dig(route.raw, 'match'))[0], 'port');
  return typeof port === 'number' ? `the ${route.type} route on port ${port}` : `the ${route.type} route`;
}

/** The parts always count, so that routes of other Rollouts do not. */
type PreservedRoutes = Preserved & Required<Pick<Preserved, 'reads' | 'writes'>>;

/**
 * Restores the stored routes of these names, in order and before all others. The controller owns such a route
 * completely, even if it did not write it.
 * @param names - The names of the routes that the controller adds, in order.
 * @param rollouts - The Rollouts that refer to the VirtualService. Their managed routes may come before these.
 */
function keepManagedRoutes(
  submitted: KubeObject,
  old: KubeObject,
  names: readonly string[],
  rollouts: readonly KubeObject[],
): PreservedRoutes {
  const stored = httpRoutesByName(old);
  const owned = names.map((name) => stored.get(name)?.raw).filter(isObject);
  const own = new Set(owned.map((route) => asString(route['name'])));
  const present = routesWithNames(submitted, own);
  const http = routesOf(submitted, ['http']);
  const reads = new Set([...[...own].map(partNamed), ...present.map(partAt)]);
  const nothing = { ...NOTHING, writes: new Set<string>() };
  if (owned.length === 0 || http.length === 0 || present.length > MOST_REPEATED) return { ...nothing, reads };
  if (present.length === http.length) return { ...nothing, reads: reads.add(WHICH) };

  const inOrder =
    present.length === owned.length &&
    present.every(({ name }, position) => name === asString(owned[position]?.['name']));
  const last = present.at(-1)?.index ?? 0;
  const areFirst = inOrder && !hasOthersBefore(last, own, unmanagedBy(submitted, rollouts));
  const notes = [`http route ${[...own].map((name) => `"${name}"`).join(', ')} of the update in progress`];
  if (areFirst) {
    const operations = owned.flatMap((route, position) =>
      setAt(submitted, ['spec', 'http', present[position]?.index ?? 0], route),
    );
    return operations.length === 0 ? { ...nothing, reads } : { operations, notes, reads, writes: reads };
  }
  if (areAllStored(present, old, own)) {
    // A route of another Rollout that is restored moves these.
    reads.add(WHICH);
    if (areAsStored(http, present, old)) return { ...nothing, reads };
  }
  const reordered = [{ list: ['spec', 'http'], removed: present.map(({ index }) => index), first: owned }];
  return { operations: [], reordered, notes, reads, writes: new Set([...reads, WHICH]) };
}

// In whatever places among other routes.
function areAllStored(present: readonly Route[], old: KubeObject, own: ReadonlySet<string>): boolean {
  const stored = routesWithNames(old, own);
  return stored.length === present.length && present.every(({ raw }, position) => same(raw, stored[position]?.raw));
}

// What is stored can be applied again, whatever wrote it.
function areAsStored(http: readonly Route[], present: readonly Route[], old: KubeObject): boolean {
  const stored = routesOf(old, ['http']);
  return stored.length === http.length && present.every(({ index, raw }) => same(raw, stored[index]?.raw));
}

function routesWithNames(virtualService: KubeObject, names: ReadonlySet<string>): Route[] {
  return [...names].flatMap((name) => routesNamed(virtualService, name)).sort((a, b) => a.index - b.index);
}

function hasOthersBefore(index: number, own: ReadonlySet<string>, unmanaged: readonly Route[]): boolean {
  for (const route of unmanaged) {
    if (route.index >= index) return false;
    if (!own.has(route.name)) return true;
  }
  return false;
}

/** Returns the http routes that are managed routes of no Rollout, in order. Once for all Rollouts of a VirtualService. */
function unmanagedBy(virtualService: KubeObject, rollouts: readonly KubeObject[]): readonly Route[] {
  const managed = managedNames(rollouts);
  return getOrAdd(unmanagedRoutes(virtualService), rollouts, () =>
    routesOf(virtualService, ['http']).filter(({ name }) => name === '' || !managed.has(name)),
  );
}

const managedNames = memo(
  (rollouts: readonly KubeObject[]): ReadonlySet<string> => new Set(rollouts.flatMap(managedRouteNames)),
);
const unmanagedRoutes = memo((_virtualService: KubeObject) => new WeakMap<readonly KubeObject[], readonly Route[]>());
