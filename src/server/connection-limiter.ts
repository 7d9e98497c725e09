/** A connection, as far as `ConnectionLimiter` needs to know it. */
export interface LimitedConnection {
  /** The address of the client. */
  readonly address: string;
  close(): void;
}

// The one that is idle for the longest time comes first: a Set keeps the order of insertion.
type Idle = Set<LimitedConnection>;

/**
 * Limits the number of open connections. A new connection is accepted as long as there is an idle one to close instead:
 * of the client with the most idle ones, the one that is idle for the longest time. So the idle connections of one
 * client never keep another one out.
 */
export class ConnectionLimiter {
  readonly #most: number;
  readonly #open = new Set<LimitedConnection>();
  readonly #idle = new Map<string, Idle>();
  #closed = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The number of open connections. */
  get open(): number {
    return this.#open.size;
  }

  /** The number of connections that were closed because there were too many. */
  get closed(): number {
    return this.#closed;
  }

  /** Adds a connection, which is idle at first. If there are too many, closes an idle one: this one if all are busy. */
  add(connection: LimitedConnection): void {
    this.#open.add(connection);
    this.setIdle(connection);
    if (this.#open.size > this.#most) this.#closeOne();
  }

  /** Records that a connection has a complete request to answer. It is not closed until that is done. */
  setBusy(connection: LimitedConnection): void {
    const { address } = connection;
    const idle = this.#idle.get(address);
    idle?.delete(connection);
    if (idle?.size === 0) this.#idle.delete(address);
  }

  /** Records that an open connection has nothing to do from now on. */
  setIdle(connection: LimitedConnection): void {
    if (!this.#open.has(connection)) return;
    const { address } = connection;
    const idle: Idle = this.#idle.get(address) ?? new Set();
    this.#idle.set(address, idle);
    idle.delete(connection);
    idle.add(connection);
  }

  /** Removes a connection that is closed. */
  remove(connection: LimitedConnection): void {
    this.setBusy(connection);
    this.#open.delete(connection);
  }

  #closeOne(): void {
    let most: Idle | undefined;
    for (const idle of this.#idle.values()) if (most === undefined || idle.size > most.size) most = idle;
    const [longest] = most ?? [];
    if (longest === undefined) return;
    this.remove(longest);
    this.#closed++;
    longest.close();
  }
}
