/** How long answers of one sort are remembered, and how many. */
export interface AnswerLimits {
  /** In milliseconds. */
  readonly time: number;
  readonly entries: number;
}

/** Options of `AnswerCache`. */
export interface AnswerCacheOptions<T> {
  /** Reports whether an answer is a refusal. */
  isRefusal(answer: T): boolean;
  readonly grants: AnswerLimits;
  readonly refusals: AnswerLimits;
  /** Returns milliseconds of a monotonic clock. */
  now(): number;
}

/**
 * Remembers answers for a short time. Anybody can cause any number of refusals, so these have a room of their own: they
 * never evict a grant.
 */
export class AnswerCache<T> {
  readonly #options: AnswerCacheOptions<T>;
  readonly #grants: Room<T>;
  readonly #refusals: Room<T>;

  constructor(options: AnswerCacheOptions<T>) {
    this.#options = options;
    this.#grants = new Room(options.grants);
    this.#refusals = new Room(options.refusals);
  }

  /** Returns the answer in an object of its own, because undefined may be an answer; or undefined if there is none. */
  get(key: string): { readonly answer: T } | undefined {
    const now = this.#options.now();
    return this.#grants.get(key, now) ?? this.#refusals.get(key, now);
  }

  /**
   * Remembers an answer.
   * @param askedAt - When the question was asked. What changed after that is not in the answer, so its time counts from
   * then.
   */
  set(key: string, answer: T, askedAt: number): void {
    const [room, other] = this.#options.isRefusal(answer)
      ? [this.#refusals, this.#grants]
      : [this.#grants, this.#refusals];
    other.delete(key);
    room.set(key, answer, askedAt);
  }
}

class Room<T> {
  readonly #limits: AnswerLimits;
  // A Map keeps the order of insertion: the first is the oldest.
  readonly #answers = new Map<string, { readonly answer: T; readonly at: number }>();

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
  }

  get(key: string, now: number): { readonly answer: T } | undefined {
    const known = this.#answers.get(key);
    return known !== undefined && now - known.at < this.#limits.time ? known : undefined;
  }

  set(key: string, answer: T, at: number): void {
    this.#answers.delete(key);
    this.#answers.set(key, { answer, at });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.#limits.entries && oldest !== undefined) this.#answers.delete(oldest);
  }

  delete(key: string): void {
    this.#answers.delete(key);
  }
}
