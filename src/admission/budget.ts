import { Budget } from '../rules/budget.ts';
import type { Work } from '../rules/engine.ts';

/** How much one request may cost. */
export interface Limits {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** How many objects one change may affect. */
  readonly maxSubjects: number;
  /** How many operations one evaluation may take, as `Budget` counts them. */
  readonly maxOperations: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

/** What the world outside gives to the work on a request. */
export interface Pacing {
  /** Lets other requests have their turn. */
  pause(): Promise<void>;
  /** Returns milliseconds since the epoch. */
  now(): number;
}

// A twentieth of what a request may take. A rule looks at two worlds in one turn, and more would let it hold the process
// for longer than 50 ms.
const PART_OF_CHECK = 20;

// Rules take up to some microseconds for each. A VirtualService with 2,500 routes has as many, and a Rollout some hundred.
const MOST_VALUES = 100_000;

/** Returns the budget of one evaluation. */
export function budgetOf({ deadline, maxSubjects, maxOperations }: Limits, { now }: Pick<Pacing, 'now'>): Budget {
  return new Budget({
    operations: maxOperations,
    operationsOfCheck: Math.ceil(maxOperations / PART_OF_CHECK),
    values: Math.max(MOST_VALUES, Math.ceil(maxOperations / PART_OF_CHECK)),
    subjects: maxSubjects,
    expired: () => now() >= deadline,
  });
}

// Other requests wait that long, in addition to the check in progress: a rule cannot be interrupted.
const MILLISECONDS_OF_SLICE = 5;

/**
 * Does work in slices of some milliseconds. Between two slices others have their turn.
 *
 * @throws the reason of the signal - If nobody waits for the answer any more.
 */
export async function inSlices<T>(
  work: Work<T>,
  { signal }: Pick<Limits, 'signal'>,
  { pause, now }: Pacing,
): Promise<T> {
  let begun = now();
  for (;;) {
    signal?.throwIfAborted();
    const step = work.next();
    if (step.done === true) return step.value;
    const elapsed = now() - begun;
    // A clock can be set back.
    if (elapsed >= 0 && elapsed < MILLISECONDS_OF_SLICE) continue;
    await pause();
    begun = now();
  }
}
