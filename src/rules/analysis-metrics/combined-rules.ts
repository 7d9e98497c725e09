import { named, nameRulesOf } from '../../world/analysis.ts';
import type { Analysis, NameRule } from '../../world/collect-analyses.ts';
import { memo } from '../../world/memo.ts';
import type { KubeObject } from '../../world/object.ts';
import type { ObjectPath } from '../finding.ts';
import type { Context } from './messages.ts';
import { reportTwice, reportUnmatched, unmatched, type NameRuleField, type PlacedRule } from './name-rules.ts';

interface StepRule {
  readonly step: Analysis;
  readonly rule: PlacedRule;
}

/**
 * Checks the rules of one field in a Rollout or Experiment, together with those of the templates. Most analyses share
 * their templates, and those of an experiment share their rules, so a place that was checked is not checked again.
 */
export class CombinedRules {
  readonly #context: Context;
  readonly #holder: KubeObject;
  readonly #field: NameRuleField;
  readonly #ofSteps: ReadonlyMap<string, readonly StepRule[]>;
  readonly #repeatedIn = new Set<readonly NameRule[]>();
  readonly #progress = new Map<readonly KubeObject[], Progress>();
  readonly #matched = new Map<readonly string[], Set<readonly NameRule[]>>();

  /** @param context - Drops what is reported again. */
  constructor(context: Context, holder: KubeObject, analyses: readonly Analysis[], field: NameRuleField) {
    this.#context = context;
    this.#holder = holder;
    this.#field = field;
    this.#ofSteps = rulesOfSteps(holder, analyses, field);
  }

  /** Reports rules that an analysis itself has twice. */
  checkOwn(analysis: Analysis, place: readonly ObjectPath[]): void {
    const rules = analysis[this.#field];
    if (this.#repeatedIn.has(rules)) return;
    this.#repeatedIn.add(rules);
    for (const [earlier, later] of indexOf(rules).repeated)
      reportTwice(this.#context, this.#field, this.#placed(earlier, analysis), this.#placed(later, analysis), place);
  }

  /**
   * Reports rules that are twice in an analysis and its templates, and those that match no metric.
   *
   * @param names - The names of the metrics; undefined if they are unknown.
   */
  checkCombined(
    analysis: Analysis,
    templates: readonly KubeObject[],
    names: readonly string[] | undefined,
    place: readonly ObjectPath[],
  ): void {
    this.checkOwn(analysis, place);
    const own = indexOf(analysis[this.#field]).first;
    const theirs = rulesOf(templates)[this.#field];
    const progress = this.#progress.get(templates) ?? { analyses: 0, repeated: new Set(theirs.repeated) };
    this.#progress.set(templates, progress);
    progress.analyses++;
    for (const pair of progress.repeated) {
      // Otherwise both repeat the rule of the analysis.
      if (own.has(pair[0].pattern)) continue;
      progress.repeated.delete(pair);
      reportTwice(this.#context, this.#field, ...pair, place);
    }
    for (const pattern of inBoth(own, theirs.byPattern)) {
      const mine = own.get(pattern);
      const [first] = theirs.byPattern.get(pattern) ?? [];
      if (mine !== undefined && first !== undefined)
        reportTwice(this.#context, this.#field, this.#placed(mine, analysis), first, place);
    }
    this.#checkMatches(analysis, theirs.all, names, place);
    if (analysis.role !== 'experiment') this.#checkSteps(analysis, theirs, progress.analyses, place);
  }

  #checkMatches(
    analysis: Analysis,
    theirs: readonly PlacedRule[],
    names: readonly string[] | undefined,
    place: readonly ObjectPath[],
  ): void {
    if (names === undefined) return;
    const rules = analysis[this.#field];
    const matched = this.#matched.get(names) ?? new Set();
    this.#matched.set(names, matched);
    if (matched.has(rules)) return;
    const own = rules.map((rule) => this.#placed(rule, analysis));
    reportUnmatched(this.#context, this.#field, unmatched(this.#context, own, names), names, place);
    if (matched.size === 0)
      reportUnmatched(this.#context, this.#field, unmatched(this.#context, theirs, names), names, place);
    matched.add(rules);
  }

  // The controller validates the templates of every analysis together with the rules of every step. The first two
  // analyses with the same templates find all rules that are repeated, but for the second step that has the rule of a
  // later analysis.
  #checkSteps(analysis: Analysis, theirs: TemplateRules, count: number, place: readonly ObjectPath[]): void {
    const patterns =
      count <= 2
        ? inBoth(this.#ofSteps, theirs.byPattern)
        : inBoth(indexOf(analysis[this.#field]).first, theirs.byPattern);
    for (const pattern of patterns) {
      const other = this.#ofSteps.get(pattern)?.find(({ step }) => step !== analysis);
      const [rule] = theirs.byPattern.get(pattern) ?? [];
      if (other !== undefined && rule !== undefined) reportTwice(this.#context, this.#field, other.rule, rule, place);
    }
  }

  #placed(rule: NameRule, analysis: Analysis): PlacedRule {
    return { ...rule, object: this.#holder, holder: analysis.title };
  }
}

interface Progress {
  analyses: number;
  /** What is repeated in the templates and was not reported yet. */
  readonly repeated: Set<readonly [PlacedRule, PlacedRule]>;
}

interface TemplateRules {
  readonly all: readonly PlacedRule[];
  readonly byPattern: ReadonlyMap<string, readonly PlacedRule[]>;
  readonly repeated: readonly (readonly [PlacedRule, PlacedRule])[];
}

const rulesOf = memo((templates: readonly KubeObject[]) => ({
  dryRun: templateRules(templates, 'dryRun'),
  measurementRetention: templateRules(templates, 'measurementRetention'),
}));

function templateRules(templates: readonly KubeObject[], field: NameRuleField): TemplateRules {
  const all = templates.flatMap((template) =>
    nameRulesOf(template, field).map((rule): PlacedRule => ({ ...rule, object: template, holder: named(template) })),
  );
  const byPattern = Map.groupBy(all, ({ pattern }) => pattern);
  return { all, byPattern, repeated: pairsOf(all) };
}

const indexOf = memo((rules: readonly NameRule[]) => {
  const first = new Map<string, NameRule>();
  for (const rule of rules) if (!first.has(rule.pattern)) first.set(rule.pattern, rule);
  return { first, repeated: pairsOf(rules) };
});

/** Returns each rule that repeats an earlier one, with the first that has its expression. */
function pairsOf<T extends NameRule>(rules: readonly T[]): (readonly [T, T])[] {
  const first = new Map<string, T>();
  const pairs: (readonly [T, T])[] = [];
  for (const rule of rules) {
    const earlier = first.get(rule.pattern);
    if (earlier === undefined) first.set(rule.pattern, rule);
    else pairs.push([earlier, rule]);
  }
  return pairs;
}

/** Returns the keys of two maps that are in both, at the cost of the smaller one. */
function inBoth(one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): string[] {
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  return [...small.keys()].filter((key) => large.has(key));
}

// Returns the first two steps that have each regular expression. Two are enough to find one that differs from any given
// step.
function rulesOfSteps(
  holder: KubeObject,
  analyses: readonly Analysis[],
  field: NameRuleField,
): ReadonlyMap<string, readonly StepRule[]> {
  const rules = new Map<string, StepRule[]>();
  for (const step of analyses) {
    if (step.role !== 'step') continue;
    for (const rule of step[field]) {
      const some = rules.get(rule.pattern) ?? [];
      if (some.length < 2 && some[0]?.step !== step)
        some.push({ step, rule: { ...rule, object: holder, holder: step.title } });
      rules.set(rule.pattern, some);
    }
  }
  return rules;
}
