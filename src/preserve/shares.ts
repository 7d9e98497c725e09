import { isObject } from '../world/read.ts';

/**
 * What the controller makes of a backend. It sets the weights of canary, stable and experiment backends. The weights of
 * additional backends are the user's, but count in the total. It does not count others.
 */
export type Part = 'canary' | 'stable' | 'experiment' | 'additional' | 'other';

/** A backend of a rule whose weights a controller sets. */
export interface Backend {
  readonly part: Part;
  /** By what the controller tells a backend from others of its part. */
  readonly id: string;
  /** Undefined if the field does not hold a weight. */
  readonly weight: number | undefined;
  readonly raw: unknown;
}

/** The part of the traffic that goes to the canary: `canary` out of `total`. */
export interface Share {
  readonly canary: number;
  readonly total: number;
}

/** How a router counts weights. */
export interface Scale {
  /** To what a router completes the weights; the first if the stored weights do not show it. */
  readonly totals: readonly [number, ...number[]];
  /** Whether an experiment may be at the cost of stable alone: then the canary is not counted in the total. */
  readonly canaryInAddition: boolean;
}

/** The weights that a rule gets. */
export interface Kept {
  /** By index of the submitted backends. Undefined leaves the weight as it is. */
  readonly weights: readonly (number | undefined)[];
  /** The stored backends of experiments that were not submitted. */
  readonly missing: readonly { readonly raw: unknown; readonly weight: number }[];
  /** Where the weights come from. */
  readonly source: 'stored' | 'share';
  readonly experiments: ReadonlyMap<string, number>;
}

/** The input of `keepRule`. */
interface RuleWeights {
  readonly submitted: readonly Backend[];
  /** The backends of the stored rule that corresponds to it, if there is one. */
  readonly stored: readonly Backend[] | undefined;
  /** The stored backends that the controller added and that were not submitted. */
  readonly missing: readonly Backend[];
  /** Used where the weights cannot be copied. */
  readonly share: Share | undefined;
  /** Whether stored weights may be copied. */
  readonly copies: boolean;
  readonly scale: Scale;
  /** The weights of running experiments by the status, by id. */
  readonly experiments: ReadonlyMap<string, number>;
}

const MOST = 2 ** 31 - 1;

/** Returns the value if it is a weight that an API takes, or undefined. */
export function weightOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST ? value : undefined;
}

/** Returns a share on the scale of a router. */
export function scaled(share: Share, total: number): Share {
  return share.total === total ? share : { canary: Math.round((share.canary * total) / share.total), total };
}

/** Reports whether two shares are the same part of the traffic. */
export function isSameShare(a: Share, b: Share): boolean {
  return a.canary * b.total === b.canary * a.total;
}

/**
 * Returns the share of the canary in a stored rule. Returns undefined if the rule does not shift traffic between stable
 * and canary, or its weights add up to 0.
 */
export function shareOf(backends: readonly Backend[], scale: Scale): Share | undefined {
  const canaries = backends.filter(({ part }) => part === 'canary');
  const stables = backends.filter(({ part }) => part === 'stable');
  const [canary] = canaries;
  const [stable] = stables;
  if (canary?.weight === undefined || stable?.weight === undefined) return undefined;
  const managed = sumOf(backends.filter(({ part }) => part !== 'other'));
  if (managed === undefined || managed === 0) return undefined;
  // The controller gives all canary backends of a rule the same weight, and all stable ones.
  if (
    canaries.every(({ weight }) => weight === canary.weight) &&
    stables.every(({ weight }) => weight === stable.weight)
  ) {
    const total = totalOf(backends, canary.weight, stable.weight, scale);
    if (total !== undefined) return { canary: canary.weight, total };
  }
  return scaled({ canary: sumOf(canaries) ?? 0, total: managed }, scale.totals[0]);
}

/** Returns the total to which the router completed the weights of a rule; undefined if they add up to none. */
function totalOf(backends: readonly Backend[], canary: number, stable: number, scale: Scale): number | undefined {
  const added = backends.filter(({ part }) => part === 'experiment' || part === 'additional');
  const others = backends.filter(({ part }) => part === 'other');
  const own = canary + stable + (sumOf(added) ?? 0);
  // Where an experiment has ended, its backends are others until the controller removes them.
  const all = own + (sumOf(others) ?? 0);
  const inAddition = scale.canaryInAddition && added.length + others.length > 0;
  const sums = [own, all, ...(inAddition ? [own - canary, all - canary] : [])];
  const [first] = scale.totals;
  // If experiments and additional backends take more than is left, stable has 0, and the sum is larger than the total.
  const isOver = stable === 0 && added.length > 0 && canary <= first && own > first;
  return scale.totals.find((candidate) => sums.includes(candidate)) ?? (isOver ? first : undefined);
}

function sumOf(backends: readonly Backend[]): number | undefined {
  let sum = 0;
  for (const { weight } of backends) {
    if (weight === undefined) return undefined;
    sum += weight;
  }
  return sum;
}

/** Returns the stored backends of experiments that were not submitted, each once. */
export function missingExperiments(submitted: readonly Backend[], stored: readonly Backend[]): readonly Backend[] {
  const there = new Set(submitted.map(({ id }) => id));
  const missing = stored.filter(({ part, id, raw }) => part === 'experiment' && isObject(raw) && !there.has(id));
  return [...new Map(missing.map((backend) => [backend.id, backend])).values()];
}

/**
 * Returns the weights that a rule gets, or undefined if nothing is known or the submitted weights are malformed. If the
 * backends that the controller sets and the weights of all others are as stored, the stored weights are copied.
 * Otherwise the canary gets its share, and stable the rest.
 */
export function keepRule(rule: RuleWeights): Kept | undefined {
  const { submitted, stored, missing, copies } = rule;
  if (submitted.some(({ part, weight }) => part !== 'other' && weight === undefined)) return undefined;
  const complete = [...submitted, ...missing];
  const copied = stored !== undefined && copies ? copyOf(complete, stored) : undefined;
  if (copied !== undefined) return kept(rule, copied, 'stored');
  if (rule.share === undefined) return undefined;
  return kept(rule, sharedWeights(rule, complete, rule.share), 'share');
}

function kept({ submitted, missing }: RuleWeights, all: readonly (number | undefined)[], source: Kept['source']): Kept {
  const experiments = new Map<string, number>();
  for (const [index, { part, id }] of [...submitted, ...missing].entries())
    if (part === 'experiment') experiments.set(id, all[index] ?? 0);
  return {
    weights: all.slice(0, submitted.length),
    missing: missing.map(({ raw }, index) => ({ raw, weight: all[submitted.length + index] ?? 0 })),
    source,
    experiments,
  };
}

/** Returns the stored weights of these backends, or undefined if they are not the stored ones. */
function copyOf(backends: readonly Backend[], stored: readonly Backend[]): (number | undefined)[] | undefined {
  if (backends.length !== stored.length) return undefined;
  const left = Map.groupBy(stored, keyOf);
  for (const found of left.values()) found.reverse();
  const weights: (number | undefined)[] = [];
  let isSame = true;
  for (const backend of backends) {
    const found = left.get(keyOf(backend))?.pop();
    if (found === undefined) return undefined;
    const isManaged = isSetByController(backend);
    weights.push(isManaged ? found.weight : undefined);
    isSame &&= !isManaged || found.weight === backend.weight;
  }
  const managed = sumOf(stored.filter(isSetByController));
  // Weights that send nothing anywhere are never copied, nor is the one of a single backend. But what is stored can be
  // applied again.
  return isSame || (stored.length > 1 && managed !== undefined && managed > 0) ? weights : undefined;
}

function isSetByController({ part }: Backend): boolean {
  return part === 'canary' || part === 'stable' || part === 'experiment';
}

function keyOf(backend: Backend): string {
  const { part, id, weight } = backend;
  return JSON.stringify(isSetByController(backend) ? [part, id] : [part, id, weight ?? null]);
}

function sharedWeights(
  { stored, scale, experiments }: RuleWeights,
  backends: readonly Backend[],
  { canary, total }: Share,
): (number | undefined)[] {
  const known = new Map(
    (stored ?? []).flatMap(({ part, id, weight }) => (part === 'experiment' ? [[id, weight] as const] : [])),
  );
  const weightIn = (id: string): number => known.get(id) ?? experiments.get(id) ?? 0;
  const running = new Set(backends.flatMap(({ part, id }) => (part === 'experiment' ? [id] : [])));
  const taken = [...running].reduce((sum, id) => sum + weightIn(id), 0);
  const additional = sumOf(backends.filter(({ part }) => part === 'additional')) ?? 0;
  const isAdded = scale.canaryInAddition && running.size > 0 && !countsCanary(stored ?? [], total);
  const stable = Math.max(0, total - (isAdded ? 0 : canary) - taken - additional);
  return backends.map(({ part, id }) => {
    if (part === 'canary') return canary;
    if (part === 'stable') return stable;
    return part === 'experiment' ? weightIn(id) : undefined;
  });
}

// Whether the canary is counted in the total of a stored rule with an experiment.
function countsCanary(stored: readonly Backend[], total: number): boolean {
  return stored.some(({ part }) => part === 'experiment') && sumOf(stored.filter(isSetByController)) === total;
}

/**
 * Finds the stored rule that corresponds to a submitted one by keys: the first of a key stands for the first, the second
 * for the second.
 */
export class Counterparts<T> {
  readonly #stored = new Map<string, T[]>();
  readonly #used = new Map<string, number>();

  /** Adds a stored rule under a key. Rules are added in their order. */
  add(key: string, rule: T): void {
    const rules = this.#stored.get(key);
    if (rules === undefined) this.#stored.set(key, [rule]);
    else rules.push(rule);
  }

  /** Returns the next stored rule of a key. If there are fewer than submitted ones, the last stands for the others. */
  next(key: string): T | undefined {
    const rules = this.#stored.get(key);
    if (rules === undefined) return undefined;
    const index = this.#used.get(key) ?? 0;
    this.#used.set(key, index + 1);
    return rules[Math.min(index, rules.length - 1)];
  }
}
