/**
 * A signal that fires when another signal does or a time has passed. Unlike `AbortSignal.any` it leaves nothing
 * attached to a long-lived parent signal.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #forward = (): void => this.#controller.abort();
  /** The error to report after the time has passed; clearer than an AbortError. */
  expired: Error | undefined;

  constructor(parent: AbortSignal, milliseconds: number) {
    this.#parent = parent;
    this.#timer = setTimeout(() => {
      this.expired = new Error(`no response within ${Math.round(milliseconds / 100) / 10} s`);
      this.#controller.abort();
    }, milliseconds);
    if (parent.aborted) this.#forward();
    else parent.addEventListener('abort', this.#forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#controller.abort();
  }

  /** Restarts the time. */
  extend(): void {
    this.#timer.refresh();
  }

  /** Cancels the time limit, so that only the parent signal ends it. */
  cancelTimeout(): void {
    clearTimeout(this.#timer);
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener('abort', this.#forward);
  }
}

/** Rejects with an Error if the work takes longer than that many milliseconds. */
export async function within<T>(milliseconds: number, work: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
