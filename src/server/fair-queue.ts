/**
 * A queue in which callers take turns. A caller is a path, for example an address and a user: first the addresses take
 * turns, then the users of each address. All paths of a queue have the same length.
 */
export class FairQueue<T> {
  readonly #callers = new Map<string, FairQueue<T>>();
  // The items of one caller, at the end of a path. A Set keeps the order of insertion.
  readonly #items = new Set<T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(path: readonly string[], item: T): void {
    this.#size++;
    const [name, ...rest] = path;
    if (name === undefined) {
      this.#items.add(item);
      return;
    }
    let caller = this.#callers.get(name);
    if (caller === undefined) this.#callers.set(name, (caller = new FairQueue()));
    caller.push(rest, item);
  }

  /** Removes an item that is in the queue under this path. */
  delete(path: readonly string[], item: T): void {
    this.#size--;
    const [name, ...rest] = path;
    if (name === undefined) {
      this.#items.delete(item);
      return;
    }
    const caller = this.#callers.get(name);
    caller?.delete(rest, item);
    if (caller?.size === 0) this.#callers.delete(name);
  }

  /**
   * Removes and returns the item whose turn it is.
   * @param mayTake - Reports whether a name at the start of a path may have its turn; by default each may.
   */
  shift(mayTake: (name: string) => boolean = () => true): T | undefined {
    const [first] = this.#items;
    if (first !== undefined) {
      this.#items.delete(first);
      this.#size--;
      return first;
    }
    for (const [name, caller] of this.#callers) {
      if (!mayTake(name)) continue;
      const item = caller.shift();
      this.#size--;
      // The next turn of this caller comes after one of each other caller.
      this.#callers.delete(name);
      if (caller.size > 0) this.#callers.set(name, caller);
      return item;
    }
    return undefined;
  }

  /** Returns the newest item of the caller with the most items. Of several such callers, the last one counts. */
  newestOfLargest(): T | undefined {
    let largest: FairQueue<T> | undefined;
    for (const caller of this.#callers.values()) {
      if (largest === undefined || caller.size >= largest.size) largest = caller;
    }
    return largest === undefined ? [...this.#items].at(-1) : largest.newestOfLargest();
  }
}
