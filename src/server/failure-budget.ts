/** How many failures a caller may cause. */
export interface FailureLimits {
  /** Failures in a row before the caller is held up. */
  readonly burst: number;
  /** Failures a second after that. */
  readonly perSecond: number;
  /** Callers of which the budget remembers something. */
  readonly callers: number;
}

/** Counts the failures that callers cause, so that a caller whose questions fail may ask only a few more each second. */
export class FailureBudget {
  readonly #limits: FailureLimits;
  readonly #now: () => number;
  // A Map keeps the order of insertion: the first is the one that has not failed for the longest time.
  readonly #spent = new Map<string, { readonly failures: number; readonly at: number }>();

  constructor(limits: FailureLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Reports whether the caller has no failure left. */
  isSpent(caller: string): boolean {
    return this.#failuresOf(caller) > this.#limits.burst - 1;
  }

  /** Counts a failure. */
  spend(caller: string): void {
    const failures = Math.min(this.#failuresOf(caller) + 1, this.#limits.burst);
    this.#spent.delete(caller);
    this.#spent.set(caller, { failures, at: this.#now() });
    const [oldest] = this.#spent.keys();
    if (this.#spent.size > this.#limits.callers && oldest !== undefined) this.#spent.delete(oldest);
  }

  #failuresOf(caller: string): number {
    const spent = this.#spent.get(caller);
    if (spent === undefined) return 0;
    return Math.max(spent.failures - ((this.#now() - spent.at) / 1000) * this.#limits.perSecond, 0);
  }
}
