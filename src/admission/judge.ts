import type { Settings, Situation } from '../policy/policy.ts';
import { decisionFor } from '../policy/policy.ts';
import type { Rule } from '../rules/define.ts';
import { evaluate, INTERNAL_ERROR, affectedSubjects, type Budget } from '../rules/engine.ts';
import { introduced, type Finding, type Report, type Skipped } from '../rules/finding.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { isMidUpdate } from '../world/rollout.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';

/** A change of one object: what was and what would be; a created one was not, a deleted one would not be. */
export interface Change {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/** A finding, and what becomes of it. */
export interface DecidedFinding {
  readonly finding: Finding;
  readonly decision: 'deny' | 'warn';
}

/** What a change introduces, before anybody decided about it. */
export interface Introduced {
  readonly findings: readonly Finding[];
  readonly skipped: readonly Skipped[];
  /** What the findings after the change rest on, the subjects among it. */
  readonly lookedUp: ReadonlySet<ObjectKey>;
  /** How many subjects were looked at. */
  readonly subjects: number;
}

const NO_OBJECT: KubeObject = { apiVersion: '', kind: '', metadata: { name: '' } };

/**
 * In: a world that may lag behind, and changes. Out: the world before them: it holds what the API server says was
 * there, never what the world says.
 */
export function worldBefore(base: World, changes: readonly Change[]): World {
  const olds = changes.flatMap(({ before }) => before ?? []);
  const created = changes.flatMap(({ before, after }) =>
    before === undefined && after !== undefined ? [keyOf(after)] : [],
  );
  return new Overlay(base, olds, created);
}

/** In: a world, and changes. Out: the world after them. */
export function worldAfter(base: World, changes: readonly Change[]): World {
  const news = changes.flatMap(({ after }) => after ?? []);
  const deleted = changes.flatMap(({ before, after }) =>
    after === undefined && before !== undefined ? [keyOf(before)] : [],
  );
  return new Overlay(base, news, deleted);
}

/**
 * In: a world, changes of objects in it, the rules, and optionally a budget. Out: the findings that the changes
 * introduce: those after them that were not there before. Judged are all subjects that a changed object touches in
 * either world. The world before is only looked at when the one after has findings.
 */
export function introducedBy(
  base: World,
  changes: readonly Change[],
  rules: readonly Rule[],
  budget?: Budget,
): Introduced {
  const after = worldAfter(base, changes);
  const subjects = new Map<ObjectKey, KubeObject>();
  for (const { before: old, after: object } of changes) {
    // What refers to it is the same in both worlds, except for objects that are among the changes themselves; what it
    // shares with others may differ.
    const versions = [old, object].filter((version) => version !== undefined);
    for (const touched of affectedSubjects(after, ...versions)) subjects.set(keyOf(touched), touched);
  }
  // What a rule finds in a subject that did not change can only change with an object of a kind that the rule looks at.
  const changedKeys = new Set(
    changes
      .flatMap((change) => [change.before, change.after])
      .flatMap((object) => (object === undefined ? [] : [keyOf(object)])),
  );
  const relevant = rulesLookingAt(rules, changes);
  const left = present(after, subjects);
  const report = evaluateBoth(after, left, changedKeys, { all: rules, relevant }, budget);
  const lookedUp = new Set([...report.lookedUp, ...left.map(keyOf)]);
  const seen = { skipped: report.skipped, lookedUp, subjects: left.length };
  if (report.findings.length === 0) return { ...seen, findings: [] };
  const before = worldBefore(base, changes);
  const old = evaluateBoth(before, present(before, subjects), changedKeys, { all: rules, relevant });
  return { ...seen, findings: introduced(report.findings, old.findings) };
}

function evaluateBoth(
  world: World,
  subjects: readonly KubeObject[],
  changed: ReadonlySet<ObjectKey>,
  rules: { all: readonly Rule[]; relevant: readonly Rule[] },
  budget?: Budget,
): Report {
  const own = evaluate(
    world,
    subjects.filter((subject) => changed.has(keyOf(subject))),
    rules.all,
    budget,
  );
  const others = evaluate(
    world,
    subjects.filter((subject) => !changed.has(keyOf(subject))),
    rules.relevant,
    budget,
  );
  return {
    findings: [...own.findings, ...others.findings],
    skipped: [...own.skipped, ...others.skipped],
    lookedUp: new Set([...own.lookedUp, ...others.lookedUp]),
  };
}

const lookingAt = new WeakMap<readonly Rule[], Map<string, readonly Rule[]>>();

function rulesLookingAt(rules: readonly Rule[], changes: readonly Change[]): readonly Rule[] {
  const kinds = new Set(changes.flatMap(({ before, after }) => kindOf(after ?? before ?? NO_OBJECT) ?? []));
  const id = [...kinds].sort().join(' ');
  let known = lookingAt.get(rules);
  if (known === undefined) {
    known = new Map();
    lookingAt.set(rules, known);
  }
  let relevant = known.get(id);
  if (relevant === undefined) {
    relevant = rules.filter((rule) => rule.reads.some((kind) => kinds.has(kind)));
    known.set(id, relevant);
  }
  return relevant;
}

function present(world: World, subjects: ReadonlyMap<ObjectKey, KubeObject>): KubeObject[] {
  return [...subjects.values()].flatMap((subject) => {
    const kind = kindOf(subject);
    if (kind === undefined) return [];
    const found = world.get(kind, namespaceOf(subject), subject.metadata.name);
    return found.state === 'present' ? [found.object] : [];
  });
}

/** What of the circumstances of a finding does not depend on the finding. */
export interface DecisionContext {
  readonly requireReferences: boolean;
  /** In: the namespaces of a Rollout and of an object. Out: whether the first may block the second. */
  trusted(rolloutNamespace: string, objectNamespace: string): boolean;
  /** In: a namespace. Out: the settings there. */
  settings(namespace: string): Settings;
}

/**
 * In: findings that changes introduced, those changes, and the circumstances. Out: what becomes of each; those that a
 * policy has switched off are gone. A finding counts against the changed object it is about: the subject if that was
 * changed, else the one it names, and is decided by the settings of that object's namespace.
 */
export function decideFindings(
  findings: readonly Finding[],
  changes: readonly Change[],
  circumstances: DecisionContext,
): DecidedFinding[] {
  const changed = new Map<ObjectKey, Change>();
  for (const change of changes) {
    const object = change.after ?? change.before;
    if (object !== undefined) changed.set(keyOf(object), change);
  }
  return findings.flatMap((finding): DecidedFinding[] => {
    const subjectKey = keyOf(finding.subject);
    const blamed = [subjectKey, keyOf(finding.object), ...finding.related.map(({ object }) => keyOf(object))].find(
      (key) => changed.has(key),
    );
    const change = (blamed === undefined ? undefined : changed.get(blamed)) ?? changes[0];
    const object = change?.after ?? change?.before ?? finding.subject;
    const settings = circumstances.settings(namespaceOf(object));
    if (finding.rule === INTERNAL_ERROR) {
      return [{ finding, decision: settings.mode === 'enforce' ? settings.onInternalError : 'warn' }];
    }
    const situation: Situation = {
      operation: change?.after === undefined ? 'DELETE' : change.before === undefined ? 'CREATE' : 'UPDATE',
      subjectAdmitted: changed.has(subjectKey),
      midUpdate: isMidUpdate(finding.subject),
      foreign: crossesNamespaces(finding, object, circumstances),
      requireReferences: circumstances.requireReferences,
    };
    const decision = decisionFor(finding.rule, finding.class, situation, settings);
    return decision === 'off' ? [] : [{ finding, decision }];
  });
}

/**
 * In: a finding, the changed object it counts against, and the circumstances. Out: whether it spans namespaces that do
 * not trust each other.
 */
export function crossesNamespaces(
  finding: Finding,
  admitted: KubeObject,
  circumstances: Pick<DecisionContext, 'trusted'>,
): boolean {
  const home = namespaceOf(finding.subject);
  return [admitted, finding.object, ...finding.related.map(({ object }) => object)].some((object) => {
    const namespace = namespaceOf(object);
    return (
      namespace !== home &&
      (namespace !== '' || keyOf(object) === keyOf(admitted)) &&
      !circumstances.trusted(home, namespace)
    );
  });
}
