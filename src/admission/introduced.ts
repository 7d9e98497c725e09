import { Budget } from '../rules/budget.ts';
import type { Rule } from '../rules/define.ts';
import {
  affectedSubjects,
  checkAlone,
  Checker,
  finish,
  isUnfinished,
  notFinished,
  type Outcome,
  type Work,
} from '../rules/engine.ts';
import { introduced, type Finding, type Skipped } from '../rules/finding.ts';
import { RuleIndex, type RulesOfKind, type Seeing } from '../rules/rule-index.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { isBeingDeleted } from '../world/rollout.ts';
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

/** Returns whether a rule can see a change. If none can, it introduces nothing. */
export function canIntroduce(change: Change, rules: readonly Rule[]): boolean {
  return RuleIndex.of(rules).seeing([change]).changed.length > 0;
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
  const seeing = RuleIndex.of(rules).seeing(changes);
  if (seeing.changed.length === 0) return nothingFor(changes);
  // Each of these goes through a whole object: both versions, their size and their references.
  yield;
  const large = tooLargeOf(changes, budget);
  if (large !== undefined) return tooLargeFor(changes, large);
  yield;
  const after = worldAfter(base, changes);
  yield;
  const { subjects, skipped } =
    seeing.others.length === 0 ? changedIn(after, changes, budget) : yield* affectedBy(changes, after, budget);
  const scope = scopeOf(changes, seeing);
  const comparison = new Comparison(after, () => worldBefore(base, changes), scope, budget);
  for (const subject of subjects) yield* comparison.compare(subject);
  const allSkipped = [...skipped, ...comparison.skipped];
  const unchecked = tooLarge(changes, allSkipped);
  return {
    findings: unchecked === undefined ? comparison.findings : [...comparison.findings, unchecked],
    skipped: allSkipped,
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
): Work<{ readonly subjects: readonly KubeObject[]; readonly skipped: readonly Skipped[] }> {
  const versions = changes.flatMap(versionsOf);
  const { subjects, whyNotAll } = yield* affectedSubjects(after, versions, budget);
  const [first] = versions;
  const skipped = first === undefined || whyNotAll === undefined ? [] : [notFinished('*', first, whyNotAll)];
  return { subjects: subjects.flatMap((subject) => presentIn(after, subject) ?? []), skipped };
}

// Then no other object has to be looked for.
function changedIn(
  after: World,
  changes: readonly Change[],
  budget: Budget,
): { readonly subjects: readonly KubeObject[]; readonly skipped: readonly Skipped[] } {
  budget.count(changes.length);
  const versions = new Map(changes.flatMap(versionsOf).map((version) => [keyOf(version), version]));
  return { subjects: [...versions.values()].flatMap((version) => presentIn(after, version) ?? []), skipped: [] };
}

function nothingFor(changes: readonly Change[]): Introduced {
  return { findings: [], skipped: [], lookedUp: new Set(changes.flatMap(versionsOf).map(keyOf)), subjects: 0 };
}

// Even to find out what such an object refers to takes too long. What is stored is read at any size: else it could not be
// made smaller, and a mistake that is added on the way would count as an old one.
function tooLargeOf(changes: readonly Change[], budget: Budget): Skipped | undefined {
  for (const { after } of changes) {
    const reason = after === undefined ? undefined : budget.whyTooLarge(after);
    if (after !== undefined && reason !== undefined) return notFinished('*', after, reason);
  }
  return undefined;
}

function tooLargeFor(changes: readonly Change[], skip: Skipped): Introduced {
  const finding = tooLarge(changes, [skip]);
  return { ...nothingFor(changes), findings: finding === undefined ? [] : [finding], skipped: [skip] };
}

interface Scope {
  isChanged(subject: KubeObject): boolean;
  /** Returns whether nothing is changed in the namespace of a subject. */
  isOfOthers(subject: KubeObject): boolean;
  /** Only the rules that read a place that differs can change their mind. */
  rulesFor(subject: KubeObject): RulesOfKind;
}

function scopeOf(changes: readonly Change[], seeing: Seeing): Scope {
  const changed = new Set(changes.flatMap(versionsOf).map(keyOf));
  const [ofChanged, ofOthers] = [RuleIndex.of(seeing.changed), RuleIndex.of(seeing.others)];
  const namespaces = new Set(changes.flatMap(versionsOf).map(namespaceOf));
  const isChanged = (subject: KubeObject): boolean => changed.has(keyOf(subject));
  return {
    isChanged,
    isOfOthers: (subject) => !namespaces.has(namespaceOf(subject)),
    rulesFor(subject) {
      const kind = kindOf(subject);
      return kind === undefined ? NO_RULES : (isChanged(subject) ? ofChanged : ofOthers).forSubject(kind);
    },
  };
}

const NO_RULES: RulesOfKind = { alone: [], across: [] };

/**
 * Compares what rules say in two worlds, one subject after the other. A live world may change while others have their
 * turn. So a rule looks at both worlds in the same turn, and an unchanged subject is the same object in both. Else what
 * is fixed meanwhile would look as if it had not been there before.
 */
class Comparison {
  readonly findings: Finding[] = [];
  readonly skipped: Skipped[] = [];
  readonly #scope: Scope;
  readonly #budget: Budget;
  readonly #after: Checker;
  readonly #worldBefore: () => World;
  #before: { readonly world: World; readonly checker: Checker } | undefined;

  /** @param worldBefore - Most changes introduce nothing, and then it is not needed. */
  constructor(after: World, worldBefore: () => World, scope: Scope, budget: Budget) {
    this.#scope = scope;
    this.#budget = budget;
    this.#after = new Checker(after, budget);
    this.#worldBefore = worldBefore;
  }

  get lookedUp(): ReadonlySet<ObjectKey> {
    return this.#after.lookedUp;
  }

  /** Adds what is new about a subject. Only the rules that find something look at it as it was. */
  *compare(subject: KubeObject): Work<void> {
    const { whyNoMore } = this.#budget;
    if (whyNoMore !== undefined) {
      this.skipped.push(notFinished('*', subject, whyNoMore));
      return;
    }
    if (isBeingDeleted(subject)) return;
    const { alone, across } = this.#scope.rulesFor(subject);
    if (alone.length + across.length === 0) return;
    const reason = this.#budget.whyTooLarge(subject);
    if (reason !== undefined) {
      // A user of one namespace can rarely make an object in another one smaller.
      const { unfinished, ...skip } = notFinished('*', subject, reason);
      this.skipped.push(this.#scope.isOfOthers(subject) || unfinished === undefined ? skip : { ...skip, unfinished });
      return;
    }
    yield* this.#compareAlone(subject, alone);
    for (const rule of across) {
      const outcome = this.#after.check(rule, subject);
      if (outcome !== undefined) yield* this.#add(outcome, this.#outcomeBefore(outcome, subject));
      yield;
    }
  }

  *#compareAlone(subject: KubeObject, rules: readonly Rule[]): Work<void> {
    const outcomes = yield* checkAlone(rules, subject, this.#after.versions, this.#budget);
    if (outcomes.length === 0) return;
    const old = outcomes.some(findsSomething) ? this.#subjectBefore(subject) : undefined;
    const before = old === undefined ? [] : yield* checkAlone(rules, old, this.#after.versions, this.#budget);
    for (const outcome of outcomes) {
      yield* this.#add(
        outcome,
        before.find(({ rule }) => rule === outcome.rule),
      );
      yield;
    }
  }

  #outcomeBefore(after: Outcome, subject: KubeObject): Outcome | undefined {
    if (!findsSomething(after)) return undefined;
    const old = this.#subjectBefore(subject);
    return old === undefined ? undefined : this.#inWorldBefore().checker.check(after.rule, old);
  }

  #subjectBefore(subject: KubeObject): KubeObject | undefined {
    if (!this.#scope.isChanged(subject)) return subject;
    const old = presentIn(this.#inWorldBefore().world, subject);
    return old === undefined || isBeingDeleted(old) ? undefined : old;
  }

  #inWorldBefore(): { readonly world: World; readonly checker: Checker } {
    if (this.#before === undefined) {
      const world = this.#worldBefore();
      this.#before = { world, checker: new Checker(world, this.#budget) };
    }
    return this.#before;
  }

  // To compare tens of thousands takes as long as to find them.
  *#add({ findings, skipped }: Outcome, before: Outcome | undefined): Work<void> {
    yield;
    for (const skip of skipped) this.skipped.push(skip);
    if (before !== undefined && isUnfinished(before)) {
      for (const skip of before.skipped) this.skipped.push(skip);
      return;
    }
    if (before !== undefined) this.#budget.count(findings.length + before.findings.length);
    for (const finding of introduced(findings, before?.findings ?? [])) this.findings.push(finding);
  }
}

function findsSomething({ findings }: Outcome): boolean {
  return findings.length > 0;
}

function presentIn(world: World, subject: KubeObject): KubeObject | undefined {
  const kind = kindOf(subject);
  if (kind === undefined) return undefined;
  const found = world.get(kind, namespaceOf(subject), subject.metadata.name);
  return found.state === 'present' ? found.object : undefined;
}
