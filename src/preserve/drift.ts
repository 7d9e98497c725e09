import { labelsOf, managedGatewayRoutes, matchesSelector, type GatewayRouteRef } from '../world/gateway.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import { nothingSelected, routeTitle, selectRoutes, type Selected } from '../world/istio.ts';
import { keyOf, type KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asArray, dig } from '../world/read.ts';
import { isBeingDeleted, hasStatus, managedRouteNames, virtualServiceReadings } from '../world/rollout.ts';
import { versionsMatching } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import { hashDrifts } from './drift-hashes.ts';
import { headerRouteDrifts } from './drift-header-routes.ts';
import { Copies, LookBudget, valuesIn, type Drift } from './drift-look.ts';
import { routerBackends, type Look } from './drift-routers.ts';
import { pluginFor, rulesOf } from './route-weights.ts';
import { shareOf, type Backend, type Scale } from './shares.ts';
import { agrees, relationOf } from './source.ts';
import { backendsFor } from './virtualservice-weights.ts';
import { PERCENT_SCALE, statusWeights, type StatusWeights } from './weights.ts';

/** What a look at one Rollout found, and what it cost. */
export interface DriftLook {
  readonly drifts: readonly Drift[];
  readonly operations: number;
}

/** How long a difference stands before it counts: the controller takes some seconds to write objects and status. */
export const DRIFT_AFTER = 60_000;

const SET_ONCE = 'abort and retry the update: the controller sets a header route only at its step';
// Any change of a Rollout makes its controller write again.
const WRITE_AGAIN =
  'find in metadata.managedFields who wrote it; then annotate the Rollout, so that its controller writes it again';

/** Returns what to do about a drift. */
export function driftFix({ what }: Drift): string {
  return what === 'header-route' ? SET_ONCE : WRITE_AGAIN;
}

/** Returns a text that identifies a drift of a Rollout. It is another one if the object takes another value. */
export function driftId({ what, object, path, has }: Drift): string {
  return JSON.stringify([what, keyOf(object), path, has]);
}

// What is listed, and what is counted, in a microsecond. A Rollout of a few KiB has some hundred values.
const VALUES_OF_OPERATION = 2;
const VALUES_COUNTED_IN_OPERATION = 40;
// No Rollout has as many by chance.
const MOST_DRIFTS = 10;

/**
 * Returns where the objects that a Rollout controls differ now from what its controller wrote last, by the status. A
 * difference is normal for a moment: the controller writes the objects before the status. Where it is not certain what
 * the controller wrote, there is none.
 *
 * @param most - How many operations it may cost. The rest is not looked at.
 * @param copies - Those of looks at other Rollouts of this world, if there are any.
 */
export function driftsOf(rollout: KubeObject, world: World, most: number, copies = new Copies()): DriftLook {
  const budget = new LookBudget(most);
  if (isBeingDeleted(rollout) || !hasStatus(rollout)) return { drifts: [], operations: 1 };
  // What it names is listed before any of it is looked up.
  const values = valuesIn([rollout['spec'], rollout['status']], most * VALUES_OF_OPERATION);
  if (!budget.spend(1 + Math.floor(values / VALUES_OF_OPERATION)))
    return { drifts: [], operations: 1 + Math.ceil(values / VALUES_COUNTED_IN_OPERATION) };
  const own = { ...rollout };
  const look: Look = { world, budget, copies };
  const drifts: Drift[] = [];
  for (const found of [
    hashDrifts(own, world, budget),
    virtualServiceDrifts(own, look),
    routeDrifts(own, look),
    routerDrifts(own, look),
    headerRouteDrifts(own, look),
  ])
    for (const drift of found) {
      drifts.push(drift);
      if (drifts.length >= MOST_DRIFTS) return { drifts, operations: budget.spent };
    }
  return { drifts, operations: budget.spent };
}

function* virtualServiceDrifts(rollout: KubeObject, { world, budget, copies }: Look): Generator<Drift> {
  const status = statusWeights(rollout);
  if (status?.share === undefined) return;
  const backendsOf = backendsFor(rollout, status);
  const managed = managedRouteNames(rollout);
  const selected = new Map<KubeObject, Selected>();
  for (const entry of virtualServiceReadings(rollout)) {
    if (versionsMatching(world.versions, entry.versions) !== 'all') continue;
    const found = world.get('VirtualService.networking.istio.io', entry.namespace, entry.name);
    if (found.state !== 'present' || isBeingDeleted(found.object)) continue;
    if (!budget.spend(1 + costOf(found.object, ROUTE_LISTS, copies))) return;
    const before = getOrAdd(selected, found.object, nothingSelected);
    for (const route of selectRoutes(copies.of(found.object), entry, managed, before).routes) {
      if (!budget.spend(1 + route.destinations().length)) return;
      const backends = backendsOf(route);
      if (!isShifted(backends) || !differsOutOf100(backends, status)) continue;
      yield weightDrift(found.object, [...route.path, 'route'], routeTitle(route), backends, status, rollout);
    }
  }
}

function* routerDrifts(rollout: KubeObject, look: Look): Generator<Drift> {
  const status = statusWeights(rollout);
  if (status?.share === undefined) return;
  for (const { object, path, title, backends } of routerBackends(rollout, status, look))
    if (isShifted(backends) && differsOutOf100(backends, status))
      yield weightDrift(object, path, title, backends, status, rollout);
}

function* routeDrifts(rollout: KubeObject, look: Look): Generator<Drift> {
  const { world, budget, copies } = look;
  for (const ref of managedGatewayRoutes(rollout)) {
    const candidates = routesFor(ref, world);
    if (!budget.spend(1 + candidates.length)) return;
    for (const route of candidates) {
      if (isBeingDeleted(route)) continue;
      if (!budget.spend(1 + costOf(route, RULE_LISTS, copies))) return;
      if (ref.selector !== undefined && !matchesSelector(ref.selector, labelsOf(copies.of(route)))) continue;
      yield* ruleDrifts(route, rollout, look);
    }
  }
}

function routesFor({ kind, namespace, name }: GatewayRouteRef, world: World): readonly KubeObject[] {
  if (name !== undefined) {
    const found = world.get(kind, namespace, name);
    return found.state === 'present' ? [found.object] : [];
  }
  const listing = world.list(kind, namespace);
  return listing.state === 'known' ? listing.objects : [];
}

function* ruleDrifts(route: KubeObject, rollout: KubeObject, { budget, copies }: Look): Generator<Drift> {
  const copy = copies.of(route);
  const plugin = pluginFor(rollout, copy, 'unknown');
  if (plugin?.status.share === undefined) return;
  for (const { rule, backends } of rulesOf(copy, plugin)) {
    if (!budget.spend(1 + backends.length)) return;
    if (!isShifted(backends) || !differs(backends, plugin.status, plugin.scale)) continue;
    const title = rule.name === '' ? `rule ${rule.index}` : `rule "${rule.name}"`;
    yield weightDrift(route, [...rule.path, 'backendRefs'], title, backends, plugin.status, rollout);
  }
}

function isShifted(backends: readonly Backend[]): boolean {
  return backends.some(({ part }) => part === 'canary') && backends.some(({ part }) => part === 'stable');
}

function differs(backends: readonly Backend[], status: StatusWeights, scale: Scale): boolean {
  return (
    backends.every(({ part, weight }) => part === 'other' || weight !== undefined) &&
    (shareOf(backends, scale) === undefined ||
      relationOf(backends, status, scale, 'unknown', () => false) === 'doubtful' ||
      differsInExperiments(backends, status))
  );
}

// The controller writes the number of the status out of 100, and nothing else.
function differsOutOf100(backends: readonly Backend[], status: StatusWeights): boolean {
  if (differs(backends, status, PERCENT_SCALE)) return true;
  const share = shareOf(backends, PERCENT_SCALE);
  return share !== undefined && status.share !== undefined && !agrees(share, status.share);
}

function differsInExperiments(backends: readonly Backend[], { additional }: StatusWeights): boolean {
  return backends.some(({ part, id, weight }) => part === 'experiment' && weight !== additional.get(id));
}

function weightDrift(
  object: KubeObject,
  path: Path,
  title: string,
  backends: readonly Backend[],
  status: StatusWeights,
  rollout: KubeObject,
): Drift {
  const has = backends
    .filter(({ part }) => part !== 'other')
    .map(({ part, id, weight }) => `${part === 'experiment' || part === 'additional' ? id : part} ${weight ?? 0}`)
    .join(', ');
  const wanted = [
    `canary ${status.share?.canary ?? 0} of ${status.share?.total ?? 0}`,
    ...[...status.additional].map(([id, weight]) => `${id} ${weight}`),
  ].join(', ');
  return {
    what: 'weights',
    object,
    path,
    has,
    message: `${title} has weights ${has}, but the status of Rollout "${rollout.metadata.name}" has ${wanted}`,
  };
}

const ROUTE_LISTS = ['http', 'tls', 'tcp'];
const RULE_LISTS = ['rules'];

// Its lists are read once for all Rollouts.
function costOf(object: KubeObject, lists: readonly string[], copies: Copies): number {
  return copies.has(object) ? 0 : lists.reduce((sum, list) => sum + asArray(dig(object, 'spec', list)).length, 0);
}
