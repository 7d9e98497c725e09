import type { Operation } from 'fast-json-patch';
import {
  gatewayConfig,
  labelsOf,
  managedGatewayRoutes,
  matchesSelector,
  ROUTE_KINDS,
  type GatewayRouteRef,
} from '../world/gateway.ts';
import { memo } from '../world/memo.ts';
import { kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { asArray, dig, asObject, optionalString, asString, stringMap, type JsonObject } from '../world/read.ts';
import { canaryOf, managedRouteNames, stepsOf } from '../world/rollout.ts';
import { definePreserver, inOneLine, NEVER, NOTHING, together, type Preserved } from './define.ts';
import { Parts } from './gateway-parts.ts';
import { indexOf, inOrder, isCanaryOnly, managedNames, matchesKey, rulesWith, type Rule } from './gateway-rules.ts';
import { insertAt, setAt } from '../world/json-patch.ts';
import {
  Counterparts,
  isSameShare,
  keepRule,
  scaled,
  shareOf,
  weightOf,
  type Backend,
  type Kept,
  type Scale,
  type Share,
  missingExperiments,
} from './shares.ts';
import { describeWeights, lastWriterOf, relationOf, weightsAmong, type LastWriter } from './source.ts';
import { liveManagedRoutes, pluginScale, statusWeights, type StatusWeights } from './weights.ts';

// Gateway API plugin v0.15.0, internal/defaults.
const IN_PROGRESS_KEY = 'rollouts.argoproj.io/gatewayapi-canary';

/** How the plugin reads the rules of one route for one Rollout. */
export interface Plugin {
  readonly stable: string;
  readonly canary: string;
  /** Whether the plugin adds its own rules to this kind of route. */
  readonly hasHeaderRules: boolean;
  /** Whether the plugin adds the backends of experiments to this kind of route. */
  readonly hasExperiments: boolean;
  readonly status: StatusWeights;
  readonly scale: Scale;
  readonly writer: LastWriter;
  /** Reports whether the plugin treats a rule as one of its own. */
  isOwn(rule: Rule): boolean;
}

/** A rule of a route whose weights the plugin sets, with the parts of its backends. */
export interface Weighed {
  readonly rule: Rule;
  readonly backends: readonly Backend[];
}

/**
 * Keeps the weights that the Gateway API plugin sets in a route, its header rules, the backends of a running experiment
 * and its label. The plugin does not watch routes: a weight that an apply resets stays wrong until the Rollout is
 * reconciled for another reason. Follows the plugin v0.15.0, `pkg/plugin`.
 */
export const routeWeights = definePreserver({
  id: 'route-weights',
  summary:
    'A Gateway API route that a Rollout controls keeps its weights, and the header rules and label of an update in progress.',
  kinds: ROUTE_KINDS,
  keep({ submitted, old, rollout, drivers, manager = '' }) {
    if (!firstOfServices(drivers).has(rollout)) return NEVER;
    const plugin = pluginFor(rollout, submitted, lastWriterOf(old, 'rules', manager));
    if (plugin === undefined) return NEVER;
    const parts = new Parts();
    const refs = managedGatewayRoutes(rollout).filter((ref) => isTarget(ref, submitted, parts));
    if (refs.length === 0) return { ...NOTHING, ...parts };
    parts.readRules(submitted, [plugin.stable, plugin.canary]);
    const rules = hasBoth(submitted, plugin) ? rulesOf(submitted, plugin) : [];
    const storedRules = new StoredRules(old === undefined ? [] : rulesOf(old, plugin), rules, plugin);

    const experimental = plugin.hasExperiments ? rules[0] : undefined;
    const weighed = rules.map((rule) => {
      const weights = keepWeights(submitted, rule, storedRules, rule === experimental, plugin);
      if (weights.operations.length > 0) parts.writeRule(rule.rule);
      parts.writeBackends(weights.missing);
      return weights;
    });
    const kept: Preserved[] = weighed.map(({ operations, notes }) => ({ operations, notes }));
    if (old !== undefined) {
      const headers = refs.some(({ useHeaderRoutes }) => useHeaderRoutes)
        ? headerRules(submitted, old, rollout, plugin, parts)
        : [];
      kept.push({
        operations: headers,
        notes: headers.length > 0 ? ['the header rules of the update in progress'] : [],
      });
      const shifted = weighed.some(({ canary }) => canary > 0);
      const label = shifted ? inProgressLabel(submitted, old, rollout, parts) : [];
      kept.push({ operations: label, notes: label.length > 0 ? ['the label of the update in progress'] : [] });
    }
    return { ...inOneLine(together(kept)), ...parts };
  },
});

// A rule has one weight for each of two Services, whichever Rollout uses them. The first ones keep it for all.
const MOST_OF_SERVICES = 10;

/** Returns the Rollouts that keep something in a route: of those with the same two Services and with weights, the first. */
const firstOfServices = memo((drivers: readonly KubeObject[]): ReadonlySet<KubeObject> => {
  const byServices = Map.groupBy(
    drivers.filter((rollout) => statusWeights(rollout) !== undefined),
    (rollout) =>
      JSON.stringify([
        namespaceOf(rollout),
        canaryOf(rollout)?.['stableService'],
        canaryOf(rollout)?.['canaryService'],
      ]),
  );
  return new Set([...byServices.values()].flatMap((rollouts) => rollouts.slice(0, MOST_OF_SERVICES)));
});

/**
 * Returns the operations that restore the weights of a rule, and the backends of an experiment.
 * @param experimental - Whether the plugin adds the backends of an experiment to this rule: the first rule of an
 * HTTPRoute that has one of the two Services.
 */
function keepWeights(
  submitted: KubeObject,
  rule: Weighed,
  storedRules: StoredRules,
  experimental: boolean,
  plugin: Plugin,
): Preserved & { readonly canary: number; readonly missing: readonly unknown[] } {
  const { status, scale, writer } = plugin;
  const stored = storedRules.ruleFor(rule);
  const canaryIn = (weights: readonly (number | undefined)[]): number =>
    isWeighed(rule) ? (weights[rule.backends.findIndex(({ part }) => part === 'canary')] ?? 0) : 0;
  const relation =
    stored === undefined
      ? 'trusted'
      : relationOf(
          stored.backends,
          status,
          scale,
          writer,
          weightsAmong(() => [rule.backends]),
        );
  const share = relation === 'missed' ? undefined : stored && shareOf(stored.backends, scale);
  const kept = rule.backends.some(isStableOrCanary)
    ? keepRule({
        submitted: rule.backends,
        stored: stored?.backends,
        missing: experimental ? missingExperiments(rule.backends, stored?.backends ?? []) : [],
        share: share ?? storedRules.common,
        copies: relation !== 'missed',
        scale,
        experiments: status.additional,
      })
    : undefined;
  if (kept === undefined)
    return { ...NOTHING, canary: canaryIn(rule.backends.map(({ weight }) => weight)), missing: [] };
  const operations = [
    ...weighRule(submitted, rule, kept),
    ...kept.missing.map(({ raw, weight }) =>
      insertAt([...rule.rule.path, 'backendRefs', '-'], { ...asObject(raw), weight }),
    ),
  ];
  const notes = operations.length === 0 ? [] : [describeWeights(kept, rule.backends, status, relation)];
  return { operations, notes, canary: canaryIn(kept.weights), missing: kept.missing.map(({ raw }) => raw) };
}

function isTarget(ref: GatewayRouteRef, route: KubeObject, parts: Parts): boolean {
  if (ref.kind !== kindOf(route) || ref.namespace !== namespaceOf(route)) return false;
  if (ref.selector === undefined) return ref.name === route.metadata.name;
  for (const key of keysOf(ref.selector)) parts.readLabel(route, key);
  return matchesSelector(ref.selector, labelsOf(route));
}

function keysOf(selector: JsonObject): string[] {
  const expressions = asArray(selector['matchExpressions']).map((expression) => asString(dig(expression, 'key')));
  return [...stringMap(selector['matchLabels']).keys(), ...expressions];
}

/** Returns how the plugin reads a route for a Rollout; undefined if it has not set weights. */
export function pluginFor(rollout: KubeObject, route: KubeObject, writer: LastWriter): Plugin | undefined {
  const status = statusWeights(rollout);
  const stable = asString(canaryOf(rollout)?.['stableService']);
  const canary = asString(canaryOf(rollout)?.['canaryService']);
  if (status === undefined || stable === '' || canary === '' || stable === canary) return undefined;
  const kind = kindOf(route);
  const hasExperiments = kind === 'HTTPRoute.gateway.networking.k8s.io';
  const hasHeaderRules = hasExperiments || kind === 'GRPCRoute.gateway.networking.k8s.io';
  const managed = new Set(managedRouteNames(rollout).filter((name) => name !== ''));
  return {
    stable,
    canary,
    hasHeaderRules,
    hasExperiments,
    status,
    scale: pluginScale(rollout),
    writer,
    isOwn: (rule) =>
      hasHeaderRules && (managedNames(rule.name).some((name) => managed.has(name)) || isCanaryOnly(rule, canary)),
  };
}

/** Returns the rules with a Service of the Rollout that are not rules of the plugin. */
export function rulesOf(route: KubeObject, plugin: Plugin): readonly Weighed[] {
  return rulesWith([plugin.stable, plugin.canary], route)
    .filter((rule) => !plugin.isOwn(rule))
    .map((rule) => ({
      rule,
      backends: rule.backends.map(({ name, weight, raw }): Backend => ({
        part: partOf(name, plugin),
        id: name,
        weight: weightOf(weight),
        raw,
      })),
    }));
}

/** Reports whether the plugin sets weights in a route at all: it fails at one in which no rule has one of the two Services. */
function hasBoth(route: KubeObject, { stable, canary }: Plugin): boolean {
  return [stable, canary].every((service) => rulesWith([service], route).length > 0);
}

function partOf(name: string, plugin: Plugin): Backend['part'] {
  if (name === plugin.canary) return 'canary';
  if (name === plugin.stable) return 'stable';
  return plugin.hasExperiments && plugin.status.additional.has(name) ? 'experiment' : 'other';
}

function isStableOrCanary({ part }: Backend): boolean {
  return part === 'stable' || part === 'canary';
}

/** Reports whether traffic is shifted in a rule, rather than always sent to one of the two Services. */
function isWeighed({ backends }: Weighed): boolean {
  return backends.some(({ part }) => part === 'stable') && backends.some(({ part }) => part === 'canary');
}

/** The rules of the stored route, found by their names or matches. */
class StoredRules {
  /** The share of the canary where no stored rule shows it. */
  readonly common: Share | undefined;
  readonly #byName = new Counterparts<Weighed>();
  readonly #byMatches = new Counterparts<Weighed>();
  readonly #only: Weighed | undefined;

  constructor(stored: readonly Weighed[], submitted: readonly Weighed[], { status, scale, writer }: Plugin) {
    for (const rule of stored) {
      const { name } = rule.rule;
      if (name !== '') this.#byName.add(name, rule);
      this.#byMatches.add(matchesKey(rule.rule), rule);
    }
    const weighed = stored.filter(isWeighed);
    this.#only = weighed.length === 1 && submitted.filter(isWeighed).length === 1 ? weighed[0] : undefined;
    const known = status.share && scaled(status.share, scale.totals[0]);
    const isSubmitted = weightsAmong(() => submitted.map(({ backends }) => backends));
    const isMissed = weighed.some(
      ({ backends }) => relationOf(backends, status, scale, writer, isSubmitted) === 'missed',
    );
    const shares = weighed.flatMap(({ backends }) => shareOf(backends, scale) ?? []);
    const [first] = shares;
    // The plugin sets the same weight in every rule. If the weights differ, something else has changed one since.
    const isOne = first !== undefined && shares.every((share) => isSameShare(share, first));
    this.common = isOne && !isMissed ? first : (known ?? first);
  }

  /** Returns the stored rule that corresponds to a submitted one. Is asked once for each, in their order. */
  ruleFor({ rule }: Weighed): Weighed | undefined {
    const byMatches = this.#byMatches.next(matchesKey(rule));
    return this.#byName.next(rule.name) ?? byMatches ?? this.#only;
  }
}

function weighRule(submitted: KubeObject, rule: Weighed, { weights, missing }: Kept): Operation[] {
  const after = [
    ...rule.backends.map(({ weight }, index) => weights[index] ?? weight),
    ...missing.map(({ weight }) => weight),
  ];
  // Every request fails if no backend has a weight. This can only be where stable and canary are not both there.
  if (after.every((weight) => weight === 0)) return [];
  return rule.backends.flatMap(({ weight }, index) => {
    const target = weights[index];
    if (target === undefined || target === weight) return [];
    return setAt(submitted, [...rule.rule.path, 'backendRefs', index, 'weight'], target);
  });
}

/**
 * Returns the operations that restore the rules which the plugin added for header steps, after the other rules as the
 * plugin has them. The plugin names these rules after the managed route. If the installed Gateway API has no rule
 * names, a rule that sends to the canary alone, on the headers of a step, is recognised as one of them.
 */
function headerRules(
  submitted: KubeObject,
  old: KubeObject,
  rollout: KubeObject,
  plugin: Plugin,
  parts: Parts,
): Operation[] {
  const live = new Set(liveManagedRoutes(rollout));
  if (!plugin.hasHeaderRules || live.size === 0 || !rulesOf(submitted, plugin).some(isWeighed)) return [];
  const headers = stepHeaders(rollout, live);
  const done = new Set(
    rulesWith([plugin.canary], submitted)
      .filter((rule) => isCanaryOnly(rule, plugin.canary))
      .map(matchesKey),
  );
  const stored = indexOf(old);
  const named = [...live].flatMap((name) => stored.byManagedRoute.get(name) ?? []);
  const unnamed = rulesWith([plugin.canary], old).filter(
    (rule) =>
      rule.name === '' && isCanaryOnly(rule, plugin.canary) && headers.some((wanted) => isOnHeaders(rule.raw, wanted)),
  );
  return inOrder([...named, ...unnamed]).flatMap((rule) => {
    const key = rule.name === '' ? matchesKey(rule) : rule.name;
    const place = indexOf(submitted).byName.get(rule.name);
    if (rule.name !== '') parts.readNamed(rule.name, place);
    if (done.has(key)) return [];
    done.add(key);
    const operations =
      place === undefined
        ? [insertAt(['spec', 'rules', '-'], rule.raw)]
        : setAt(submitted, ['spec', 'rules', place.index], rule.raw);
    if (operations.length > 0) parts.writeNamed(rule, place);
    return operations;
  });
}

function stepHeaders(rollout: KubeObject, live: ReadonlySet<string>): readonly (readonly string[])[] {
  const steps = stepsOf(rollout).map((step) => dig(step, 'setHeaderRoute'));
  return steps
    .filter((step) => live.has(asString(dig(step, 'name'))))
    .map((step) => asArray(dig(step, 'match')).map((match) => asString(dig(match, 'headerName'))))
    .filter((names) => names.length > 0);
}

function isOnHeaders(rule: unknown, wanted: readonly string[]): boolean {
  const matches = asArray(dig(rule, 'matches'));
  return (
    matches.length > 0 &&
    matches.every((match) => {
      const names = new Set(asArray(dig(match, 'headers')).map((header) => asString(dig(header, 'name'))));
      return wanted.every((name) => names.has(name));
    })
  );
}

function inProgressLabel(submitted: KubeObject, old: KubeObject, rollout: KubeObject, parts: Parts): Operation[] {
  const config = asObject(gatewayConfig(rollout));
  const key = optionalString(config['inProgressLabelKey']) ?? IN_PROGRESS_KEY;
  const value = dig(old, 'metadata', 'labels', key);
  if (config['disableInProgressLabel'] === true || typeof value !== 'string') return [];
  parts.readLabel(submitted, key);
  const operations = setAt(submitted, ['metadata', 'labels', key], value);
  if (operations.length > 0) parts.writeLabel(submitted, key);
  return operations;
}
