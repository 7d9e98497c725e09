import type { Operation } from 'fast-json-patch';
import {
  gatewayConfig,
  managedGatewayRoutes,
  matchesSelector,
  ROUTE_KINDS,
  type GatewayRouteRef,
} from '../world/gateway.ts';
import { memo } from '../world/memo.ts';
import { kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import {
  asArray,
  dig,
  isObject,
  asObject,
  optionalString,
  asString,
  stringMap,
  type JsonObject,
} from '../world/read.ts';
import { canaryOf, managedRouteNames, stepsOf } from '../world/rollout.ts';
import { definePreserver, inOneLine, NEVER, NOTHING, together, type Preserved } from './define.ts';
import { Parts } from './gateway-parts.ts';
import { indexOf, inOrder, isCanaryOnly, managedNames, matchesKey, rulesWith, type Rule } from './gateway-rules.ts';
import { insertAt, setAt } from '../world/json-patch.ts';
import { liveManagedRoutes, percent, statusWeights, type StatusWeights } from './weights.ts';

// Gateway API plugin v0.15.0, internal/defaults.
const IN_PROGRESS_KEY = 'rollouts.argoproj.io/gatewayapi-canary';
const IN_PROGRESS_VALUE = 'in-progress';

/** How the plugin reads the rules of one route for one Rollout. */
interface Plugin {
  readonly stable: string;
  readonly canary: string;
  /** Whether the plugin adds its own rules to this kind of route. */
  readonly hasHeaderRules: boolean;
  readonly status: StatusWeights;
  /** Reports whether the plugin treats a rule as one of its own. */
  isOwn(rule: Rule): boolean;
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
  keep({ submitted, old, rollout }) {
    const plugin = pluginFor(rollout, submitted);
    if (plugin === undefined) return NEVER;
    const parts = new Parts();
    const refs = managedGatewayRoutes(rollout).filter((ref) => isTarget(ref, submitted, parts));
    if (refs.length === 0) return { ...NOTHING, ...parts };
    parts.readRules(submitted, [plugin.stable, plugin.canary]);
    const rules = rulesOf(submitted, plugin);
    const storedRules = new StoredRules(old === undefined ? [] : rulesOf(old, plugin), rules, plugin);

    const isHttp = kindOf(submitted) === 'HTTPRoute.gateway.networking.k8s.io';
    const experimental = isHttp ? rules[0] : undefined;
    const kept = rules.map((rule) => {
      const weights = keepWeights(submitted, rule, storedRules, rule === experimental, plugin);
      if (weights.operations.length > 0) parts.writeRule(rule);
      return weights;
    });
    if (experimental !== undefined)
      parts.writeBackends(missingBackends(experimental, storedRules.ruleFor(experimental), plugin));
    if (old !== undefined) {
      const headers = refs.some(({ useHeaderRoutes }) => useHeaderRoutes)
        ? headerRules(submitted, old, rollout, plugin, parts)
        : [];
      kept.push({
        operations: headers,
        notes: headers.length > 0 ? ['the header rules of the update in progress'] : [],
      });
      const shifted = rules.some((rule) => isWeighed(rule, plugin) && (storedRules.canaryWeight(rule) ?? 0) > 0);
      const label = shifted ? inProgressLabel(submitted, old, rollout, parts) : [];
      kept.push({ operations: label, notes: label.length > 0 ? ['the label of the update in progress'] : [] });
    }
    return { ...inOneLine(together(kept)), ...parts };
  },
});

/**
 * Returns the operations that restore the weights of a rule, and the backends of an experiment.
 * @param experimental - Whether the plugin adds the backends of an experiment to this rule: the first rule of an
 * HTTPRoute that has one of the two Services.
 */
function keepWeights(
  submitted: KubeObject,
  rule: Rule,
  storedRules: StoredRules,
  experimental: boolean,
  plugin: Plugin,
): Preserved {
  const canary = storedRules.canaryWeight(rule);
  if (
    canary === undefined ||
    rule.backends.some(({ name, weight }) => isStableOrCanary(name, plugin) && weight === undefined)
  )
    return NOTHING;
  const missing = experimental ? missingBackends(rule, storedRules.ruleFor(rule), plugin) : [];
  const experiment =
    experimental && (missing.length > 0 || rule.backends.some(({ name }) => plugin.status.additional.has(name)));
  // The plugin gives stable what the experiment leaves, whatever weight the canary has.
  const taken = experiment
    ? Math.min(
        100,
        [...plugin.status.additional.values()].reduce((sum, weight) => sum + weight, 0),
      )
    : canary;
  const stable = 100 - taken;
  const operations = [
    ...weighRule(submitted, rule, { canary, stable }, plugin),
    ...missing.map((raw) => insertAt([...rule.path, 'backendRefs', '-'], raw)),
  ];
  return operations.length === 0 ? NOTHING : { operations, notes: [`weights stable ${stable}, canary ${canary}`] };
}

function isTarget(ref: GatewayRouteRef, route: KubeObject, parts: Parts): boolean {
  if (ref.kind !== kindOf(route) || ref.namespace !== namespaceOf(route)) return false;
  if (ref.selector === undefined) return ref.name === route.metadata.name;
  for (const key of keysOf(ref.selector)) parts.readLabel(route, key);
  return matchesSelector(ref.selector, labelsOf(route));
}

const labelsOf = memo((route: KubeObject) => stringMap(route.metadata['labels']));

function keysOf(selector: JsonObject): string[] {
  const expressions = asArray(selector['matchExpressions']).map((expression) => asString(dig(expression, 'key')));
  return [...stringMap(selector['matchLabels']).keys(), ...expressions];
}

function pluginFor(rollout: KubeObject, route: KubeObject): Plugin | undefined {
  const status = statusWeights(rollout);
  const stable = asString(canaryOf(rollout)?.['stableService']);
  const canary = asString(canaryOf(rollout)?.['canaryService']);
  if (status === undefined || stable === '' || canary === '' || stable === canary) return undefined;
  const kind = kindOf(route);
  const hasHeaderRules =
    kind === 'HTTPRoute.gateway.networking.k8s.io' || kind === 'GRPCRoute.gateway.networking.k8s.io';
  const managed = new Set(managedRouteNames(rollout).filter((name) => name !== ''));
  return {
    stable,
    canary,
    hasHeaderRules,
    status,
    isOwn: (rule) =>
      hasHeaderRules && (managedNames(rule.name).some((name) => managed.has(name)) || isCanaryOnly(rule, canary)),
  };
}

/** Returns the rules with a Service of the Rollout that are not rules of the plugin. */
function rulesOf(route: KubeObject, plugin: Plugin): readonly Rule[] {
  return rulesWith([plugin.stable, plugin.canary], route).filter((rule) => !plugin.isOwn(rule));
}

function has(rule: Rule, service: string): boolean {
  return rule.backends.some(({ name }) => name === service);
}

function isStableOrCanary(name: string, plugin: Plugin): boolean {
  return name === plugin.stable || name === plugin.canary;
}

/** Reports whether traffic is shifted in a rule, rather than always sent to one of the two Services. */
function isWeighed(rule: Rule, plugin: Plugin): boolean {
  return has(rule, plugin.stable) && has(rule, plugin.canary);
}

/** The rules of the stored route, found by their names or matches. */
class StoredRules {
  readonly #byName = new Map<string, Rule>();
  readonly #byMatches = new Map<string, Rule>();
  readonly #only: Rule | undefined;
  readonly #common: number | undefined;
  readonly #plugin: Plugin;

  constructor(stored: readonly Rule[], submitted: readonly Rule[], plugin: Plugin) {
    this.#plugin = plugin;
    const weighed = stored.filter((rule) => isWeighed(rule, plugin));
    for (const rule of weighed) {
      if (rule.name !== '' && !this.#byName.has(rule.name)) this.#byName.set(rule.name, rule);
      if (!this.#byMatches.has(matchesKey(rule))) this.#byMatches.set(matchesKey(rule), rule);
    }
    this.#only =
      weighed.length === 1 && submitted.filter((rule) => isWeighed(rule, plugin)).length === 1 ? weighed[0] : undefined;
    // The plugin sets the same weight in every rule. If the weights differ, something else has changed one since.
    const weights = new Set(weighed.map((rule) => storedWeight(rule, plugin)).filter((weight) => weight !== undefined));
    const [first] = weights;
    this.#common = weights.size === 1 ? first : (plugin.status.canary ?? first);
  }

  /** Returns the stored rule that corresponds to a submitted one. */
  ruleFor(rule: Rule): Rule | undefined {
    return this.#byName.get(rule.name) ?? this.#byMatches.get(matchesKey(rule)) ?? this.#only;
  }

  /** Returns the current weight of the canary, or undefined if it is not known. */
  canaryWeight(rule: Rule): number | undefined {
    const stored = this.ruleFor(rule);
    return (stored === undefined ? undefined : storedWeight(stored, this.#plugin)) ?? this.#common;
  }
}

function storedWeight(rule: Rule, plugin: Plugin): number | undefined {
  return percent(dig(rule.backends.find(({ name }) => name === plugin.canary)?.raw, 'weight'));
}

function weighRule(
  submitted: KubeObject,
  rule: Rule,
  weights: { readonly canary: number; readonly stable: number },
  plugin: Plugin,
): Operation[] {
  return rule.backends.flatMap(({ name, weight }, index) => {
    if (!isStableOrCanary(name, plugin)) return [];
    const target = name === plugin.canary ? weights.canary : weights.stable;
    // With a single backend the weight has no effect, unless it is 0: then every request fails.
    if (target === weight || (rule.backends.length === 1 && target === 0)) return [];
    return setAt(submitted, [...rule.path, 'backendRefs', index, 'weight'], target);
  });
}

function missingBackends(rule: Rule, stored: Rule | undefined, plugin: Plugin): unknown[] {
  const submitted = new Set(rule.backends.map(({ name }) => name));
  return (stored?.backends ?? [])
    .filter(({ name, raw }) => isObject(raw) && plugin.status.additional.has(name) && !submitted.has(name))
    .map(({ raw }) => raw);
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
  if (!plugin.hasHeaderRules || live.size === 0 || !rulesOf(submitted, plugin).some((rule) => isWeighed(rule, plugin)))
    return [];
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
  const value = optionalString(config['inProgressLabelValue']) ?? IN_PROGRESS_VALUE;
  if (config['disableInProgressLabel'] === true || typeof dig(old, 'metadata', 'labels', key) !== 'string') return [];
  parts.readLabel(submitted, key);
  const operations = setAt(submitted, ['metadata', 'labels', key], value);
  if (operations.length > 0) parts.writeLabel(submitted, key);
  return operations;
}
