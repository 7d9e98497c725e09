import type { Budget } from '../rules/engine.ts';

/** How much one request may cost. */
export interface Limits {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly maxSubjects: number;
}

/**
 * Returns a budget that is spent after so many subjects, or when the deadline has passed.
 *
 * @param now - Returns milliseconds since the epoch.
 */
export function budgetOf(limits: Limits, now: () => number): Budget {
  let subjects = 0;
  return {
    spent() {
      if (++subjects > limits.maxSubjects) return `more than ${limits.maxSubjects} objects refer to it`;
      return now() >= limits.deadline ? 'no time was left to check it' : undefined;
    },
  };
}
