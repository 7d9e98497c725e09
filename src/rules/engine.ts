import { NO_INSTALLED_FIELDS } from '../world/field-tree.ts';
import { memo } from '../world/memo.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import { keyFor, keyOf, kindOf, namespaceOf, type KindId, type KubeObject } from '../world/object.ts';
import { sharedKeys } from '../world/references.ts';
import type { RolloutsVersions } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import { Budget, BudgetSpentError } from './budget.ts';
import type { Rule, Run } from './define.ts';
import { RuleIndex } from './rule-index.ts';
import { type Finding, type Report, type Skipped } from './finding.ts';
import { messageOf } from '../world/error.ts';

/** The rule id under which a rule that threw is reported. */
export const INTERNAL_ERROR = 'internal-error';

/** The rule id under which checks that cost too much are reported. */
export const TOO_LARGE = 'too-large';

/** What one rule says about one subject. */
export interface Outcome {
  readonly rule: Rule;
  /** Empty if the rule did not finish. */
  readonly findings: readonly Finding[];
  readonly skipped: readonly Skipped[];
}

/**
 * Work that can be done in slices. It yields wherever others may get their turn, and returns its result. See `finish`.
 */
export type Work<T> = Generator<undefined, T, undefined>;

/** Work that cannot be divided. Others may get their turn before the next. */
export function* oneStep<T>(work: () => T): Work<T> {
  const result = work();
  yield;
  return result;
}

/** Does work in one go. */
export function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Checks the subjects in a world and returns the findings, the skips and the objects that the rules looked up. Never
 * throws: a rule that throws becomes a finding `internal-error`.
 */
export function evaluate(
  world: World,
  subjects: Iterable<KubeObject>,
  rules: readonly Rule[],
): Report & Pick<Run, 'kindsRead'> {
  const budget = new Budget();
  const checker = new Checker(world, budget);
  const index = RuleIndex.of(rules);
  const findings: Finding[] = [];
  const skipped: Skipped[] = [];
  for (const subject of subjects) {
    const kind = kindOf(subject);
    if (kind === undefined || isBeingDeleted(subject)) continue;
    const { alone, across } = index.forSubject(kind);
    const outcomes = [
      ...finish(checkAlone(alone, subject, world.versions, budget)),
      ...across.map((rule) => checker.check(rule, subject)),
    ];
    for (const outcome of outcomes) {
      for (const finding of outcome?.findings ?? []) findings.push(finding);
      for (const skip of outcome?.skipped ?? []) skipped.push(skip);
    }
  }
  return { findings, skipped, lookedUp: checker.lookedUp, kindsRead: checker.kindsRead };
}

/** Checks subjects in one world, on a budget. */
export class Checker {
  readonly #run: Run;

  constructor(world: World, budget: Budget) {
    this.#run = runIn(world, budget);
  }

  /** The releases of Argo Rollouts that the world is judged for. */
  get versions(): RolloutsVersions {
    return this.#run.world.versions;
  }

  /** Every object that rules looked up so far, whether it exists or not. */
  get lookedUp(): Run['lookedUp'] {
    return this.#run.lookedUp;
  }

  /** The kinds of objects that rules looked up so far. */
  get kindsRead(): Run['kindsRead'] {
    return this.#run.kindsRead;
  }

  /** Returns what a rule says about a subject, or undefined if it has nothing to say. Never throws. */
  check(rule: Rule, subject: KubeObject): Outcome | undefined {
    return checkOne(rule, this.#run, subject);
  }
}

function runIn(world: World, budget: Budget): Run {
  return { world, budget, findings: [], skipped: [], lookedUp: new Set(), kindsRead: new Set() };
}

function checkOne(rule: Rule, run: Run, subject: KubeObject): Outcome | undefined {
  const { budget, findings, skipped } = run;
  budget.beginCheck();
  // Then the rule would do some of its work before it looked something up and found out.
  if (budget.whyNoMore === undefined) {
    try {
      rule.run(run, subject);
    } catch (error) {
      if (!(error instanceof BudgetSpentError)) findings.push(internalError(rule, subject, error));
    }
  }
  const whyNotFinished = budget.endCheck();
  if (whyNotFinished !== undefined) {
    findings.length = 0;
    skipped.length = 0;
    return { rule, findings: [], skipped: [notFinished(rule.id, subject, whyNotFinished)] };
  }
  if (findings.length === 0 && skipped.length === 0) return undefined;
  return { rule, findings: findings.splice(0), skipped: skipped.splice(0) };
}

/** Returns the skip of a rule, or of all (`*`), that did not finish. */
export function notFinished(rule: string, subject: KubeObject, reason: string): Skipped {
  return { rule, subject, reason: `could not be checked: ${reason}`, unfinished: reason };
}

const NO_WORLD: Omit<World, 'versions'> = {
  fields: NO_INSTALLED_FIELDS,
  get: () => ({ state: 'unknown', reason: 'this rule says that it looks at nothing else' }),
  list: () => ({ state: 'unknown', reason: 'this rule says that it looks at nothing else' }),
  referrers: () => [],
};

const NOTHING: readonly Outcome[] = [];
const ownOutcomes = memo(
  (_subject: KubeObject) =>
    new Map<readonly Rule[], { readonly versions: RolloutsVersions; readonly outcomes: readonly Outcome[] }>(),
);

/**
 * Returns what rules that look at nothing but the subject say about it, without those that have nothing to say. They
 * always find the same in it, so for an object that stays in the cache one run is enough. What did not finish is not
 * kept: the next request may have the time for it.
 */
export function* checkAlone(
  rules: readonly Rule[],
  subject: KubeObject,
  versions: RolloutsVersions,
  budget: Budget,
): Work<readonly Outcome[]> {
  if (rules.length === 0) return NOTHING;
  const byRules = ownOutcomes(subject);
  const known = byRules.get(rules);
  if (known?.versions === versions) return known.outcomes;
  const run = runIn({ ...NO_WORLD, versions }, budget);
  let outcomes = NOTHING;
  for (const rule of rules) {
    const outcome = checkOne(rule, run, subject);
    if (outcome !== undefined) outcomes = [...outcomes, outcome];
    yield;
  }
  if (!outcomes.some(isUnfinished)) byRules.set(rules, { versions, outcomes });
  return outcomes;
}

/** Returns whether a rule did not finish. */
export function isUnfinished({ skipped }: Outcome): boolean {
  return skipped.some(({ unfinished }) => unfinished !== undefined);
}

function internalError(rule: Rule, subject: KubeObject, error: unknown): Finding {
  const detail = messageOf(error);
  return {
    rule: INTERNAL_ERROR,
    messageId: rule.id,
    class: 'invalid',
    subject,
    object: subject,
    path: [],
    related: [],
    anchor: rule.id,
    message: {
      text: 'the rule {rule} failed: {detail}',
      fix: 'report this to the maintainers of Rollgate, with the manifest',
    },
    data: { rule: rule.id, detail: detail.replaceAll(/\s+/g, ' ').slice(0, 200) },
    dependsOn: [],
  };
}

// A change reaches further subjects through these kinds, such as a Service through the VirtualService that sends to it.
const CONDUITS: ReadonlySet<KindId> = new Set([
  'VirtualService.networking.istio.io',
  'DestinationRule.networking.istio.io',
  'HTTPRoute.gateway.networking.k8s.io',
  'GRPCRoute.gateway.networking.k8s.io',
  'TCPRoute.gateway.networking.k8s.io',
  'TLSRoute.gateway.networking.k8s.io',
  'Ingress.networking.k8s.io',
  'VirtualService.appmesh.k8s.aws',
  'AnalysisTemplate.argoproj.io',
  'ClusterAnalysisTemplate.argoproj.io',
  'Deployment.apps',
  'ReplicaSet.apps',
  'PodTemplate',
]);

/**
 * Returns every object whose findings changes of objects can affect. These are the objects themselves, those that refer
 * to them, also through routes, templates and workloads, and those that share a workload or pods with them. The cost
 * grows only with the number of these references, not with the size of the world. It stops where the budget ends:
 * `whyNotAll` is the reason.
 *
 * @param world - A world that contains one of the versions, or neither.
 * @param versions - The objects before and after the changes.
 */
export function* affectedSubjects(
  world: World,
  versions: readonly KubeObject[],
  budget: Budget,
): Work<{ readonly subjects: readonly KubeObject[]; readonly whyNotAll: string | undefined }> {
  const found = new Map(versions.map((version) => [keyOf(version), version]));
  const keys = new Set(versions.flatMap((version) => [keyOf(version), ...sharedKeys(version)]));
  // A cluster-scoped template names AnalysisTemplates in the namespace of each Rollout that uses it.
  for (const version of versions)
    if (kindOf(version) === 'AnalysisTemplate.argoproj.io')
      keys.add(keyFor('AnalysisTemplate.argoproj.io', '', version.metadata.name));
  const queue = [...keys];
  // All routes of a namespace have the same list of Rollouts that select routes by labels.
  const seen = new Set<readonly KubeObject[]>();
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const all = world.referrers(next);
    const referrers = seen.has(all) ? [] : all;
    seen.add(all);
    budget.count(1 + referrers.length);
    for (const referrer of referrers) {
      const key = keyOf(referrer);
      if (found.has(key)) continue;
      if (found.size >= budget.subjects)
        return { subjects: [...found.values()], whyNotAll: `it affects more than ${budget.subjects} objects` };
      found.set(key, referrer);
      const kind = kindOf(referrer);
      if (kind !== undefined && CONDUITS.has(kind)) queue.push(key);
    }
    if (budget.whyNoMore !== undefined) return { subjects: [...found.values()], whyNotAll: budget.whyNoMore };
    yield;
  }
  return { subjects: [...found.values()], whyNotAll: undefined };
}

/** Returns the skips without duplicates, in a fixed order. */
export function sortSkipped(skipped: readonly Skipped[]): Skipped[] {
  const unique = new Map(skipped.map((skip) => [[skip.rule, keyOf(skip.subject), skip.reason].join('\n'), skip]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, skip]) => skip);
}

/** Returns the kind, namespace and name of a subject, as reports name it. */
export function title(subject: KubeObject): string {
  const namespace = namespaceOf(subject);
  return `${subject.kind} ${namespace === '' ? '' : `${namespace}/`}${subject.metadata.name}`;
}
