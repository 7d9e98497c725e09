import type { FindingClass } from '../world/finding-class.ts';
import { keyOf, refOf, sameRef, type KubeObject, type ObjectKey, type ObjectRef } from '../world/object.ts';
import { renderPath, type Path } from '../world/path.ts';

export type { FindingClass } from '../world/finding-class.ts';

/** A second place that a finding speaks of. */
export interface ObjectPath {
  readonly object: KubeObject;
  readonly path: Path;
}

/** What a rule found wrong with one subject in one world. */
export interface Finding {
  readonly rule: string;
  readonly messageId: string;
  readonly class: FindingClass;
  /** The subject that was judged. */
  readonly subject: KubeObject;
  /** Where the mistake stands, or is best mended. */
  readonly object: KubeObject;
  readonly path: Path;
  /** The other objects that contradict it, where there are any. */
  readonly related: readonly ObjectPath[];
  /** The name that the finding is about: a route, subset, metric, argument, container. Never an index. */
  readonly anchor: string;
  readonly message: string;
  readonly fix: string;
  /** The objects that its rule looked up, there or not. */
  readonly dependsOn: ReadonlySet<ObjectKey>;
}

/**
 * In: a finding. Out: its identity, by which findings of two worlds are compared: rule, message, subject, object and
 * anchor; no list index and no rendered text, so that reordering or rewording introduces nothing.
 */
export function identity(finding: Finding): string {
  return JSON.stringify([
    finding.rule,
    finding.messageId,
    keyOf(finding.subject),
    keyOf(finding.object),
    finding.anchor,
  ]);
}

/**
 * In: the findings after and before a change. Out: those that the change introduces, as a difference of multisets: a
 * second finding of the same identity is new when there was only one.
 */
export function introduced(after: readonly Finding[], before: readonly Finding[]): Finding[] {
  const known = new Map<string, number>();
  for (const finding of before) {
    const id = identity(finding);
    known.set(id, (known.get(id) ?? 0) + 1);
  }
  return after.filter((finding) => {
    const id = identity(finding);
    const left = known.get(id) ?? 0;
    if (left === 0) return true;
    known.set(id, left - 1);
    return false;
  });
}

/** In: findings. Out: them in the one order in which they are always reported: by object, path, rule, anchor. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const keyed = findings.map((finding) => ({
    finding,
    key: [
      keyOf(finding.object),
      renderPath(finding.path),
      finding.rule,
      finding.messageId,
      finding.anchor,
      keyOf(finding.subject),
    ].join('\n'),
  }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ finding }) => finding);
}

/** In: a finding. Out: its one line without the place: what is wrong, how to mend it, the rule. */
export function renderText(finding: Finding): string {
  return `${finding.message}: ${finding.fix} [${finding.rule}]`;
}

/** In: a finding and the object that is admitted. Out: where in that object the finding is best shown. */
export function pathIn(finding: Finding, admitted: ObjectRef): ObjectPath | undefined {
  if (sameRef(refOf(finding.object), admitted)) return { object: finding.object, path: finding.path };
  return finding.related.find((place) => sameRef(refOf(place.object), admitted));
}

/** A rule that could not be judged, and why: not knowing is never a pass. */
export interface Skipped {
  readonly rule: string;
  readonly subject: KubeObject;
  readonly reason: string;
}

/** What came of judging subjects in one world. */
export interface Report {
  readonly findings: readonly Finding[];
  readonly skipped: readonly Skipped[];
  /** Every object that the rules looked up, there or not: what the findings rest on. */
  readonly lookedUp: ReadonlySet<ObjectKey>;
}
