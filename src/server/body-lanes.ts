import { FairQueue } from './fair-queue.ts';

/** How much may be in flight at once. */
export interface LaneLimits {
  /** Requests with a small body, once it has been read. Clients that send slowly, or only pretend to, do not count. */
  readonly requests: number;
  /** The weight of all small bodies together. */
  readonly weight: number;
  readonly large: LargeLimits;
}

/** The limits of large bodies. */
export interface LargeLimits {
  /** From this weight on a body is large. */
  readonly from: number;
  /** The weight of all large bodies in progress together, and so of one. */
  readonly weight: number;
  /** Bytes of all large bodies together, those that wait or are still being read included. */
  readonly bytes: number;
  /** How many large bodies may wait. */
  readonly waiting: number;
}

const MIB = 1024 * 1024;
/**
 * The limits of large bodies in the image, whose heap is 384 MiB. A review of two objects of 100 KiB is small. One of two
 * objects of 1.5 MiB, the most that etcd stores of each, fits if it is no denser than usual, with a mark for each nine
 * bytes. Parsing cannot be interrupted, so more would block the requests of others for longer.
 */
export const LARGE: LargeLimits = { from: 4 * MIB, weight: 32 * MIB, bytes: 28 * MIB, waiting: 16 };

/** Why a body may not be parsed: too many requests, its own weight, or no turn in time. */
export type Refusal = 'no room' | 'too heavy' | 'no turn';

/** When the turn of a large body is too late. */
export interface Turn {
  /** Owners of large bodies take turns, for example namespaces. */
  readonly owner: string;
  readonly milliseconds: number;
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

interface Ticket {
  readonly owner: string;
  readonly weight: number;
  settle(admitted: boolean): void;
}

/**
 * Limits the memory of bodies by their weight: about what they become when they are parsed. While it is being read, the
 * weight of a body is its size. Small bodies enter at once or not at all; large ones wait for their turn in a lane of
 * their own, so that they never delay small ones.
 */
export class BodyLanes {
  readonly #limits: LaneLimits;
  readonly #queue = new FairQueue<Ticket>();
  #requests = 0;
  #weight = 0;
  #largeBytes = 0;
  #largeWeight = 0;
  #largeRequests = 0;
  // Its turn has come, but there is no room for it yet.
  #first: Ticket | undefined;

  constructor(limits: Omit<LaneLimits, 'large'> & { readonly large?: Partial<LargeLimits> }) {
    this.#limits = { ...limits, large: { ...LARGE, ...limits.large } };
  }

  /** The number of requests in progress. */
  get requests(): number {
    return this.#requests + this.#largeRequests;
  }

  /** The weight of all small bodies. */
  get weight(): number {
    return this.#weight;
  }

  /** The bytes of all large bodies. */
  get largeBytes(): number {
    return this.#largeBytes;
  }

  /** The number of large bodies that wait for their turn. */
  get waiting(): number {
    return this.#queue.size + (this.#first === undefined ? 0 : 1);
  }

  /** Opens the account of one body. The caller must call `leave` in the end. */
  open(): BodySlot {
    return new BodySlot(this.#limits.large, {
      take: (amount) => {
        if (this.#weight + amount > this.#limits.weight) return false;
        this.#weight += amount;
        return true;
      },
      takeLarge: (bytes) => {
        if (this.#largeBytes + bytes > this.#limits.large.bytes) return false;
        this.#largeBytes += bytes;
        return true;
      },
      enter: () => {
        if (this.#requests >= this.#limits.requests) return false;
        this.#requests++;
        return true;
      },
      wait: (weight, turn) => this.#wait(weight, turn),
      release: ({ small, largeBytes, largeWeight, isSmallRequest, isLargeRequest }) => {
        this.#weight -= small;
        this.#largeBytes -= largeBytes;
        this.#largeWeight -= largeWeight;
        if (isSmallRequest) this.#requests--;
        if (isLargeRequest) this.#largeRequests--;
        this.#start();
      },
    });
  }

  #wait(weight: number, { owner, milliseconds, signal }: Turn): Promise<boolean> {
    return new Promise((resolve) => {
      const ticket: Ticket = {
        owner,
        weight,
        settle: (admitted) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', giveUp);
          resolve(admitted);
        },
      };
      const giveUp = (): void => this.#turnAway(ticket);
      const timer = setTimeout(giveUp, Math.max(milliseconds, 0));
      signal.addEventListener('abort', giveUp);
      this.#queue.push([owner], ticket);
      this.#start();
      // Of the owner with the most: one owner cannot take the places of all others.
      const newest = this.waiting > this.#limits.large.waiting ? this.#queue.newestOfLargest() : undefined;
      if (newest !== undefined) this.#turnAway(newest);
    });
  }

  #turnAway(ticket: Ticket): void {
    if (this.#first === ticket) this.#first = undefined;
    else this.#queue.delete([ticket.owner], ticket);
    ticket.settle(false);
    this.#start();
  }

  #start(): void {
    for (;;) {
      this.#first ??= this.#queue.shift();
      const ticket = this.#first;
      if (ticket === undefined || this.#largeWeight + ticket.weight > this.#limits.large.weight) return;
      this.#first = undefined;
      this.#largeWeight += ticket.weight;
      this.#largeRequests++;
      ticket.settle(true);
    }
  }
}

interface Held {
  readonly small: number;
  readonly largeBytes: number;
  readonly largeWeight: number;
  readonly isSmallRequest: boolean;
  readonly isLargeRequest: boolean;
}

interface Account {
  take(amount: number): boolean;
  takeLarge(bytes: number): boolean;
  enter(): boolean;
  wait(weight: number, turn: Turn): Promise<boolean>;
  release(held: Held): void;
}

const NOTHING: Held = { small: 0, largeBytes: 0, largeWeight: 0, isSmallRequest: false, isLargeRequest: false };

/** What one body uses of `BodyLanes`. */
export class BodySlot {
  readonly #large: LargeLimits;
  readonly #account: Account;
  #held = NOTHING;
  #bytes = 0;
  #isLarge = false;
  #hasLeft = false;

  constructor(large: LargeLimits, account: Account) {
    this.#large = large;
    this.#account = account;
  }

  /** Whether the body is in the lane of large ones. If `take` returned false, then there is no room in that lane. */
  get isLarge(): boolean {
    return this.#isLarge;
  }

  /** Takes that many bytes of a body that is being read. Returns false if there is no room for them. */
  take(bytes: number): boolean {
    if (this.#hasLeft) return false;
    this.#bytes += bytes;
    if (!this.#isLarge && this.#bytes >= this.#large.from) return this.#moveToLarge();
    if (this.#isLarge) {
      if (!this.#account.takeLarge(bytes)) return false;
      this.#held = { ...this.#held, largeBytes: this.#bytes };
      return true;
    }
    if (!this.#account.take(bytes)) return false;
    this.#held = { ...this.#held, small: this.#bytes };
    return true;
  }

  /**
   * Takes the place of a body that has been read completely, in the lane of its weight. Resolves with undefined if it
   * may be parsed. Never rejects.
   *
   * @param turn - Called if it has to wait for its turn.
   */
  async enter(weight: number, turn: () => Turn): Promise<Refusal | undefined> {
    if (this.#hasLeft) return 'no turn';
    if (!this.#isLarge && weight < this.#large.from) return this.#enterSmall(weight);
    if (weight > this.#large.weight) return 'too heavy';
    if (!this.#isLarge && !this.#moveToLarge()) return 'no turn';
    if (!(await this.#account.wait(weight, turn()))) return 'no turn';
    this.#held = { ...this.#held, largeWeight: weight, isLargeRequest: true };
    return undefined;
  }

  /** Gives back everything. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#account.release(this.#held);
  }

  #enterSmall(weight: number): Refusal | undefined {
    if (!this.#account.take(weight - this.#bytes)) return 'no room';
    this.#held = { ...this.#held, small: weight };
    if (!this.#account.enter()) return 'no room';
    this.#held = { ...this.#held, isSmallRequest: true };
    return undefined;
  }

  #moveToLarge(): boolean {
    this.#isLarge = true;
    this.#account.release(this.#held);
    this.#held = NOTHING;
    if (!this.#account.takeLarge(this.#bytes)) return false;
    this.#held = { ...NOTHING, largeBytes: this.#bytes };
    return true;
  }
}
