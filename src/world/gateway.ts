import { getOrAdd } from './get-or-add.ts';
import { CONFIG_FIELDS, ROUTE_FIELDS, ROUTE_FORMS } from './gateway-fields.ts';
import { asGoReads, selectorAsGoReads, spellingsOf } from './go-keys.ts';
import { memo } from './memo.ts';
import { keyFor, keyOf, kindOf, namespaceOf, type KindId, type KubeObject, type ObjectKey } from './object.ts';
import type { Path } from './path.ts';
import type { Place } from './place.ts';
import {
  asArray,
  dig,
  isObject,
  asObject,
  optionalNumber,
  optionalString,
  asString,
  stringMap,
  type JsonObject,
} from './read.ts';
import { trafficRoutingOf, type Find, type VersionedLook } from './rollout.ts';

/** The name of the Gateway API plugin in a Rollout. */
export const GATEWAY_PLUGIN = 'argoproj-labs/gatewayAPI';

/** The kinds of Gateway API route that the plugin controls. */
export const ROUTE_KINDS = [
  'HTTPRoute.gateway.networking.k8s.io',
  'GRPCRoute.gateway.networking.k8s.io',
  'TCPRoute.gateway.networking.k8s.io',
  'TLSRoute.gateway.networking.k8s.io',
] as const satisfies readonly KindId[];

/** A route, or a set of routes by label, that a Rollout controls through the Gateway API plugin. */
export interface GatewayRouteRef {
  readonly kind: KindId;
  readonly namespace: string;
  /** The name; undefined if `selector` selects the routes. */
  readonly name: string | undefined;
  readonly selector: JsonObject | undefined;
  /** Whether `setHeaderRoute` steps write rules into the route; always for the single form, never by selector. */
  readonly useHeaderRoutes: boolean;
  readonly path: Path;
}

/** Returns the configuration of the Rollout's Gateway API plugin, with its fields spelled as usual, or undefined. */
export function gatewayConfig(rollout: KubeObject): JsonObject | undefined {
  const config = dig(trafficRoutingOf(rollout), 'plugins', GATEWAY_PLUGIN);
  return isObject(config) ? asGoReads(config, CONFIG_FIELDS) : undefined;
}

/** The places that `managedGatewayRoutes` and `findManagedRoutes` read in a Rollout. */
export const GATEWAY_ROUTE_PLACES: readonly Place[] = ['spec.strategy.canary.trafficRouting.plugins'];

/**
 * Returns the Gateway API routes that a Rollout controls: the single, list and selector forms, in the namespace of the
 * plugin's configuration or the Rollout's own. Source: Gateway API plugin v0.15.0, `pkg/plugin/types.go` and
 * `plugin.go`.
 */
export const managedGatewayRoutes = memo(collectRoutes);

function collectRoutes(rollout: KubeObject): readonly GatewayRouteRef[] {
  const config = dig(trafficRoutingOf(rollout), 'plugins', GATEWAY_PLUGIN);
  if (!isObject(config)) return [];
  const spellings = spellingsOf(config, CONFIG_FIELDS);
  const keyOfField = (field: string): string => spellings.get(field) ?? field;
  const namespace = optionalString(config[keyOfField('namespace')]) ?? namespaceOf(rollout);
  const base = ['spec', 'strategy', 'canary', 'trafficRouting', 'plugins', GATEWAY_PLUGIN];
  const routes: GatewayRouteRef[] = [];
  for (const { kind, ...fields } of ROUTE_FORMS) {
    const list = keyOfField(fields.list);
    for (const [index, raw] of asArray(config[list]).entries()) {
      const entry = asObject(raw);
      const entrySpellings = spellingsOf(entry, ROUTE_FIELDS);
      const nameKey = entrySpellings.get('name') ?? 'name';
      const name = optionalString(entry[nameKey]);
      const useHeaderRoutes = entry[entrySpellings.get('useHeaderRoutes') ?? 'useHeaderRoutes'] === true;
      if (name !== undefined)
        routes.push({
          kind,
          namespace,
          name,
          selector: undefined,
          useHeaderRoutes,
          path: [...base, list, index, nameKey],
        });
    }
    const single = keyOfField(fields.single);
    const name = optionalString(config[single]);
    if (name !== undefined)
      routes.push({ kind, namespace, name, selector: undefined, useHeaderRoutes: true, path: [...base, single] });
    const selector = keyOfField(fields.selector);
    const labels = config[selector];
    if (isObject(labels))
      routes.push({
        kind,
        namespace,
        name: undefined,
        selector: selectorAsGoReads(labels),
        useHeaderRoutes: false,
        path: [...base, selector],
      });
  }
  return routes;
}

/** A weighted backend of a Gateway API route. */
export interface BackendRef {
  readonly name: string;
  readonly namespace: string;
  readonly isService: boolean;
  readonly port: number | undefined;
  readonly weight: number | undefined;
  readonly rule: number;
  readonly path: Path;
}

/** The places that `backendRefsOf` reads in a route. */
export const BACKEND_REF_PLACES: readonly Place[] = ['spec.rules[*].backendRefs'];

/** Returns the backends of all rules of a Gateway API route of any kind, in order. Computed once per object. */
export const backendRefsOf = memo(readBackendRefs);

/**
 * Returns the backends of all rules of a Gateway API route of any kind, in order. Unlike `backendRefsOf` it caches
 * nothing, for an index over many objects.
 */
export function readBackendRefs(route: KubeObject): readonly BackendRef[] {
  return asArray(dig(route, 'spec', 'rules')).flatMap((entry, rule) =>
    asArray(dig(entry, 'backendRefs')).map((raw, index): BackendRef => {
      const backend = asObject(raw);
      const kind = optionalString(backend['kind']) ?? 'Service';
      return {
        name: asString(backend['name']),
        namespace: optionalString(backend['namespace']) ?? namespaceOf(route),
        isService: kind === 'Service' && asString(backend['group']) === '',
        port: optionalNumber(backend['port']),
        weight: optionalNumber(backend['weight']),
        rule,
        path: ['spec', 'rules', rule, 'backendRefs', index],
      };
    }),
  );
}

const backendsByName = memo((route: KubeObject): ReadonlyMap<string, readonly BackendRef[]> =>
  Map.groupBy(backendRefsOf(route), ({ name }) => name),
);

/** Returns the backends of a Gateway API route with one of these names: by name, then in order. */
export function backendsNamed(route: KubeObject, names: ReadonlySet<string>): readonly BackendRef[] {
  return [...names].flatMap((name) => backendsByName(route).get(name) ?? []);
}

/**
 * Reports whether a label selector matches labels, by the rules of `metav1.LabelSelector`. An empty selector matches
 * everything; an unknown operator matches nothing.
 */
export function matchesSelector(selector: JsonObject, labels: ReadonlyMap<string, string>): boolean {
  const { matchLabels, expressions } = partsOf(selector);
  for (const [key, value] of matchLabels) {
    if (labels.get(key) !== value) return false;
  }
  for (const { key, operator, values } of expressions) {
    const value = labels.get(key);
    switch (operator) {
      case 'In':
        if (value === undefined || !values.has(value)) return false;
        break;
      case 'NotIn':
        if (value !== undefined && values.has(value)) return false;
        break;
      case 'Exists':
        if (value === undefined) return false;
        break;
      case 'DoesNotExist':
        if (value !== undefined) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

/** Looks up one object, or all of a namespace. Missing and unknown objects are left out. */
export interface RouteLookups extends VersionedLook {
  readonly find: Find;
  readonly list: (kind: KindId, namespace: string) => readonly KubeObject[];
}

/** A Gateway API route that a Rollout controls, and the reference to it. */
export interface ManagedRoute {
  readonly kind: KindId;
  readonly route: KubeObject;
  /** The path of the name or selector in the Rollout. */
  readonly path: Path;
}

// Once for all routes of a namespace.
const partsOf = memo((selector: JsonObject) => ({
  matchLabels: stringMap(selector['matchLabels']),
  expressions: asArray(selector['matchExpressions']).map((expression) => ({
    key: asString(dig(expression, 'key')),
    operator: dig(expression, 'operator'),
    values: new Set(asArray(dig(expression, 'values')).map(asString)),
  })),
}));

/** The places that `findManagedRoutes` and `drivesRoute` read in a route: what a selector compares. */
export const SELECTED_ROUTE_PLACES: readonly Place[] = ['metadata.labels'];

/**
 * Returns the Gateway API routes that a Rollout controls, with selectors resolved. Each appears once, with the first
 * reference to it.
 */
export function findManagedRoutes(rollout: KubeObject, look: RouteLookups): readonly ManagedRoute[] {
  const found = new Map<ObjectKey, ManagedRoute>();
  for (const { kind, namespace, name, selector, path } of managedGatewayRoutes(rollout)) {
    const routes =
      name === undefined ? selected(look.list(kind, namespace), selector) : [look.find(kind, namespace, name)];
    for (const route of routes) {
      if (route !== undefined && !found.has(keyOf(route))) found.set(keyOf(route), { kind, route, path });
    }
  }
  return [...found.values()];
}

// What a selector and a label have in common: many Rollouts may select by labels of their own.
function pairOf(key: string, value: string): string {
  return JSON.stringify([key, value]);
}

const byLabel = memo((routes: readonly KubeObject[]): ReadonlyMap<string, readonly KubeObject[]> => {
  const index = new Map<string, KubeObject[]>();
  for (const route of routes)
    for (const [key, value] of labelsOf(route)) getOrAdd(index, pairOf(key, value), () => []).push(route);
  return index;
});

function firstLabelOf(selector: JsonObject | undefined): string | undefined {
  const [first] = partsOf(selector ?? {}).matchLabels;
  return first === undefined ? undefined : pairOf(...first);
}

function selected(routes: readonly KubeObject[], selector: JsonObject | undefined): readonly KubeObject[] {
  if (selector === undefined) return [];
  const first = firstLabelOf(selector);
  const candidates = first === undefined ? routes : (byLabel(routes).get(first) ?? []);
  return candidates.filter((route) => isSelected(selector, route));
}

interface Drivers {
  /** By the first label of a selector. */
  readonly byLabel: ReadonlyMap<string, readonly KubeObject[]>;
  /** Those that name routes, and those with selectors that name no label. */
  readonly others: readonly KubeObject[];
}

// The list of a route that is named is its own, so the names of a Rollout must not be walked through for each list.
const driversIn = memo((rollouts: readonly KubeObject[]): Drivers => {
  const labels = new Map<string, KubeObject[]>();
  const others: KubeObject[] = [];
  for (const rollout of rollouts) {
    const { named, selecting } = routeIndex(rollout);
    const firsts = selecting.map(({ selector }) => firstLabelOf(selector));
    if (named.size > 0 || firsts.includes(undefined)) others.push(rollout);
    else for (const first of firsts) if (first !== undefined) getOrAdd(labels, first, () => []).push(rollout);
  }
  return { byLabel: labels, others };
});

// What is compared and sorted in a microsecond.
const DRIVERS_OF_OPERATION = 4;

/**
 * Returns the Rollouts of a list that control a Gateway API route, in no order.
 *
 * @param spend - Counts operations, before they are done: all Rollouts may select all routes.
 */
export function rolloutsDriving(
  route: KubeObject,
  rollouts: readonly KubeObject[],
  spend: (operations: number) => void,
): readonly KubeObject[] {
  const { byLabel: labels, others } = driversIn(rollouts);
  const candidates = new Set([
    ...[...labelsOf(route)].flatMap(([key, value]) => labels.get(pairOf(key, value)) ?? []),
    ...others,
  ]);
  spend(Math.floor(candidates.size / DRIVERS_OF_OPERATION));
  return [...candidates].filter((rollout) => drivesRoute(rollout, route));
}

/** Reports whether a Rollout controls a Gateway API route, by name or by selector. */
export function drivesRoute(rollout: KubeObject, route: KubeObject): boolean {
  const { named, selecting } = routeIndex(rollout);
  return (
    named.has(keyOf(route)) ||
    selecting.some(
      ({ kind, namespace, selector }) =>
        kind === kindOf(route) && namespace === namespaceOf(route) && isSelected(selector, route),
    )
  );
}

const routeIndex = memo((rollout: KubeObject) => ({
  named: new Set(
    managedGatewayRoutes(rollout).flatMap(({ kind, namespace, name }) =>
      name === undefined ? [] : [keyFor(kind, namespace, name)],
    ),
  ),
  selecting: managedGatewayRoutes(rollout).filter(({ name }) => name === undefined),
}));

function isSelected(selector: JsonObject | undefined, route: KubeObject): boolean {
  return selector !== undefined && matchesSelector(selector, labelsOf(route));
}

/** Returns the labels of a route. */
export const labelsOf = memo((route: KubeObject): ReadonlyMap<string, string> => stringMap(route.metadata['labels']));

/**
 * Returns the backends with a name whose weights the plugin sets. In HTTPRoutes and GRPCRoutes it skips the rules that it
 * treats as its own header rules: those named after a managed route (also with `-<number>`), and those whose only backend
 * is the canary. Source: Gateway API plugin v0.15.0, `pkg/plugin` (`setHTTPRouteWeight`, `setGRPCRouteWeight`,
 * `isManagedRuleName`).
 * @param managed - The managed routes of the Rollout.
 */
export function weightedBackendsOf(
  route: KubeObject,
  name: string,
  canaryService: string,
  managed: readonly string[],
): readonly BackendRef[] {
  const kind = kindOf(route);
  const backends = backendsByName(route).get(name) ?? [];
  if (kind !== 'HTTPRoute.gateway.networking.k8s.io' && kind !== 'GRPCRoute.gateway.networking.k8s.io') return backends;
  const names = namesOf(managed);
  const rules = asArray(dig(route, 'spec', 'rules'));
  return backends.filter(({ rule: index }) => {
    const rule = rules[index];
    return !isManagedRuleName(dig(rule, 'name'), names) && !isCanaryOnly(rule, canaryService);
  });
}

const namesOf = memo((managed: readonly string[]): ReadonlySet<string> => new Set(managed));

/**
 * Returns the rules of an HTTPRoute or GRPCRoute that the plugin treats as its own only because their only backend is
 * the canary.
 */
export function canaryOnlyRulesOf(
  route: KubeObject,
  canaryService: string,
  managed: readonly string[],
): readonly { readonly rule: unknown; readonly path: Path }[] {
  const names = namesOf(managed);
  const ofCanary = new Set((backendsByName(route).get(canaryService) ?? []).map(({ rule }) => rule));
  const rules = asArray(dig(route, 'spec', 'rules'));
  return [...ofCanary]
    .map((index) => ({ rule: rules[index], path: ['spec', 'rules', index] }))
    .filter(({ rule }) => isCanaryOnly(rule, canaryService) && !isManagedRuleName(dig(rule, 'name'), names));
}

function isCanaryOnly(rule: unknown, canaryService: string): boolean {
  const refs = asArray(dig(rule, 'backendRefs'));
  return refs.length === 1 && dig(refs[0], 'name') === canaryService;
}

function isManagedRuleName(name: unknown, managed: ReadonlySet<string>): boolean {
  if (typeof name !== 'string') return false;
  if (managed.has(name)) return true;
  const dash = name.lastIndexOf('-');
  return dash >= 0 && managed.has(name.slice(0, dash)) && /^\d+$/.test(name.slice(dash + 1));
}
