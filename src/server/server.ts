import http, { type RequestListener, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureVersion } from 'node:tls';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createHealthApp, type HealthCheck } from './health.ts';
import { whyInvalid, type Certificate, type CertificateSource } from './tls.ts';

/** What a server is made of. */
export interface ServerOptions {
  /** What answers on the HTTPS port. */
  readonly app: RequestListener;
  readonly certificate: CertificateSource;
  readonly minTlsVersion: SecureVersion;
  /** The address to listen at; undefined: all of them. */
  readonly host: string | undefined;
  /** 0: any that is free. */
  readonly port: number;
  readonly healthPort: number;
  /** What must hold, besides certificate and not stopping, before the gate may be asked. */
  readonly checks: readonly HealthCheck[];
  readonly metrics: Metrics;
  readonly log: Log;
  readonly drain: DrainLimits;
  /** Out: milliseconds since the epoch. */
  now(): number;
}

/** How a server stops, in milliseconds. */
export interface DrainLimits {
  /** It goes on serving until no request came for this long: that it is to be asked no more spreads slowly. */
  readonly quiet: number;
  /** But no longer than this. */
  readonly longest: number;
  /** What is under way then has this long before it is cut off. */
  readonly grace: number;
}

/** A server that runs. */
export interface RunningServer {
  readonly port: number;
  readonly healthPort: number;
  /** Stops it as gently as the drain limits allow; called once more, at once. Resolves when nothing of it is left. */
  stop(): Promise<void>;
}

const TIMEOUTS = {
  // The API server closes connections that were idle for 90 s. Whoever closes first must not be us, lest a request be
  // on its way.
  keepAliveTimeout: 95_000,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 2_000,
};
const TLS_HANDSHAKE = 10_000;
// A client that does not read its answer.
const STALLED = 120_000;
// Bearer tokens may be several KiB long.
const MAX_HEADER = 32 * 1024;

/**
 * In: the parts and limits. Out: both ports, serving. Rejects with the error of a port that cannot be had; nothing is
 * left open then.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { certificate, minTlsVersion, host, log, now, metrics } = options;
  const drain = new Drain(options.drain);
  const context = ({ cert, key }: Certificate): https.ServerOptions => ({ cert, key, minVersion: minTlsVersion });
  const limits = { ...TIMEOUTS, maxHeaderSize: MAX_HEADER };
  const secure = https.createServer(
    { ...limits, ...context(certificate.current), handshakeTimeout: TLS_HANDSHAKE },
    drain.watch(options.app, true),
  );
  const checks: HealthCheck[] = [
    { name: 'serving', failing: () => (drain.draining ? 'the server is stopping' : undefined) },
    { name: 'certificate', failing: () => whyInvalid(certificate.current, now()) },
    ...options.checks,
  ];
  const plain = http.createServer(limits, drain.watch(createHealthApp({ checks, metrics, log }), false));
  certificate.onChange((fresh) => secure.setSecureContext(context(fresh)));
  for (const server of [secure, plain]) {
    server.setTimeout(STALLED);
    drain.track(server);
  }
  try {
    const port = await listen(secure, host, options.port);
    const healthPort = await listen(plain, host, options.healthPort);
    return { port, healthPort, stop: () => drain.stop([secure, plain]) };
  } catch (error) {
    secure.close();
    throw error;
  }
}

function listen(server: http.Server, host: string | undefined, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/**
 * Stops servers without a request being lost: whoever sends them learns of it late, and keeps connections open. So
 * everybody is told to close his connection with the next answer, and the servers go on until nobody asks any more.
 */
class Drain {
  readonly #limits: DrainLimits;
  readonly #sockets = new Set<Socket>();
  readonly #answering = new Set<ServerResponse>();
  #requests = 0;
  #lastRequest = 0;
  #draining = false;
  #stopped: Promise<void> | undefined;
  readonly #hurry = new AbortController();

  constructor(limits: DrainLimits) {
    this.#limits = limits;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * In: a listener, and whether its requests are signs that somebody still needs the server: probes and scrapes, which
   * never end, are none. Out: the listener, made to tell its clients to close their connections once the server is
   * stopping.
   */
  watch(listener: RequestListener, needed: boolean): RequestListener {
    return (request, response) => {
      if (this.#draining) response.setHeader('connection', 'close');
      if (needed) this.#count(1);
      this.#answering.add(response);
      response.once('close', () => {
        this.#answering.delete(response);
        if (needed) this.#count(-1);
      });
      listener(request, response);
    };
  }

  /** Keeps account of the connections, those that have not finished their handshake among them. */
  track(server: http.Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** In: the servers. Out: resolves when they are closed; called once more, it hurries. */
  stop(servers: readonly http.Server[]): Promise<void> {
    if (this.#stopped === undefined) this.#stopped = this.#stop(servers);
    else this.#hurry.abort();
    return this.#stopped;
  }

  #count(change: 1 | -1): void {
    this.#requests += change;
    this.#lastRequest = performance.now();
  }

  async #stop(servers: readonly http.Server[]): Promise<void> {
    const { quiet, longest, grace } = this.#limits;
    this.#draining = true;
    for (const response of this.#answering) if (!response.headersSent) response.setHeader('connection', 'close');
    const began = performance.now();
    this.#lastRequest = began;
    for (;;) {
      const time = performance.now();
      const left = Math.min(this.#requests > 0 ? longest : this.#lastRequest + quiet - time, began + longest - time);
      if (left <= 0 || this.#hurry.signal.aborted) break;
      await this.#pause(Math.min(left, 100));
    }
    // Closes the listening sockets and idle connections at once, the others with the answers that are under way.
    const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    const cutOff = setTimeout(() => this.#hurry.abort(), grace);
    const destroy = (): void => {
      for (const socket of this.#sockets) socket.destroy();
    };
    if (this.#hurry.signal.aborted) destroy();
    else this.#hurry.signal.addEventListener('abort', destroy, { once: true });
    await closed;
    clearTimeout(cutOff);
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, milliseconds);
      const { signal } = this.#hurry;
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
