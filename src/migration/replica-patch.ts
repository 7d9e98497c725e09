import jsonpatch, { type Operation } from 'fast-json-patch';
import { removeAt, setAt } from '../world/json-patch.ts';
import type { KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { dig } from '../world/read.ts';
import { submittedCount } from './count.ts';
import {
  CONVERT,
  isConverting,
  migrationAnnotationsOf,
  REPLICAS,
  replicasOf,
  ROLLOUT_UID,
  SUSPENDED,
  type MigrationAnnotations,
} from './annotations.ts';
import type { Migration, DeploymentChange } from './plan.ts';

/** What becomes of a Deployment as it is submitted. */
export interface ReplicaPatch {
  readonly operations: readonly Operation[];
  /** The object with them applied. */
  readonly patched: KubeObject;
  /** Whether its count is put, or left, at 0 because a Rollout runs its pods. */
  readonly atZero: boolean;
}

// Kubernetes' own controller notes it. Replaced without it, the Deployment is written once more by that controller, has
// a new generation, and the Rollout takes note of that: an endless to and fro with a tool that replaces.
const REVISION = 'deployment.kubernetes.io/revision';

/**
 * In: a write of a Deployment that becomes a Rollout, and whether a new one starts pods too. Out: the wanted count is
 * noted on it; a new one is stored at 0, one that runs keeps its pods until the Rollout has as many.
 */
export function beginMigration(
  { before, after }: DeploymentChange,
  { profile, byNamespace, replicas }: Migration,
  runs: boolean,
): ReplicaPatch {
  const edit = new Edit(after);
  const old = before === undefined ? undefined : migrationAnnotationsOf(before);
  if (byNamespace) edit.annotate(CONVERT, profile);
  edit.annotate(REPLICAS, String(replicas));
  edit.annotate(ROLLOUT_UID, old?.rolloutUid);
  keepSuspension(edit, after, old?.suspended);
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
 * In: a write of a Deployment that is converted, or on its way there or back, the profile to keep, and whether whatever
 * the manifest says or only where it names none. Out: what Rollgate has noted on it stays; a count that was submitted
 * is noted, and does not start pods beside those of the Rollout.
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
  keepSuspension(edit, after, old.suspended);
  edit.restore(REVISION, before);
  const still = isConverting(migrationAnnotationsOf(edit.document));
  if (still) return edit.result(holdCount(edit, before, after, old));
  // Nothing has been made of it yet: it goes on as if nothing had been asked for.
  const waits = old.suspended === undefined && replicasOf(before) === 0;
  edit.set(['spec', 'replicas'], (waits ? wanted : submitted) ?? replicasOf(before));
  return edit.result(false);
}

/**
 * In: a write of a Deployment that nobody converts or takes back any more. Out: it gets the pods that are wanted; what
 * is noted on it stays, for a Rollgate that converts again.
 */
export function abandonMigration(before: KubeObject, after: KubeObject): ReplicaPatch {
  const old = migrationAnnotationsOf(before);
  const edit = new Edit(after);
  const wanted =
    submittedCount({ submitted: after, old: before }) ??
    (replicasOf(before) === 0 ? old.replicas : undefined) ??
    replicasOf(before);
  edit.annotate(REPLICAS, String(wanted));
  edit.annotate(ROLLOUT_UID, old.rolloutUid);
  keepSuspension(edit, after, old.suspended);
  edit.set(['spec', 'replicas'], wanted);
  return edit.result(false);
}

/**
 * In: a write of a Deployment that has nothing to do with conversion. Out: what only Rollgate may note on it is not
 * taken from a manifest; of one that was exported at 0 where it was converted the noted count is.
 */
export function withoutForeignAnnotations(before: KubeObject | undefined, after: KubeObject): ReplicaPatch {
  const edit = new Edit(after);
  const stored = (key: string): unknown =>
    before === undefined ? undefined : dig(before.metadata, 'annotations', key);
  if (stored(REPLICAS) === undefined && migrationAnnotationsOf(after).replicas !== undefined && replicasOf(after) === 0)
    edit.set(['spec', 'replicas'], submittedCount({ submitted: after, old: before }) ?? 0);
  for (const key of [REPLICAS, ROLLOUT_UID, SUSPENDED]) if (stored(key) === undefined) edit.annotate(key, undefined);
  return edit.result(false);
}

/** Out: whether the count is at 0 now for the sake of the Rollout. */
function holdCount(edit: Edit, before: KubeObject, after: KubeObject, old: MigrationAnnotations): boolean {
  if (old.suspended === undefined && replicasOf(before) === 0) {
    edit.set(['spec', 'replicas'], 0);
    return true;
  }
  // What was exported at 0 asks for what is noted in it.
  edit.set(['spec', 'replicas'], submittedCount({ submitted: after, old: before }) ?? replicasOf(before));
  return false;
}

// A manifest that replaces the Deployment lacks all notes. Who takes this one away and leaves the count has read it,
// and wants to begin anew.
function keepSuspension(edit: Edit, after: KubeObject, stored: string | undefined): void {
  const submitted = migrationAnnotationsOf(after);
  if (stored === undefined || submitted.suspended !== undefined || submitted.replicas === undefined)
    edit.annotate(SUSPENDED, stored);
}

/** Collects the operations of a patch, each of which fits the document as the ones before left it. */
class Edit {
  document: KubeObject;
  readonly #operations: Operation[] = [];

  constructor(document: KubeObject) {
    this.document = document;
  }

  set(path: Path, value: unknown): void {
    this.#apply(setAt(this.document, path, value));
  }

  /** In: an annotation and its value; undefined takes it away. */
  annotate(key: string, value: string | undefined): void {
    const path = ['metadata', 'annotations', key];
    if (value !== undefined) this.set(path, value);
    else if (dig(this.document.metadata, 'annotations', key) !== undefined) this.#apply([removeAt(path)]);
  }

  /** Puts an annotation back that the stored object has and this one lacks. */
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
    this.#operations.push(...operations);
    this.document = jsonpatch.applyPatch(this.document, [...operations], false, false).newDocument;
  }
}
