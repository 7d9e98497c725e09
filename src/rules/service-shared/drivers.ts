import { rolloutsDriving } from '../../world/gateway.ts';
import { nothingSelected, selectRoutes, type Route } from '../../world/istio.ts';
import { memo } from '../../world/memo.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import { references, SERVICE_ROLES } from '../../world/references.ts';
import type { Reference } from '../../world/reference-list.ts';
import {
  isBeingDeleted,
  managedRouteNames,
  virtualServiceReadings,
  type VirtualServiceEntry,
} from '../../world/rollout.ts';
import { versionsMatching, type RolloutsVersions } from '../../world/rollouts-versions.ts';

/** The Rollouts that control one object. */
export interface Drivers {
  /** By key, without those that are being deleted. */
  readonly all: readonly Driver[];
  readonly byName: ReadonlyMap<string, Driver>;
}

/** A Rollout and its reference to what it controls. */
export interface Driver {
  readonly rollout: KubeObject;
  readonly at: Reference;
}

// Every Rollout of a list asks the same, so each list of referrers is searched and sorted only once.
const sortedOf = memo((rollouts: readonly KubeObject[]): readonly KubeObject[] =>
  rollouts.filter((rollout) => !isBeingDeleted(rollout)).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
);

const driversByKey = memo((_rollouts: readonly KubeObject[]) => new Map<string, Drivers>());

/**
 * Returns which of the Rollouts that refer to a Service control it.
 *
 * @param rollouts - The Rollouts that refer to the Service.
 * @param name - The name of the Service.
 */
export function driversOfService(rollouts: readonly KubeObject[], name: string): Drivers {
  return driversOf(rollouts, `Service ${name}`, (reference) => isDrivenService(reference) && reference.name === name);
}

/** Returns the Rollouts of a list that control a DestinationRule. */
export function driversOfDestinationRule(rollouts: readonly KubeObject[]): Drivers {
  return driversOf(rollouts, 'DestinationRule', ({ role }) => role === 'DestinationRule');
}

function driversOf(rollouts: readonly KubeObject[], what: string, isIt: (reference: Reference) => boolean): Drivers {
  const known = driversByKey(rollouts);
  let drivers = known.get(what);
  if (drivers === undefined) {
    const all = sortedOf(rollouts).flatMap((rollout): Driver[] => {
      const at = references(rollout).find(isIt);
      return at === undefined ? [] : [{ rollout, at }];
    });
    drivers = { all, byName: new Map(all.map((driver) => [driver.rollout.metadata.name, driver])) };
    known.set(what, drivers);
  }
  return drivers;
}

/** Reports whether a reference is to a Service whose selector the controller sets. */
export function isDrivenService({ kind, role }: Reference): boolean {
  return kind === 'Service' && SERVICE_ROLES.includes(role);
}

/** Returns the keys of the Services whose selectors the controller sets for a Rollout. */
export const drivenServices = memo(
  (rollout: KubeObject): ReadonlySet<string> =>
    new Set(
      references(rollout)
        .filter(isDrivenService)
        .map(({ key }) => key),
    ),
);

/** The Rollouts that control one route of a VirtualService, sorted by key. */
export interface RouteDrivers {
  readonly all: readonly KubeObject[];
  readonly byNamespace: ReadonlyMap<string, readonly KubeObject[]>;
}

interface RouteIndex {
  readonly rollouts: readonly KubeObject[];
  readonly versions: RolloutsVersions;
  readonly byRoute: ReadonlyMap<Route, RouteDrivers>;
}

const routeIndexes = memo((_virtualService: KubeObject): { last: RouteIndex | undefined } => ({ last: undefined }));

/**
 * Returns the Rollouts of each route of a VirtualService.
 *
 * @param rollouts - The Rollouts that refer to the VirtualService.
 * @param spend - Counts each of their entries for it, and each route of one. The first who asks counts them.
 */
export function driversOfRoutes(
  virtualService: KubeObject,
  rollouts: readonly KubeObject[],
  versions: RolloutsVersions,
  spend: (operations: number) => void,
): ReadonlyMap<Route, RouteDrivers> {
  const index = routeIndexes(virtualService);
  if (index.last?.rollouts !== rollouts || index.last.versions !== versions)
    index.last = { rollouts, versions, byRoute: routesOf(virtualService, rollouts, versions, spend) };
  return index.last.byRoute;
}

const entriesByName = memo((rollout: KubeObject): ReadonlyMap<string, readonly VirtualServiceEntry[]> =>
  Map.groupBy(virtualServiceReadings(rollout), ({ namespace, name }) => `${namespace}/${name}`),
);

function routesOf(
  virtualService: KubeObject,
  rollouts: readonly KubeObject[],
  versions: RolloutsVersions,
  spend: (operations: number) => void,
): ReadonlyMap<Route, RouteDrivers> {
  const byRoute = new Map<Route, KubeObject[]>();
  const namespace = namespaceOf(virtualService);
  const { name } = virtualService.metadata;
  for (const rollout of sortedOf(rollouts)) {
    const routes = new Set<Route>();
    const selected = nothingSelected();
    const managed = managedRouteNames(rollout);
    for (const entry of entriesByName(rollout).get(`${namespace}/${name}`) ?? []) {
      spend(1);
      if (versionsMatching(versions, entry.versions) !== 'all') continue;
      for (const route of selectRoutes(virtualService, entry, managed, selected).routes) routes.add(route);
    }
    spend(routes.size);
    for (const route of routes) {
      const drivers = byRoute.get(route) ?? [];
      drivers.push(rollout);
      byRoute.set(route, drivers);
    }
  }
  return new Map(
    [...byRoute].map(([route, all]) => [route, { all, byNamespace: Map.groupBy(all, namespaceOf) }] as const),
  );
}

interface Driving {
  readonly rollouts: readonly KubeObject[];
  readonly driving: readonly KubeObject[];
}

const drivingOf = memo((_route: KubeObject): { last: Driving | undefined } => ({ last: undefined }));

/**
 * Returns the Rollouts that control a Gateway API route, sorted by key.
 *
 * @param rollouts - The Rollouts that refer to the route, or to any route by its labels.
 * @param spend - As of `rolloutsDriving`.
 */
export function driversOfGatewayRoute(
  route: KubeObject,
  rollouts: readonly KubeObject[],
  spend: (operations: number) => void,
): readonly KubeObject[] {
  const known = drivingOf(route);
  if (known.last?.rollouts !== rollouts)
    known.last = { rollouts, driving: sortedOf(rolloutsDriving(route, rollouts, spend)) };
  return known.last.driving;
}
