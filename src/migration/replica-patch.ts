import jsonpatch, { type Operation } from 'fast-json-patch';
import { removeAt, setAt } from '../world/json-patch.ts';
import type { KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { dig } from '../world/read.ts';
import { submittedCount } from './count.ts';
import {
  CONVERT,
  isConverting,
  isSuspendedAs,
  migrationAnnotationsOf,
  OFF,
  OWN_ANNOTATIONS,
  POLICY_UIDS,
  REPLICAS,
  replicasOf,
  ROLLOUT_UID,
  SUSPENDED,
  type MigrationAnnotations,
} from './annotations.ts';
import type { Migration, DeploymentChange } from './plan.ts';

/** The patch of a submitted Deployment. */
export interface ReplicaPatch {
  readonly operations: readonly Operation[];
  /** The object with the operations applied. */
  readonly patched: KubeObject;
  /** Whether its count is 0 because a Rollout runs its pods. */
  readonly atZero: boolean;
}

// The Deployment controller writes it. A tool that replaces the Deployment without it makes that controller write
// again. That gives a new generation, which the Rollout notes: an endless loop.
const REVISION = 'deployment.kubernetes.io/revision';

/**
 * Begins a conversion: notes the wanted count on the Deployment. A new Deployment is stored at 0; one that runs keeps
 * its pods until the Rollout has the same number.
 *
 * @param runs - Whether a new Deployment starts pods too.
 */
export function beginMigration(
  { before, after }: DeploymentChange,
  { profile, byNamespace, replicas, policyUids }: Migration,
  runs: boolean,
): ReplicaPatch {
  const edit = new Edit(after);
  const old = before === undefined ? undefined : migrationAnnotationsOf(before);
  if (byNamespace) edit.annotate(CONVERT, profile);
  edit.annotate(REPLICAS, String(replicas));
  edit.annotate(ROLLOUT_UID, old?.rolloutUid);
  notePolicy(edit, policyUids, after, old);
  const atZero = before === undefined && !runs;
  if (before === undefined) {
    edit.set(['spec', 'replicas'], runs ? replicas : 0);
  } else if (old !== undefined && isConverting(old)) {
    holdCount(edit, before, after, old);
  } else if (
    submittedCount({ submitted: after, old: before }) === undefined ||
    (replicasOf(after) === 0 && replicas > 0)
  ) {
    edit.set(['spec', 'replicas'], replicasOf(before));
  }
  return edit.result(atZero);
}

/**
 * Continues a conversion, there or back: keeps what Rollgate has noted on the Deployment. A submitted count is noted,
 * and does not start pods in addition to those of the Rollout.
 *
 * @param profile - The profile to keep.
 * @param force - Whether to keep it even if the manifest names another.
 */
export function continueMigration(
  before: KubeObject,
  after: KubeObject,
  profile: string | undefined,
  force = false,
): ReplicaPatch {
  const old = migrationAnnotationsOf(before);
  const edit = new Edit(after);
  if (profile !== undefined && (force || dig(after.metadata, 'annotations', CONVERT) === undefined))
    edit.annotate(CONVERT, profile);
  const submitted = submittedCount({ submitted: after, old: before });
  const wanted = submitted ?? old.replicas;
  if (wanted !== undefined) edit.annotate(REPLICAS, String(wanted));
  edit.annotate(ROLLOUT_UID, old.rolloutUid);
  edit.annotate(POLICY_UIDS, old.policyUids);
  keepSuspension(edit, after, old.suspended);
  edit.restore(REVISION, before);
  const still = isConverting(migrationAnnotationsOf(edit.document));
  if (still) return edit.result(holdCount(edit, before, after, old));
  // Nothing has been made of it yet: it continues as if it had not asked.
  const waits = old.suspended === undefined && replicasOf(before) === 0;
  edit.set(['spec', 'replicas'], (waits ? wanted : submitted) ?? replicasOf(before));
  return edit.result(false);
}

/**
 * Gives a Deployment that no process converts or reverts any more the pods that are wanted. The notes stay, for a
 * Rollgate that converts again.
 *
 * @param profile - The profile to keep if the manifest names none.
 */
export function abandonMigration(before: KubeObject, after: KubeObject, profile: string | undefined): ReplicaPatch {
  const old = migrationAnnotationsOf(before);
  const edit = new Edit(after);
  const submitted = migrationAnnotationsOf(after).profile;
  // Nobody makes a Rollout of another profile, and the user may lack the right to name one.
  if (submitted !== undefined && submitted !== old.profile) edit.annotate(CONVERT, old.profile ?? OFF);
  else if (profile !== undefined && dig(after.metadata, 'annotations', CONVERT) === undefined)
    edit.annotate(CONVERT, profile);
  const wanted =
    submittedCount({ submitted: after, old: before }) ??
    (replicasOf(before) === 0 ? old.replicas : undefined) ??
    replicasOf(before);
  edit.annotate(REPLICAS, String(wanted));
  edit.annotate(ROLLOUT_UID, old.rolloutUid);
  edit.annotate(POLICY_UIDS, old.policyUids);
  keepSuspension(edit, after, old.suspended);
  edit.set(['spec', 'replicas'], wanted);
  return edit.result(false);
}

/**
 * Removes notes that only Rollgate may write from a Deployment that does not concern conversion. One that was exported
 * at 0, while a Rollout ran its pods, gets the noted count.
 */
export function withoutForeignAnnotations(before: KubeObject | undefined, after: KubeObject): ReplicaPatch {
  const edit = new Edit(after);
  const stored = (key: string): unknown =>
    before === undefined ? undefined : dig(before.metadata, 'annotations', key);
  if (stored(REPLICAS) === undefined && migrationAnnotationsOf(after).replicas !== undefined && replicasOf(after) === 0)
    edit.set(['spec', 'replicas'], submittedCount({ submitted: after, old: before }) ?? 0);
  for (const key of OWN_ANNOTATIONS) if (stored(key) === undefined) edit.annotate(key, undefined);
  return edit.result(false);
}

/** Returns whether the count is now 0 because of the Rollout. */
function holdCount(edit: Edit, before: KubeObject, after: KubeObject, old: MigrationAnnotations): boolean {
  if (old.suspended === undefined && replicasOf(before) === 0) {
    edit.set(['spec', 'replicas'], 0);
    return true;
  }
  // A Deployment that was exported at 0 asks for the count noted in it.
  edit.set(['spec', 'replicas'], submittedCount({ submitted: after, old: before }) ?? replicasOf(before));
  return false;
}

// A manifest that replaces the Deployment lacks all notes. A user who removes this one and leaves the count has read
// it, and wants to start again.
function keepSuspension(edit: Edit, after: KubeObject, stored: string | undefined): void {
  const submitted = migrationAnnotationsOf(after);
  if (stored === undefined || submitted.suspended !== undefined || submitted.replicas === undefined)
    edit.annotate(SUSPENDED, stored);
}

// Without a policy that is known now, what proved the conversion before stays.
function notePolicy(
  edit: Edit,
  policyUids: string | undefined,
  after: KubeObject,
  old: MigrationAnnotations | undefined,
): void {
  edit.annotate(POLICY_UIDS, policyUids ?? old?.policyUids);
  const waited = old !== undefined && isSuspendedAs(old, 'not-proven');
  if (waited && policyUids !== undefined) edit.annotate(SUSPENDED, undefined);
  else keepSuspension(edit, after, old?.suspended);
}

/** Collects the operations of a patch. Each applies to the document as the previous ones left it. */
class Edit {
  document: KubeObject;
  readonly #operations: Operation[] = [];

  constructor(document: KubeObject) {
    this.document = document;
  }

  set(path: Path, value: unknown): void {
    this.#apply(setAt(this.document, path, value));
  }

  /** Sets an annotation, or removes it where the value is undefined. */
  annotate(key: string, value: string | undefined): void {
    const path = ['metadata', 'annotations', key];
    if (value !== undefined) this.set(path, value);
    else if (dig(this.document.metadata, 'annotations', key) !== undefined) this.#apply([removeAt(path)]);
  }

  /** Restores an annotation that the stored object has and this one lacks. */
  restore(key: string, stored: KubeObject): void {
    const value = dig(stored.metadata, 'annotations', key);
    if (typeof value === 'string' && dig(this.document.metadata, 'annotations', key) === undefined)
      this.annotate(key, value);
  }

  result(atZero: boolean): ReplicaPatch {
    return { operations: this.#operations, patched: this.document, atZero };
  }

  #apply(operations: readonly Operation[]): void {
    if (operations.length === 0) return;
    for (const operation of operations) this.#operations.push(operation);
    this.document = jsonpatch.applyPatch(this.document, [...operations], false, false).newDocument;
  }
}
