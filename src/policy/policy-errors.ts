const MOST_LINES = 20;

/** The errors in a policy: the first ones as lines, the others as a number. */
export class PolicyErrors {
  readonly #lines: string[] = [];
  #count = 0;

  /** The number of all errors. */
  get count(): number {
    return this.#count;
  }

  /** Whether further errors are only counted. */
  get isFull(): boolean {
    return this.#count >= MOST_LINES;
  }

  /**
   * Adds an error.
   * @param render - Returns its line. Not called for errors that are only counted: a suggestion compares many names.
   */
  add(render: () => string): void {
    if (!this.isFull) this.#lines.push(render());
    this.#count++;
  }

  /** Returns the lines to show. */
  lines(): readonly string[] {
    const more = this.#count - this.#lines.length;
    return more === 0 ? this.#lines : [...this.#lines, `and ${more} more errors`];
  }
}
