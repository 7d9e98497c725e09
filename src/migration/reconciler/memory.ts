import { CREATE_TIMEOUT, type Observation } from '../next-action.ts';
import { migrationAnnotationsOf, replicasOf } from '../annotations.ts';
import type { KubeObject, ObjectKey } from '../../world/object.ts';
import { asString } from '../../world/read.ts';

interface Remembered {
  failures: number;
  refusal?: { reason: string; since: number; attempts: number; until: number };
  inVain?: string;
  scaledDown?: { times: number; last: number };
  readonly told: Map<string, number>;
}

// The pauses between attempts, in milliseconds: while the pods are still missing, and once they are back.
const IMPATIENT = [1_000, 10_000] as const;
const PATIENT = [30_000, 600_000] as const;
const FAILURES = [500, 60_000] as const;
const FREE_SCALE_DOWNS = 3;
const SCALE_DOWNS = [5_000, 300_000] as const;
const FORGOTTEN_AFTER = 600_000;

/**
 * What one process remembers of the Deployments it converts. Nothing depends on it but how often something is tried and
 * told.
 */
export class ReconcilerMemory {
  readonly #all = new Map<ObjectKey, Remembered>();

  /** Forgets a Deployment that has nothing to do with conversion any more. */
  forget(key: ObjectKey): void {
    this.#all.delete(key);
  }

  /** In: a Deployment that something failed for. Out: how many milliseconds to leave it alone. */
  failed(key: ObjectKey): number {
    return backoff(FAILURES, this.#of(key).failures++);
  }

  succeeded(key: ObjectKey): void {
    this.#of(key).failures = 0;
  }

  /** In: a Deployment whose Rollout could not be created, and why. Out: whether that is new. */
  refused(key: ObjectKey, reason: string): boolean {
    const entry = this.#of(key);
    const now = performance.now();
    const known = entry.refusal ?? { reason, since: now, attempts: 0, until: now };
    const isNew = entry.refusal === undefined || known.reason !== reason;
    known.reason = reason;
    const impatient = now - known.since < CREATE_TIMEOUT;
    known.until =
      now +
      (impatient ? backoff(IMPATIENT, Math.floor((now - known.since) / 3_000)) : backoff(PATIENT, known.attempts++));
    entry.refusal = known;
    return isNew;
  }

  accepted(key: ObjectKey): void {
    delete this.#of(key).refusal;
  }

  /**
   * In: a Deployment, as it is stored, and the time, in milliseconds since the epoch. Out: that its Rollout could not
   * be created. One that was created at 0 has waited since then, whichever process tried.
   */
  refusal(key: ObjectKey, deployment: KubeObject, now: number): Observation['refusal'] {
    const known = this.#all.get(key)?.refusal;
    if (known === undefined) return undefined;
    const born = Date.parse(asString(deployment.metadata['creationTimestamp']));
    const waiting =
      replicasOf(deployment) === 0 &&
      migrationAnnotationsOf(deployment).rolloutUid === undefined &&
      Number.isFinite(born)
        ? now - born
        : 0;
    known.since = Math.min(known.since, performance.now() - waiting);
    return {
      reason: known.reason,
      since: performance.now() - known.since,
      pause: Math.max(0, known.until - performance.now()),
    };
  }

  /** Notes that the API server makes something else of what is applied. */
  noteInVain(key: ObjectKey, content: string): void {
    this.#of(key).inVain = content;
  }

  appliedInVain(key: ObjectKey, content: string): boolean {
    return this.#all.get(key)?.inVain === content;
  }

  scaledDown(key: ObjectKey): void {
    const entry = this.#of(key);
    const now = performance.now();
    const times =
      entry.scaledDown === undefined || now - entry.scaledDown.last > FORGOTTEN_AFTER ? 0 : entry.scaledDown.times;
    entry.scaledDown = { times: times + 1, last: now };
  }

  /**
   * Out: how many milliseconds to wait before the Deployment is scaled to 0 once more: an autoscaler that aims at it
   * must not be fought without end.
   */
  pauseBeforeScalingDown(key: ObjectKey): number {
    const known = this.#all.get(key)?.scaledDown;
    if (known === undefined || known.times < FREE_SCALE_DOWNS) return 0;
    return Math.max(0, known.last + backoff(SCALE_DOWNS, known.times - FREE_SCALE_DOWNS) - performance.now());
  }

  /** In: something to tell. Out: whether it has not been told in the last ten minutes. */
  isNews(key: ObjectKey, text: string): boolean {
    const { told } = this.#of(key);
    const now = performance.now();
    for (const [known, at] of told) if (now - at > FORGOTTEN_AFTER) told.delete(known);
    if (told.has(text)) return false;
    told.set(text, now);
    return true;
  }

  #of(key: ObjectKey): Remembered {
    let entry = this.#all.get(key);
    if (entry === undefined) {
      entry = { failures: 0, told: new Map() };
      this.#all.set(key, entry);
    }
    return entry;
  }
}

function backoff([first, longest]: readonly [number, number], times: number): number {
  return Math.min(longest, first * 2 ** Math.min(times, 20));
}
