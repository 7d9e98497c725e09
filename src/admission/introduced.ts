import type { Rule } from '../rules/define.ts';
import { affectedSubjects, evaluate, type Budget } from '../rules/engine.ts';
import { introduced, type Finding, type Report, type Skipped } from '../rules/finding.ts';
import { RuleIndex } from '../rules/rule-index.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import type { World } from '../world/world.ts';
import { worldAfter, worldBefore, type Change } from './change.ts';

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
 * that a changed object affects in either world. It evaluates the world before only if the one after has findings.
 */
export function introducedBy(
  base: World,
  changes: readonly Change[],
  rules: readonly Rule[],
  budget?: Budget,
): Introduced {
  const after = worldAfter(base, changes);
  // What refers to a changed object is the same in both worlds, except for objects that are among the changes themselves;
  // what it shares with others may differ.
  const versions = changes.flatMap(({ before: old, after: object }) => [old ?? [], object ?? []].flat());
  const subjects = new Map(affectedSubjects(after, versions).map((subject) => [keyOf(subject), subject]));
  const scope = scopeOf(changes, rules);
  const left = present(after, subjects);
  const report = evaluateIn(after, left, scope, budget);
  const lookedUp = new Set([...report.lookedUp, ...left.map(keyOf)]);
  const seen = { skipped: report.skipped, lookedUp, subjects: left.length };
  if (report.findings.length === 0) return { ...seen, findings: [] };
  const before = worldBefore(base, changes);
  const old = evaluateIn(before, present(before, subjects), scope);
  return { ...seen, findings: introduced(report.findings, old.findings) };
}

interface Scope {
  readonly changed: ReadonlySet<ObjectKey>;
  readonly rules: readonly Rule[];
  /** The rules that look at a kind that changed: only these can change their mind about an unchanged subject. */
  readonly relevant: readonly Rule[];
}

function scopeOf(changes: readonly Change[], rules: readonly Rule[]): Scope {
  const versions = changes.flatMap(({ before, after }) => [before ?? [], after ?? []].flat());
  const kinds = new Set(versions.flatMap((object) => kindOf(object) ?? []));
  return { changed: new Set(versions.map(keyOf)), rules, relevant: RuleIndex.of(rules).reading(kinds) };
}

function evaluateIn(
  world: World,
  subjects: readonly KubeObject[],
  { changed, rules, relevant }: Scope,
  budget?: Budget,
): Report {
  const isChanged = (subject: KubeObject): boolean => changed.has(keyOf(subject));
  const own = evaluate(world, subjects.filter(isChanged), rules, budget);
  const others = evaluate(
    world,
    subjects.filter((subject) => !isChanged(subject)),
    relevant,
    budget,
  );
  return {
    findings: [...own.findings, ...others.findings],
    skipped: [...own.skipped, ...others.skipped],
    lookedUp: new Set([...own.lookedUp, ...others.lookedUp]),
  };
}

function present(world: World, subjects: ReadonlyMap<ObjectKey, KubeObject>): KubeObject[] {
  return [...subjects.values()].flatMap((subject) => {
    const kind = kindOf(subject);
    if (kind === undefined) return [];
    const found = world.get(kind, namespaceOf(subject), subject.metadata.name);
    return found.state === 'present' ? [found.object] : [];
  });
}
