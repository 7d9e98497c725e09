import type { KubeObject } from '../world/object.ts';
import { MOST_REFERENCES } from '../world/reference-list.ts';
import { references } from '../world/references.ts';
import { valuesOf } from '../world/values.ts';

/** How much the work on one request may cost, in operations. */
export interface BudgetLimits {
  /** Operations in all. */
  readonly operations: number;
  /** Operations of one rule about one subject in one world. */
  readonly operationsOfCheck: number;
  /**
   * Values of one object that is checked or looked up: mappings, lists, and what is in them. A check is not interrupted
   * between two operations, and each rule goes through what it reads.
   */
  readonly values: number;
  /** Objects whose findings a change may affect. */
  readonly subjects: number;
  /** Returns whether the time is over. */
  expired(): boolean;
}

/** Thrown inside a rule when its check has cost too much. Never leaves the engine. */
export class BudgetSpentError extends Error {}

/** Why nothing more may be checked when the time is over. */
export const NO_TIME = 'no time was left';

/**
 * What a rule that compares an analysis with its templates spends for it, in operations, in addition to what collecting it
 * takes. A Rollout may have more analyses than its budget allows lookups.
 */
export const COST_OF_ANALYSIS = 7;

// Reading the clock costs as much as an operation.
const OPERATIONS_BETWEEN_CLOCKS = 64;

/**
 * Counts operations: each check, lookup and finding costs one. A listing costs no more for its length: what
 * rules derive from a long one, they derive once for all subjects. When a limit is reached, the check under way throws
 * and no other begins.
 */
export class Budget {
  readonly #limits: BudgetLimits | undefined;
  #spent = 0;
  #checkEnds = Infinity;
  #nextClock = 0;
  #whyNoMore: string | undefined;
  #whyNotFinished: string | undefined;

  /** @param limits - By default there are none. */
  constructor(limits?: BudgetLimits) {
    this.#limits = limits;
  }

  /** Operations so far. */
  get spent(): number {
    return this.#spent;
  }

  /** Why nothing more may be checked, or undefined. */
  get whyNoMore(): string | undefined {
    return this.#whyNoMore;
  }

  /** Returns why an object may not be checked because of its size, or undefined. */
  whyTooLarge(object: KubeObject): string | undefined {
    const { values } = this.#limits ?? {};
    // Without its name: not everybody may know of it who may change what refers to it.
    if (values === undefined) return undefined;
    const own = valuesOf(object);
    if (own > values) return `an object has more than ${values} values`;
    // A name can be read in two ways. Most objects have too few values to look further.
    if (own <= MOST_REFERENCES / 2 || references(object).length <= MOST_REFERENCES) return undefined;
    return `an object refers to more than ${MOST_REFERENCES} others`;
  }

  /** How many objects may be affected. */
  get subjects(): number {
    return this.#limits?.subjects ?? Infinity;
  }

  /** Begins the check of one rule about one subject. Counts as one operation, so that the time is looked at. */
  beginCheck(): void {
    this.count(1);
    this.#whyNotFinished = this.#whyNoMore;
    this.#checkEnds = this.#spent + (this.#limits?.operationsOfCheck ?? Infinity);
  }

  /** Ends the check of one rule. Returns why it did not finish, or undefined. */
  endCheck(): string | undefined {
    this.#checkEnds = Infinity;
    return this.#whyNotFinished;
  }

  /**
   * Counts operations of a check.
   *
   * @throws BudgetSpentError - If the check may do no more.
   */
  spend(operations: number): void {
    // What is refused is not done, so it leaves the operations of other checks alone.
    this.count(Math.min(operations, Math.max(1, this.#checkEnds - this.#spent + 1)));
    this.#whyNotFinished ??= this.#whyNoMore;
    if (this.#spent > this.#checkEnds) this.#whyNotFinished ??= 'one check needs too many operations';
    if (this.#whyNotFinished !== undefined) throw new BudgetSpentError(this.#whyNotFinished);
  }

  /**
   * Counts the look at an object.
   *
   * @throws BudgetSpentError - If the object is too large to be read.
   */
  look(object: KubeObject): void {
    this.#whyNotFinished ??= this.whyTooLarge(object);
    if (this.#whyNotFinished !== undefined) throw new BudgetSpentError(this.#whyNotFinished);
  }

  /** Counts operations outside of checks. */
  count(operations: number): void {
    this.#spent += operations;
    const limits = this.#limits;
    if (limits === undefined || this.#whyNoMore !== undefined) return;
    if (this.#spent > limits.operations) this.#whyNoMore = 'the checks need too many operations';
    else if (this.#spent >= this.#nextClock) {
      this.#nextClock = this.#spent + OPERATIONS_BETWEEN_CLOCKS;
      if (limits.expired()) this.#whyNoMore = NO_TIME;
    }
  }
}
