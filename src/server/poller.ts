/** Calls a function repeatedly, one call at a time, until it is stopped. It does not keep the process alive. */
export class Poller {
  readonly #work: () => Promise<void>;
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /**
   * @param work - Must not reject.
   * @param interval - The pause between two calls, in milliseconds.
   */
  constructor(work: () => Promise<void>, interval: number) {
    this.#work = work;
    this.#interval = interval;
    this.#wait();
  }

  /** No call starts after this. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#work().finally(() => this.#wait()), this.#interval);
    this.#timer.unref();
  }
}
