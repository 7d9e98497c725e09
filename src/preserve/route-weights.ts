import type { Operation } from 'fast-json-patch';
import {
  gatewayConfig,
  managedGatewayRoutes,
  matchesSelector,
  ROUTE_KINDS,
  type GatewayRouteRef,
} from '../world/gateway.ts';
import { kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asArray, dig, isObject, asObject, optionalString, asString, stringMap } from '../world/read.ts';
import { canaryOf, managedRouteNames, stepsOf } from '../world/rollout.ts';
import { definePreserver, inOneLine, NOTHING, together, type Preserved } from './define.ts';
import { insertAt, setAt } from '../world/json-patch.ts';
import { liveManagedRoutes, percent, statusWeights, type StatusWeights } from './weights.ts';

// Gateway API plugin v0.15.0, internal/defaults.
const IN_PROGRESS_KEY = 'rollouts.argoproj.io/gatewayapi-canary';
const IN_PROGRESS_VALUE = 'in-progress';

/** How the plugin reads the rules of one route for one Rollout. */
interface Plugin {
  readonly stable: string;
  readonly canary: string;
  /** Whether the plugin knows rules of its own in this kind of route. */
  readonly hasHeaderRules: boolean;
  readonly status: StatusWeights;
  /** In: a rule. Out: whether the plugin takes it for one of its own. */
  isOwn(rule: unknown): boolean;
}

/** One rule of a route that the plugin weighs. */
interface Rule {
  readonly raw: unknown;
  readonly path: Path;
  readonly backends: readonly Backend[];
}

interface Backend {
  readonly name: string;
  /** Undefined: something else than a weight stands there. */
  readonly weight: number | undefined;
  readonly raw: unknown;
}

/**
 * Keeps the weights that the Gateway API plugin sets in a route, its header rules, the backends of a running experiment
 * and its label. The plugin does not watch routes: a weight that an apply puts back stays wrong until the Rollout is
 * reconciled for another reason. Follows the plugin v0.15.0, `pkg/plugin`.
 */
export const routeWeights = definePreserver({
  id: 'route-weights',
  summary:
    'A Gateway API route that a Rollout drives keeps its weights, and the header rules and the label of a running update.',
  kinds: ROUTE_KINDS,
  keep({ submitted, old, rollout }) {
    const refs = managedGatewayRoutes(rollout).filter((ref) => isMeant(ref, submitted));
    const plugin = pluginFor(rollout, submitted);
    if (refs.length === 0 || plugin === undefined) return NOTHING;
    const rules = rulesOf(submitted, plugin);
    const before = new Before(old === undefined ? [] : rulesOf(old, plugin), rules, plugin);

    const isHttp = kindOf(submitted) === 'HTTPRoute.gateway.networking.k8s.io';
    const experimental = isHttp
      ? rules.find(({ backends }) => backends.some(({ name }) => isPair(name, plugin)))
      : undefined;
    const kept = rules.map((rule) => keepWeights(submitted, rule, before, rule === experimental, plugin));
    if (old !== undefined) {
      const headers = refs.some(({ useHeaderRoutes }) => useHeaderRoutes)
        ? headerRules(submitted, old, rollout, plugin)
        : [];
      kept.push({ operations: headers, notes: headers.length > 0 ? ['the header rules of the running update'] : [] });
      const shifted = rules.some((rule) => isWeighed(rule, plugin) && (before.canaryWeight(rule) ?? 0) > 0);
      const label = shifted ? inProgressLabel(submitted, old, rollout) : [];
      kept.push({ operations: label, notes: label.length > 0 ? ['the label of the running update'] : [] });
    }
    return inOneLine(together(kept));
  },
});

/**
 * In: the submitted route, a rule of it, the stored rules, whether it is the rule into which the plugin puts the
 * backends of an experiment (the first of an HTTPRoute that has one of the two Services), and how the plugin reads it.
 * Out: what gives the rule its weights and those backends again.
 */
function keepWeights(
  submitted: KubeObject,
  rule: Rule,
  before: Before,
  experimental: boolean,
  plugin: Plugin,
): Preserved {
  const canary = before.canaryWeight(rule);
  if (canary === undefined || rule.backends.some(({ name, weight }) => isPair(name, plugin) && weight === undefined))
    return NOTHING;
  const missing = experimental ? missingBackends(rule, before.ruleFor(rule), plugin) : [];
  const experiment =
    experimental && (missing.length > 0 || rule.backends.some(({ name }) => plugin.status.additional.has(name)));
  // The plugin leaves stable what the experiment leaves, whatever the canary has.
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

function isMeant(ref: GatewayRouteRef, route: KubeObject): boolean {
  if (ref.kind !== kindOf(route) || ref.namespace !== namespaceOf(route)) return false;
  return ref.selector === undefined
    ? ref.name === route.metadata.name
    : matchesSelector(ref.selector, stringMap(route.metadata['labels']));
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
      hasHeaderRules && (baseName(asString(dig(rule, 'name')), managed) !== undefined || isCanaryOnly(rule, canary)),
  };
}

/**
 * In: the name of a rule, and names of managed routes. Out: the managed route it belongs to; the plugin numbers the
 * rules of one, `name`, `name-1`, `name-2`.
 */
function baseName(name: string, managed: ReadonlySet<string>): string | undefined {
  if (managed.has(name)) return name;
  const base = /^(.+)-\d+$/.exec(name)?.[1];
  return base !== undefined && managed.has(base) ? base : undefined;
}

function isCanaryOnly(rule: unknown, canary: string): boolean {
  const backends = asArray(dig(rule, 'backendRefs'));
  return backends.length === 1 && asString(dig(backends[0], 'name')) === canary;
}

function rulesOf(route: KubeObject, plugin: Plugin): Rule[] {
  return asArray(dig(route, 'spec', 'rules')).flatMap((raw, index) => {
    if (plugin.isOwn(raw)) return [];
    const backends = asArray(dig(raw, 'backendRefs')).map((backend): Backend => {
      // A backend without a weight has the weight 1.
      const weight = dig(backend, 'weight') ?? 1;
      return {
        name: asString(dig(backend, 'name')),
        weight: typeof weight === 'number' ? weight : undefined,
        raw: backend,
      };
    });
    return [{ raw, path: ['spec', 'rules', index], backends }];
  });
}

function has(rule: Rule, service: string): boolean {
  return rule.backends.some(({ name }) => name === service);
}

function isPair(name: string, plugin: Plugin): boolean {
  return name === plugin.stable || name === plugin.canary;
}

/** In: a rule. Out: whether traffic is shifted in it, rather than sent to one of the two Services always. */
function isWeighed(rule: Rule, plugin: Plugin): boolean {
  return has(rule, plugin.stable) && has(rule, plugin.canary);
}

/** The rules of the stored route, found by what they are called or match. */
class Before {
  readonly #byName = new Map<string, Rule>();
  readonly #byMatches = new Map<string, Rule>();
  readonly #only: Rule | undefined;
  readonly #common: number | undefined;
  readonly #plugin: Plugin;

  /** In: the stored rules, the submitted ones, and how the plugin reads them. */
  constructor(stored: readonly Rule[], submitted: readonly Rule[], plugin: Plugin) {
    this.#plugin = plugin;
    const weighed = stored.filter((rule) => isWeighed(rule, plugin));
    for (const rule of weighed) {
      const name = asString(dig(rule.raw, 'name'));
      if (name !== '' && !this.#byName.has(name)) this.#byName.set(name, rule);
      if (!this.#byMatches.has(matchesKey(rule))) this.#byMatches.set(matchesKey(rule), rule);
    }
    this.#only =
      weighed.length === 1 && submitted.filter((rule) => isWeighed(rule, plugin)).length === 1 ? weighed[0] : undefined;
    // The plugin sets the same weight in every rule; where they differ, one was written by somebody else since.
    const weights = new Set(weighed.map((rule) => storedWeight(rule, plugin)).filter((weight) => weight !== undefined));
    const [first] = weights;
    this.#common = weights.size === 1 ? first : (plugin.status.canary ?? first);
  }

  /** In: a submitted rule. Out: the stored rule that it was before. */
  ruleFor(rule: Rule): Rule | undefined {
    return this.#byName.get(asString(dig(rule.raw, 'name'))) ?? this.#byMatches.get(matchesKey(rule)) ?? this.#only;
  }

  /** In: a submitted rule. Out: the weight that the canary has now, undefined if nobody knows. */
  canaryWeight(rule: Rule): number | undefined {
    const stored = this.ruleFor(rule);
    return (stored === undefined ? undefined : storedWeight(stored, this.#plugin)) ?? this.#common;
  }
}

function matchesKey(rule: Rule): string {
  return JSON.stringify(dig(rule.raw, 'matches')) ?? '';
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
    if (!isPair(name, plugin)) return [];
    const target = name === plugin.canary ? weights.canary : weights.stable;
    // With a single backend the weight means nothing, unless it is 0: then every request fails.
    if (target === weight || (rule.backends.length === 1 && target === 0)) return [];
    return setAt(submitted, [...rule.path, 'backendRefs', index, 'weight'], target);
  });
}

function missingBackends(rule: Rule, before: Rule | undefined, plugin: Plugin): unknown[] {
  const there = new Set(rule.backends.map(({ name }) => name));
  return (before?.backends ?? [])
    .filter(({ name, raw }) => isObject(raw) && plugin.status.additional.has(name) && !there.has(name))
    .map(({ raw }) => raw);
}

/**
 * In: a submitted and a stored route, and the Rollout. Out: what brings back the rules that the plugin put in for
 * header steps, behind the others as the plugin has them. It names them after the managed route; where the installed
 * Gateway API has no rule names they are known by sending to the canary alone, on the headers of a step.
 */
function headerRules(submitted: KubeObject, old: KubeObject, rollout: KubeObject, plugin: Plugin): Operation[] {
  const live = new Set(liveManagedRoutes(rollout));
  const rules = asArray(dig(submitted, 'spec', 'rules'));
  if (!plugin.hasHeaderRules || live.size === 0 || !rulesOf(submitted, plugin).some((rule) => isWeighed(rule, plugin)))
    return [];
  const headers = stepHeaders(rollout, live);
  const named = new Map(
    rules.map((rule, index): [string, number] => [asString(dig(rule, 'name')), index]).toReversed(),
  );
  const done = new Set(
    rules.filter((rule) => isCanaryOnly(rule, plugin.canary)).map((rule) => JSON.stringify(dig(rule, 'matches'))),
  );
  return asArray(dig(old, 'spec', 'rules')).flatMap((stored) => {
    if (!isObject(stored)) return [];
    const name = asString(stored['name']);
    const key = name === '' ? JSON.stringify(stored['matches']) : name;
    const isUnnamed =
      name === '' && isCanaryOnly(stored, plugin.canary) && headers.some((wanted) => isOnHeaders(stored, wanted));
    const isHeaderRule = isUnnamed || baseName(name, live) !== undefined;
    if (!isHeaderRule || done.has(key)) return [];
    done.add(key);
    const place = name === '' ? undefined : named.get(name);
    return place === undefined
      ? [insertAt(['spec', 'rules', '-'], stored)]
      : setAt(submitted, ['spec', 'rules', place], stored);
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

function inProgressLabel(submitted: KubeObject, old: KubeObject, rollout: KubeObject): Operation[] {
  const config = asObject(gatewayConfig(rollout));
  const key = optionalString(config['inProgressLabelKey']) ?? IN_PROGRESS_KEY;
  const value = optionalString(config['inProgressLabelValue']) ?? IN_PROGRESS_VALUE;
  if (config['disableInProgressLabel'] === true || typeof dig(old, 'metadata', 'labels', key) !== 'string') return [];
  return setAt(submitted, ['metadata', 'labels', key], value);
}
