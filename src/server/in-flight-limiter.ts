/** How much may be in flight at once. */
export interface InFlightLimits {
  /** Requests whose bodies have been read. Clients that send slowly, or only pretend to send, do not count. */
  readonly requests: number;
  /** Bytes of all bodies together, from their first byte on. */
  readonly bytes: number;
}

/** Counts requests and bytes in flight, so that excess load is rejected before memory runs out. */
export class InFlightLimiter {
  readonly #limits: InFlightLimits;
  #requests = 0;
  #bytes = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /** The number of requests in flight. */
  get requests(): number {
    return this.#requests;
  }

  /** The bytes of all bodies in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Opens the account of one request. The caller must call `leave` in the end. */
  open(): InFlightSlot {
    let taken = 0;
    let state: 'reading' | 'entered' | 'left' = 'reading';
    return {
      take: (bytes) => {
        if (state === 'left' || this.#bytes + bytes > this.#limits.bytes) return false;
        this.#bytes += bytes;
        taken += bytes;
        return true;
      },
      enter: () => {
        if (state !== 'reading' || this.#requests >= this.#limits.requests) return false;
        state = 'entered';
        this.#requests++;
        return true;
      },
      leave: () => {
        if (state === 'entered') this.#requests--;
        if (state !== 'left') this.#bytes -= taken;
        state = 'left';
      },
    };
  }
}

/** What one request uses of an `InFlightLimiter`. */
export interface InFlightSlot {
  /** Takes that many bytes. Returns false if there is no room for them. */
  take(bytes: number): boolean;
  /** Takes the place of one request, once its body has been read. Returns false if there is no room for it. */
  enter(): boolean;
  /** Gives back everything. */
  leave(): void;
}
