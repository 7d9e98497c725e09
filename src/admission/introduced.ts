import { Budget } from '../rules/budget.ts';
import type { Rule } from '../rules/define.ts';
import { affectedSubjects, Checker, finish, notFinished, type Outcome, type Work } from '../rules/engine.ts';
import { introduced, type Finding, type Skipped } from '../rules/finding.ts';
import { RuleIndex, type RulesOfKind } from '../rules/rule-index.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import type { World } from '../world/world.ts';
import { versionsOf, worldAfter, worldBefore, type Change } from './change.ts';
import { tooLarge } from './too-large.ts';

/** What a change introduces, before the policy decides about it. */
export interface Introduced {
  readonly findings: readonly Finding[];
  readonly skipped: readonly Skipped[];
  /** What the findings after the change depend on, including the subjects. */
  readonly lookedUp: ReadonlySet<ObjectKey>;
  /** How many subjects were evaluated. */
  readonly subjects: number;
}

/**
 * Returns the findings that changes introduce: those after them that were not there before. It evaluates every subject
 * that a changed object affects in either world.
 */
export function introducedBy(base: World, changes: readonly Change[], rules: readonly Rule[]): Introduced {
  return finish(findIntroduced(base, changes, rules, new Budget()));
}

/**
 * Does the work of `introducedBy` on a budget. A rule that does not finish about a subject, in the world after or in the
 * one before, says nothing about it: it is skipped as unfinished, and a finding `too-large` says so. So a small budget can
 * hide a finding, and never makes an old one new.
 */
export function* findIntroduced(
  base: World,
  changes: readonly Change[],
  rules: readonly Rule[],
  budget: Budget,
): Work<Introduced> {
  const after = worldAfter(base, changes);
  const { subjects, skipped } = yield* affectedBy(changes, after, budget);
  const rulesFor = rulesByChange(changes, rules);
  const comparison = new Comparison(after, () => worldBefore(base, changes), budget);
  for (const subject of subjects) yield* comparison.compare(subject, rulesFor(subject));
  skipped.push(...comparison.skipped);
  const unchecked = tooLarge(changes, skipped);
  return {
    findings: unchecked === undefined ? comparison.findings : [...comparison.findings, unchecked],
    skipped,
    lookedUp: new Set([...comparison.lookedUp, ...subjects.map(keyOf)]),
    subjects: subjects.length,
  };
}

// What refers to a changed object is the same in both worlds, except for objects that are among the changes themselves.
// What it shares with others may differ, so both versions count. The changed objects come first, because others could
// use up the budget.
function* affectedBy(
  changes: readonly Change[],
  after: World,
  budget: Budget,
): Work<{ readonly subjects: readonly KubeObject[]; readonly skipped: Skipped[] }> {
  const found = new Map<ObjectKey, KubeObject>();
  const skipped: Skipped[] = [];
  for (const version of changes.flatMap(versionsOf)) found.set(keyOf(version), version);
  for (const change of changes) {
    const versions = versionsOf(change);
    const { subjects, whyNotAll } = yield* affectedSubjects(after, versions, budget);
    for (const subject of subjects) found.set(keyOf(subject), subject);
    const [object] = versions;
    if (object !== undefined && whyNotAll !== undefined) skipped.push(notFinished('*', object, whyNotAll));
  }
  return { subjects: [...found.values()].flatMap((subject) => presentIn(after, subject) ?? []), skipped };
}

// Only the rules that look at a kind that changed can change their mind about an unchanged subject.
function rulesByChange(changes: readonly Change[], rules: readonly Rule[]): (subject: KubeObject) => RulesOfKind {
  const versions = changes.flatMap(versionsOf);
  const changed = new Set(versions.map(keyOf));
  const kinds = new Set(versions.flatMap((version) => kindOf(version) ?? []));
  const all = RuleIndex.of(rules);
  const relevant = RuleIndex.of(all.reading(kinds));
  return (subject) => {
    const kind = kindOf(subject);
    if (kind === undefined) return NO_RULES;
    return (changed.has(keyOf(subject)) ? all : relevant).forSubject(kind);
  };
}

const NO_RULES: RulesOfKind = { alone: [], across: [] };

/** Compares what rules say in two worlds, one subject after the other. */
class Comparison {
  readonly findings: Finding[] = [];
  readonly skipped: Skipped[] = [];
  readonly #budget: Budget;
  readonly #after: Checker;
  readonly #worldBefore: () => World;
  #before: { readonly world: World; readonly checker: Checker } | undefined;

  /** @param worldBefore - Most changes introduce nothing, and then it is not needed. */
  constructor(after: World, worldBefore: () => World, budget: Budget) {
    this.#budget = budget;
    this.#after = new Checker(after, budget);
    this.#worldBefore = worldBefore;
  }

  get lookedUp(): ReadonlySet<ObjectKey> {
    return this.#after.lookedUp;
  }

  /** Adds what is new about a subject. The rules that find something are the only ones to look at it as it was. */
  *compare(subject: KubeObject, rules: RulesOfKind): Work<void> {
    const { whyNoMore } = this.#budget;
    if (whyNoMore !== undefined) {
      this.skipped.push(notFinished('*', subject, whyNoMore));
      return;
    }
    const outcomes = yield* this.#after.check(subject, rules);
    const suspicious = outcomes.filter(({ findings }) => findings.length > 0);
    for (const { skipped } of outcomes) this.skipped.push(...skipped);
    if (suspicious.length === 0) return;
    const before = yield* this.#outcomesBefore(subject, rules, suspicious);
    for (const { rule, findings } of suspicious) {
      const known = before.get(rule);
      const unfinished = known?.skipped.filter((skip) => skip.unfinished !== undefined) ?? [];
      this.skipped.push(...unfinished);
      if (unfinished.length === 0) yield* this.#add(findings, known?.findings ?? []);
    }
  }

  *#outcomesBefore(
    subject: KubeObject,
    { alone, across }: RulesOfKind,
    suspicious: readonly Outcome[],
  ): Work<ReadonlyMap<Rule, Outcome>> {
    const { world, checker } = (this.#before ??= this.#start(this.#worldBefore()));
    const old = presentIn(world, subject);
    if (old === undefined) return NOT_THERE;
    const wanted = new Set(suspicious.map(({ rule }) => rule));
    const outcomes = yield* checker.check(old, {
      // All of them or none, because their outcomes are cached together.
      alone: alone.some((rule) => wanted.has(rule)) ? alone : NO_RULES.alone,
      across: across.filter((rule) => wanted.has(rule)),
    });
    return new Map(outcomes.map((outcome) => [outcome.rule, outcome]));
  }

  #start(world: World): { readonly world: World; readonly checker: Checker } {
    return { world, checker: new Checker(world, this.#budget) };
  }

  *#add(after: readonly Finding[], before: readonly Finding[]): Work<void> {
    if (before.length > 0) this.#budget.count(after.length + before.length);
    for (const finding of introduced(after, before)) this.findings.push(finding);
    if (this.#budget.endsSlice()) yield;
  }
}

const NOT_THERE: ReadonlyMap<Rule, Outcome> = new Map();

function presentIn(world: World, subject: KubeObject): KubeObject | undefined {
  const kind = kindOf(subject);
  if (kind === undefined) return undefined;
  const found = world.get(kind, namespaceOf(subject), subject.metadata.name);
  return found.state === 'present' ? found.object : undefined;
}
