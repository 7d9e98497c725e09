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
} from './shares.ts';
import { describeWeights, lastWriterOf, relationOf, type LastWriter } from './source.ts';
import { liveManagedRoutes, pluginScale, statusWeights, type StatusWeights } from './weights.ts';

// Gateway API plugin v0.15.0, internal/defaults.
const IN_PROGRESS_KEY = 'rollouts.argoproj.io/gatewayapi-canary';

/** How the plugin reads the rules of one route for one Rollout. */
interface Plugin {
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
  isOwn(rule: unknown): boolean;
}

/** A rule of a route whose weights the plugin sets. */
interface Rule {
  readonly raw: unknown;
  readonly path: Path;
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
  keep({ submitted, old, rollout, manager = '' }) {
    const refs = managedGatewayRoutes(rollout).filter((ref) => isTarget(ref, submitted));
    const plugin = pluginFor(rollout, submitted, lastWriterOf(old, 'rules', manager));
    if (refs.length === 0 || plugin === undefined) return NOTHING;
    const rules = rulesOf(submitted, plugin);
    const storedRules = new StoredRules(old === undefined ? [] : rulesOf(old, plugin), rules, plugin);

    const experimental = plugin.hasExperiments
      ? rules.find(({ backends }) => backends.some(isStableOrCanary))
      : undefined;
    const weighed = rules.map((rule) => keepWeights(submitted, rule, storedRules, rule === experimental, plugin));
    const kept: Preserved[] = [...weighed];
    if (old !== undefined) {
      const headers = refs.some(({ useHeaderRoutes }) => useHeaderRoutes)
        ? headerRules(submitted, old, rollout, plugin)
        : [];
      kept.push({
        operations: headers,
        notes: headers.length > 0 ? ['the header rules of the update in progress'] : [],
      });
      const label = weighed.some(({ canary }) => canary > 0) ? inProgressLabel(submitted, old, rollout) : [];
      kept.push({ operations: label, notes: label.length > 0 ? ['the label of the update in progress'] : [] });
    }
    return inOneLine(together(kept));
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
): Preserved & { readonly canary: number } {
  const { status, scale, writer } = plugin;
  const stored = storedRules.ruleFor(rule);
  const canaryIn = (weights: readonly (number | undefined)[]): number =>
    isWeighed(rule) ? (weights[rule.backends.findIndex(({ part }) => part === 'canary')] ?? 0) : 0;
  const relation = stored === undefined ? 'trusted' : relationOf(stored.backends, status, scale, writer);
  const share = relation === 'missed' ? undefined : stored && shareOf(stored.backends, scale);
  const kept = rule.backends.some(isStableOrCanary)
    ? keepRule({
        submitted: rule.backends,
        stored: stored?.backends,
        missing: experimental && stored !== undefined ? missingBackends(rule, stored) : [],
        share: share ?? storedRules.common,
        copies: relation !== 'missed',
        scale,
        experiments: status.additional,
      })
    : undefined;
  if (kept === undefined) return { ...NOTHING, canary: canaryIn(rule.backends.map(({ weight }) => weight)) };
  const operations = [
    ...weighRule(submitted, rule, kept),
    ...kept.missing.map(({ raw, weight }) =>
      insertAt([...rule.path, 'backendRefs', '-'], { ...asObject(raw), weight }),
    ),
  ];
  const notes = operations.length === 0 ? [] : [describeWeights(kept, rule.backends, status, relation)];
  return { operations, notes, canary: canaryIn(kept.weights) };
}

function isTarget(ref: GatewayRouteRef, route: KubeObject): boolean {
  if (ref.kind !== kindOf(route) || ref.namespace !== namespaceOf(route)) return false;
  return ref.selector === undefined
    ? ref.name === route.metadata.name
    : matchesSelector(ref.selector, stringMap(route.metadata['labels']));
}

function pluginFor(rollout: KubeObject, route: KubeObject, writer: LastWriter): Plugin | undefined {
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
      hasHeaderRules && (baseName(asString(dig(rule, 'name')), managed) !== undefined || isCanaryOnly(rule, canary)),
  };
}

/**
 * Returns the managed route that a rule belongs to, or undefined. The plugin numbers the rules of a managed route:
 * `name`, `name-1`, `name-2`.
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
      const name = asString(dig(backend, 'name'));
      // A backend without a weight has the weight 1.
      return { part: partOf(name, plugin), id: name, weight: weightOf(dig(backend, 'weight') ?? 1), raw: backend };
    });
    return [{ raw, path: ['spec', 'rules', index], backends }];
  });
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
function isWeighed({ backends }: Rule): boolean {
  return backends.some(({ part }) => part === 'stable') && backends.some(({ part }) => part === 'canary');
}

/** The rules of the stored route, found by their names or matches. */
class StoredRules {
  /** The share of the canary where no stored rule shows it. */
  readonly common: Share | undefined;
  readonly #byName = new Counterparts<Rule>();
  readonly #byMatches = new Counterparts<Rule>();
  readonly #only: Rule | undefined;

  constructor(stored: readonly Rule[], submitted: readonly Rule[], { status, scale, writer }: Plugin) {
    for (const rule of stored) {
      const name = asString(dig(rule.raw, 'name'));
      if (name !== '') this.#byName.add(name, rule);
      this.#byMatches.add(matchesKey(rule), rule);
    }
    const weighed = stored.filter(isWeighed);
    this.#only = weighed.length === 1 && submitted.filter(isWeighed).length === 1 ? weighed[0] : undefined;
    const known = status.share && scaled(status.share, scale.totals[0]);
    const isMissed = weighed.some(({ backends }) => relationOf(backends, status, scale, writer) === 'missed');
    const shares = weighed.flatMap(({ backends }) => shareOf(backends, scale) ?? []);
    const [first] = shares;
    // The plugin sets the same weight in every rule. If the weights differ, something else has changed one since.
    const isOne = first !== undefined && shares.every((share) => isSameShare(share, first));
    this.common = isOne && !isMissed ? first : (known ?? first);
  }

  /** Returns the stored rule that corresponds to a submitted one. Is asked once for each, in their order. */
  ruleFor(rule: Rule): Rule | undefined {
    const byMatches = this.#byMatches.next(matchesKey(rule));
    return this.#byName.next(asString(dig(rule.raw, 'name'))) ?? byMatches ?? this.#only;
  }
}

function matchesKey(rule: Rule): string {
  return JSON.stringify(dig(rule.raw, 'matches')) ?? '';
}

function weighRule(submitted: KubeObject, rule: Rule, { weights, missing }: Kept): Operation[] {
  const isAlone = rule.backends.length + missing.length === 1;
  return rule.backends.flatMap(({ weight }, index) => {
    const target = weights[index];
    // With a single backend the weight has no effect, unless it is 0: then every request fails.
    if (target === undefined || target === weight || (isAlone && target === 0)) return [];
    return setAt(submitted, [...rule.path, 'backendRefs', index, 'weight'], target);
  });
}

function missingBackends(rule: Rule, stored: Rule): Backend[] {
  const submitted = new Set(rule.backends.map(({ id }) => id));
  return stored.backends.filter(({ part, id, raw }) => part === 'experiment' && isObject(raw) && !submitted.has(id));
}

/**
 * Returns the operations that restore the rules which the plugin added for header steps, after the other rules as the
 * plugin has them. The plugin names these rules after the managed route. If the installed Gateway API has no rule
 * names, a rule that sends to the canary alone, on the headers of a step, is recognised as one of them.
 */
function headerRules(submitted: KubeObject, old: KubeObject, rollout: KubeObject, plugin: Plugin): Operation[] {
  const live = new Set(liveManagedRoutes(rollout));
  const rules = asArray(dig(submitted, 'spec', 'rules'));
  if (!plugin.hasHeaderRules || live.size === 0 || !rulesOf(submitted, plugin).some(isWeighed)) return [];
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
  const value = dig(old, 'metadata', 'labels', key);
  if (config['disableInProgressLabel'] === true || typeof value !== 'string') return [];
  return setAt(submitted, ['metadata', 'labels', key], value);
}
