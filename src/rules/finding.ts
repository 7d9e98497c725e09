import type { FindingClass } from '../world/finding-class.ts';
import { keyOf, refOf, sameRef, type KubeObject, type ObjectKey, type ObjectRef } from '../world/object.ts';
import { renderPath, type Path } from '../world/path.ts';
import { versionsTitle, type OfVersions } from '../world/rollouts-versions.ts';
import { fill, type Message, type MessageData } from './message.ts';

export type { FindingClass } from '../world/finding-class.ts';

/** Another place that a finding is about. */
export interface ObjectPath {
  readonly object: KubeObject;
  readonly path: Path;
}

/** A problem that a rule found with one subject in one world. */
export interface Finding {
  readonly rule: string;
  readonly messageId: string;
  readonly class: FindingClass;
  /** The releases of Argo Rollouts of which it is true, if others are among those that the world is judged for. */
  readonly versions?: OfVersions | undefined;
  /** The subject that was checked. */
  readonly subject: KubeObject;
  /** The object that contains the mistake, or where it is best fixed. */
  readonly object: KubeObject;
  readonly path: Path;
  /** The other objects that contradict it, if any. */
  readonly related: readonly ObjectPath[];
  /** The name that the finding is about: a route, subset, metric, argument, container. Never an index. */
  readonly anchor: string;
  /** What is said, as data: most findings are compared and never told. See `renderMessage` and `renderFix`. */
  readonly message: Pick<Message, 'text' | 'fix' | 'missing'>;
  readonly data: MessageData;
  /** The objects that the rule looked up, whether they exist or not, in sets that many findings share. */
  readonly dependsOn: readonly ReadonlySet<ObjectKey>[];
  /** The lists in which one more object could show that it is wrong. */
  readonly absentFrom?: readonly ObjectKey[];
}

/** Returns whether a finding depends on some of these objects and lists. */
export function dependsOnSome(
  { dependsOn, absentFrom = [] }: Pick<Finding, 'dependsOn' | 'absentFrom'>,
  keys: ReadonlySet<ObjectKey>,
): boolean {
  return keys.size > 0 && (absentFrom.some((list) => keys.has(list)) || dependsOn.some((some) => shareOne(some, keys)));
}

// Looks through the smaller set.
function shareOne(a: ReadonlySet<ObjectKey>, b: ReadonlySet<ObjectKey>): boolean {
  if (a.size > b.size) return shareOne(b, a);
  for (const key of a) if (b.has(key)) return true;
  return false;
}

/**
 * Returns the identity of a finding, which is used to compare the findings of two worlds: rule, message id, subject,
 * object and anchor. It has no list index and no rendered text, so reordering or rewording introduces nothing.
 */
export function identity({ rule, messageId, subject, object, anchor }: Finding): string {
  return `${rule}\n${messageId}\n${keyOf(subject)}\n${keyOf(object)}\n${anchor}`;
}

/**
 * Returns the findings that a change introduces, as a difference of multisets: if there was one finding with an identity
 * before the change, a second one is new.
 */
export function introduced(after: readonly Finding[], before: readonly Finding[]): readonly Finding[] {
  if (before.length === 0) return after;
  // Most changes leave thousands of findings as they are, and texts of identities are garbage that blocks all requests.
  const first = firstDifference(after, before);
  if (first === after.length) return [];
  const known = new Map<string, number>();
  for (const finding of before.slice(first)) {
    const id = identity(finding);
    known.set(id, (known.get(id) ?? 0) + 1);
  }
  return after.slice(first).filter((finding) => {
    const id = identity(finding);
    const left = known.get(id) ?? 0;
    if (left === 0) return true;
    known.set(id, left - 1);
    return false;
  });
}

/** Returns the index of the first finding that has another identity in the second list. */
function firstDifference(findings: readonly Finding[], others: readonly Finding[]): number {
  const index = findings.findIndex((finding, at) => {
    const other = others[at];
    return other === undefined || !hasSameIdentity(finding, other);
  });
  return index < 0 ? findings.length : index;
}

function hasSameIdentity(a: Finding, b: Finding): boolean {
  return (
    a.messageId === b.messageId &&
    a.anchor === b.anchor &&
    a.rule === b.rule &&
    isSameObject(a.object, b.object) &&
    isSameObject(a.subject, b.subject)
  );
}

function isSameObject(a: KubeObject, b: KubeObject): boolean {
  return a === b || keyOf(a) === keyOf(b);
}

/** Returns the text by which findings are in the order of all reports: by object, path, rule and anchor. */
export function sortKey({ object, path, rule, messageId, anchor, subject }: Finding): string {
  return `${keyOf(object)}\n${renderPath(path)}\n${rule}\n${messageId}\n${anchor}\n${keyOf(subject)}`;
}

/** Returns the findings in the order of all reports. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const keyed = findings.map((finding) => ({ finding, key: sortKey(finding) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ finding }) => finding);
}

/** Returns what is wrong, and with which releases of Argo Rollouts if not with all. */
export function renderMessage({ message, data, versions }: Finding): string {
  const text = fill(message.text, data);
  return versions === undefined ? text : `with ${versionsTitle(versions)}, ${text}`;
}

/** Returns how to fix it. */
export function renderFix({ message, data }: Finding): string {
  return fill(message.fix, data);
}

/** Returns the line for a finding, without its place: what is wrong, how to fix it, and the rule. */
export function renderText(finding: Finding): string {
  return `${renderMessage(finding)}: ${renderFix(finding)} [${finding.rule}]`;
}

/** Returns the place in the admitted object where the finding is best shown, or undefined. */
export function pathIn(finding: Finding, admitted: ObjectRef): ObjectPath | undefined {
  if (sameRef(refOf(finding.object), admitted)) return { object: finding.object, path: finding.path };
  return finding.related.find((place) => sameRef(refOf(place.object), admitted));
}

/** A rule that could not check a subject, and why. An unknown result never counts as a pass. */
export interface Skipped {
  readonly rule: string;
  readonly subject: KubeObject;
  readonly reason: string;
  /** Why the rule did not finish. Then it says nothing about the subject, whether it had found something or not. */
  readonly unfinished?: string;
}

/** The result of checking subjects in one world. */
export interface Report {
  readonly findings: readonly Finding[];
  readonly skipped: readonly Skipped[];
  /** Every object that the rules looked up, whether it exists or not; the findings depend on these. */
  readonly lookedUp: ReadonlySet<ObjectKey>;
}
