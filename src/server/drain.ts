import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How a server stops, in milliseconds. */
export interface DrainLimits {
  /** It continues to serve until no request has come for this long, because clients learn late that it is stopping. */
  readonly quiet: number;
  /** The longest time that it continues to serve. */
  readonly longest: number;
  /** How long requests in progress may then take before they are cut off. */
  readonly grace: number;
}

/**
 * Stops a server without losing a request. Clients learn late that a server is stopping, and keep connections open. So
 * every response tells its client to close the connection, and the server continues until no requests come.
 */
export class Drain {
  readonly #limits: DrainLimits;
  readonly #sockets = new Set<Socket>();
  readonly #openResponses = new Set<ServerResponse>();
  #requests = 0;
  #lastRequest = 0;
  #draining = false;
  #stopped: Promise<void> | undefined;
  readonly #forceStop = new AbortController();

  constructor(limits: DrainLimits) {
    this.#limits = limits;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Wraps a listener, so that clients are told to close their connections once the server is stopping.
   */
  watch(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (this.#draining) response.setHeader('connection', 'close');
      this.#count(1);
      this.#openResponses.add(response);
      response.once('close', () => {
        this.#openResponses.delete(response);
        this.#count(-1);
      });
      listener(request, response);
    };
  }

  /** Tracks the connections, including those whose handshake is not finished. */
  track(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Closes the server and resolves when it is closed. A second call closes it at once. */
  stop(server: Server): Promise<void> {
    if (this.#stopped === undefined) this.#stopped = this.#stop(server);
    else this.#forceStop.abort();
    return this.#stopped;
  }

  #count(change: 1 | -1): void {
    this.#requests += change;
    this.#lastRequest = performance.now();
  }

  async #stop(server: Server): Promise<void> {
    const { quiet, longest, grace } = this.#limits;
    this.#draining = true;
    for (const response of this.#openResponses) if (!response.headersSent) response.setHeader('connection', 'close');
    const started = performance.now();
    this.#lastRequest = started;
    for (;;) {
      const time = performance.now();
      const left = Math.min(this.#requests > 0 ? longest : this.#lastRequest + quiet - time, started + longest - time);
      if (left <= 0 || this.#forceStop.signal.aborted) break;
      await this.#pause(Math.min(left, 100));
    }
    // Closes the listening socket and idle connections at once, the others after their current responses.
    const closed = new Promise((resolve) => server.close(resolve));
    const cutOff = setTimeout(() => this.#forceStop.abort(), grace);
    const destroy = (): void => {
      for (const socket of this.#sockets) socket.destroy();
    };
    if (this.#forceStop.signal.aborted) destroy();
    else this.#forceStop.signal.addEventListener('abort', destroy, { once: true });
    await closed;
    clearTimeout(cutOff);
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, milliseconds);
      const { signal } = this.#forceStop;
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
