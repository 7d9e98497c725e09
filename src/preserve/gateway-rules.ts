import { getOrAdd } from '../world/get-or-add.ts';
import { memo } from '../world/memo.ts';
import type { KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asArray, asString, dig } from '../world/read.ts';

/** A rule of a route. */
export interface Rule {
  readonly raw: unknown;
  readonly index: number;
  readonly name: string;
  readonly path: Path;
  readonly backends: readonly Backend[];
}

/** A backend of a rule. */
export interface Backend {
  readonly name: string;
  /** Undefined if the field does not hold a number. */
  readonly weight: number | undefined;
  readonly raw: unknown;
}

/** The rules of a Gateway API route by what a Rollout looks for. Made once for all Rollouts. */
export interface RuleIndex {
  /** Each rule once per name of a backend. */
  readonly byBackend: ReadonlyMap<string, readonly Rule[]>;
  /** The first rule of each name. */
  readonly byName: ReadonlyMap<string, Rule>;
  /** The rules that may belong to a managed route. */
  readonly byManagedRoute: ReadonlyMap<string, readonly Rule[]>;
}

/** Returns the rules of a route by what a Rollout looks for. */
export const indexOf = memo((route: KubeObject): RuleIndex => {
  const byBackend = new Map<string, Rule[]>();
  const byName = new Map<string, Rule>();
  const byManagedRoute = new Map<string, Rule[]>();
  for (const [index, raw] of asArray(dig(route, 'spec', 'rules')).entries()) {
    const rule = readRule(raw, index);
    for (const name of new Set(rule.backends.map((backend) => backend.name)))
      getOrAdd(byBackend, name, () => []).push(rule);
    if (rule.name === '') continue;
    if (!byName.has(rule.name)) byName.set(rule.name, rule);
    for (const name of managedNames(rule.name)) getOrAdd(byManagedRoute, name, () => []).push(rule);
  }
  return { byBackend, byName, byManagedRoute };
});

function readRule(raw: unknown, index: number): Rule {
  const backends = asArray(dig(raw, 'backendRefs')).map((backend): Backend => {
    // A backend without a weight has the weight 1.
    const weight = dig(backend, 'weight') ?? 1;
    return {
      name: asString(dig(backend, 'name')),
      weight: typeof weight === 'number' ? weight : undefined,
      raw: backend,
    };
  });
  return { raw, index, name: asString(dig(raw, 'name')), path: ['spec', 'rules', index], backends };
}

/** Returns the rules with one of these backends, in order. */
export function rulesWith(services: readonly string[], route: KubeObject): readonly Rule[] {
  const { byBackend } = indexOf(route);
  return inOrder(services.flatMap((service) => byBackend.get(service) ?? []));
}

/** Returns the rules of one route in its order, each once. */
export function inOrder(rules: readonly Rule[]): readonly Rule[] {
  return [...new Set(rules)].sort((a, b) => a.index - b.index);
}

/**
 * Returns the managed routes that a rule may belong to. The plugin numbers the rules of a managed route: `name`,
 * `name-1`, `name-2`.
 */
export function managedNames(name: string): string[] {
  const base = /^(.+)-\d+$/.exec(name)?.[1];
  return base === undefined ? [name] : [name, base];
}

/** Reports whether all traffic of a rule goes to the canary. */
export function isCanaryOnly({ backends }: Rule, canary: string): boolean {
  return backends.length === 1 && backends[0]?.name === canary;
}

/** Returns a text that is the same for rules with the same matches. */
export const matchesKey = memo((rule: Rule): string => JSON.stringify(dig(rule.raw, 'matches')) ?? '');
