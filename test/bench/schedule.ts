/**
 * When requests of a fixed rate are due. They are due whether or not earlier ones were answered: a server that stalls
 * gets them all the same, and each of them waits.
 */
export class Schedule {
  readonly #perSecond: number;
  readonly #total: number;
  #sent = 0;

  /** @param seconds - How long requests are due. */
  constructor(perSecond: number, seconds: number) {
    this.#perSecond = perSecond;
    this.#total = Math.floor(perSecond * seconds);
  }

  /** How many requests there are in all. */
  get total(): number {
    return this.#total;
  }

  /**
   * Takes the requests that are due by now.
   *
   * @param elapsed - Milliseconds since the beginning.
   * @returns How late each of them is taken, in milliseconds.
   */
  take(elapsed: number): number[] {
    const late: number[] = [];
    for (; this.#sent < this.#total && this.#dueAt(this.#sent) <= elapsed; this.#sent++)
      late.push(elapsed - this.#dueAt(this.#sent));
    return late;
  }

  /** Returns the milliseconds until the next request is due, or undefined if all were taken. */
  untilNext(elapsed: number): number | undefined {
    return this.#sent === this.#total ? undefined : Math.max(0, this.#dueAt(this.#sent) - elapsed);
  }

  #dueAt(index: number): number {
    return (index / this.#perSecond) * 1000;
  }
}
