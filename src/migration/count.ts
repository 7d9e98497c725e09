import type { KubeObject } from '../world/object.ts';
import { dig, isObject, optionalNumber } from '../world/read.ts';
import { isByHand, LAST_APPLIED, lastApplied, ownsReplicas, writersOf } from '../world/writers.ts';
import { countIn, POLICY_UIDS, REPLICAS, replicasOf, ROLLOUT_UID } from './annotations.ts';

/** A write of a Deployment. */
export interface Write {
  readonly submitted: KubeObject;
  /** The stored Deployment. Undefined on CREATE. */
  readonly old: KubeObject | undefined;
}

/**
 * Returns how many pods the author of a write asks for; undefined where they say nothing about it. The API server makes
 * 1 of a manifest without a count, and an object that was read, changed and written back has the stored count: neither
 * is a wish. After a client-side apply the whole manifest is in an annotation; otherwise managedFields say who wrote
 * the count. A 1 without a known writer counts as the default of the API server, and a 0 as not submitted while
 * Rollgate holds the Deployment at 0.
 */
export function submittedCount({ submitted, old }: Write): number | undefined {
  const value = replicasOf(submitted);
  if (old === undefined) return onCreate(submitted, value);
  const applied =
    dig(submitted.metadata, 'annotations', LAST_APPLIED) === dig(old.metadata, 'annotations', LAST_APPLIED)
      ? undefined
      : lastApplied(submitted);
  if (applied !== undefined) return countOf(applied);
  const writers = writersOf(submitted).filter(ownsReplicas);
  if (value === replicasOf(old)) {
    // An earlier pass over this same request has set the count to 0 and noted the wish.
    const noted = countIn(noteOf(submitted));
    return value === 0 && noted !== undefined && noted !== countIn(noteOf(old)) ? noted : undefined;
  }
  if (value === 0) return exported(submitted, old) ?? 0;
  if (value !== 1) return value;
  if (writers.some(({ applies, manager }) => applies || isByHand(manager))) return 1;
  return countOf(lastApplied(submitted)) === 1 ? 1 : undefined;
}

function onCreate(submitted: KubeObject, value: number): number | undefined {
  const applied = lastApplied(submitted);
  if (value === 1 && applied !== undefined) return countOf(applied);
  return value === 0 ? (countOf(applied) ?? countIn(noteOf(submitted)) ?? 0) : value;
}

// Where the stored object has no note, or the user who applies owns it, the note came with the manifest. So it did with
// the uid of another Rollout or policy: an edit leaves them as they are.
function exported(submitted: KubeObject, old: KubeObject): number | undefined {
  const own =
    noteOf(old) === undefined ||
    [ROLLOUT_UID, POLICY_UIDS].some((key) => {
      const uid = dig(submitted.metadata, 'annotations', key);
      return uid !== undefined && uid !== dig(old.metadata, 'annotations', key);
    }) ||
    writersOf(submitted).some(
      ({ applies, fields }) => applies && isObject(dig(fields, 'f:metadata', 'f:annotations', `f:${REPLICAS}`)),
    );
  return own ? countIn(noteOf(submitted)) : undefined;
}

// A manifest that was exported, or printed by `rollgate convert`, has count 0 and a note of the wanted count.
function countOf(manifest: unknown): number | undefined {
  const count = optionalNumber(dig(manifest, 'spec', 'replicas'));
  const note = dig(manifest, 'metadata', 'annotations', REPLICAS);
  return count === 0 && typeof note === 'string' ? (countIn(note) ?? 0) : count;
}

function noteOf(deployment: KubeObject): string | undefined {
  const note = dig(deployment.metadata, 'annotations', REPLICAS);
  return typeof note === 'string' ? note : undefined;
}
