const MIB = 1024 * 1024;

/** The most memory that live lists for requests of one namespace may take within the time of a request, in bytes. */
export const MOST_PER_NAMESPACE = 12 * MIB;
/** The most that all of them may take. */
export const MOST_IN_ALL = 48 * MIB;

/**
 * What live lists may take: memory and turns. Their objects stay in memory until the request is answered, and reading
 * them takes time of the thread that answers all requests. So each namespace has a share, and one turn at a time: a tenant
 * who fills a namespace with large objects makes only the lists for requests of that namespace unreadable.
 */
export class LiveListRoom {
  readonly #taken = new Map<string, number>();
  readonly #turns = new Map<string, Promise<void>>();
  #all = 0;

  /**
   * Takes memory until a time, and returns whether there was enough.
   *
   * @param bytes - Estimated.
   * @param until - Milliseconds since the epoch. No request lasts longer.
   */
  take(namespace: string, bytes: number, until: number): boolean {
    const taken = this.#taken.get(namespace) ?? 0;
    if (taken + bytes > MOST_PER_NAMESPACE || this.#all + bytes > MOST_IN_ALL) return false;
    this.#taken.set(namespace, taken + bytes);
    this.#all += bytes;
    setTimeout(() => this.#release(namespace, bytes), Math.max(0, until - Date.now())).unref();
    return true;
  }

  /** Does something when it is the turn of the namespace, or not at all if the signal is aborted before. */
  async inTurn(namespace: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(namespace) ?? Promise.resolve();
    const mine = before.then(() => (signal.aborted ? undefined : work()));
    // Work that fails is the concern of its own request only.
    const ended = mine.catch(() => undefined);
    this.#turns.set(namespace, ended);
    try {
      await mine;
    } finally {
      if (this.#turns.get(namespace) === ended) this.#turns.delete(namespace);
    }
  }

  #release(namespace: string, bytes: number): void {
    const left = (this.#taken.get(namespace) ?? 0) - bytes;
    if (left > 0) this.#taken.set(namespace, left);
    else this.#taken.delete(namespace);
    this.#all -= bytes;
  }
}
