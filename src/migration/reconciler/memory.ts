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

// The shortest and longest pauses between attempts, in milliseconds: while the pods are missing, and once they are
// back.
const IMPATIENT = [1_000, 10_000] as const;
const PATIENT = [30_000, 600_000] as const;
const FAILURES = [500, 60_000] as const;
const FREE_SCALE_DOWNS = 3;
const SCALE_DOWNS = [5_000, 300_000] as const;
const FORGOTTEN_AFTER = 600_000;

/**
 * What one process remembers of the Deployments that it converts. It only affects how often something is tried and
 * reported.
 */
export class ReconcilerMemory {
  readonly #all = new Map<ObjectKey, Remembered>();

  /** Forgets a Deployment that no longer concerns conversion. */
  forget(key: ObjectKey): void {
    this.#all.delete(key);
  }

  /** Returns how many milliseconds to leave a Deployment alone after a failure. */
  failed(key: ObjectKey): number {
    return backoff(FAILURES, this.#of(key).failures++);
  }

  succeeded(key: ObjectKey): void {
    this.#of(key).failures = 0;
  }

  /** Notes that the Rollout of a Deployment could not be created. Returns whether the reason is new. */
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
   * Returns that the Rollout of a Deployment could not be created, if so. A Deployment that was created at 0 has waited
   * since its creation, whichever process tried.
   *
   * @param now - Milliseconds since the epoch.
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

  /** Notes that the API server stores something else than what is applied. */
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
   * Returns how many milliseconds to wait before scaling the Deployment to 0 again: an autoscaler that targets it must
   * not be fought without end.
   */
  pauseBeforeScalingDown(key: ObjectKey): number {
    const known = this.#all.get(key)?.scaledDown;
    if (known === undefined || known.times < FREE_SCALE_DOWNS) return 0;
    return Math.max(0, known.last + backoff(SCALE_DOWNS, known.times - FREE_SCALE_DOWNS) - performance.now());
  }

  /** Returns whether a text has not been reported in the last ten minutes. */
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
