import http, { type RequestListener, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureVersion } from 'node:tls';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createHealthApp, type HealthCheck } from './health.ts';
import { whyInvalid, type Certificate, type CertificateSource } from './tls.ts';

/** The parts of a server. */
export interface ServerOptions {
  /** The listener of the HTTPS port. */
  readonly app: RequestListener;
  readonly certificate: CertificateSource;
  readonly minTlsVersion: SecureVersion;
  /** The address to listen on; undefined means all. */
  readonly host: string | undefined;
  /** 0 means any free port. */
  readonly port: number;
  readonly healthPort: number;
  /** The conditions for readiness, in addition to a valid certificate and not stopping. */
  readonly checks: readonly HealthCheck[];
  readonly metrics: Metrics;
  readonly log: Log;
  readonly drain: DrainLimits;
  /** Returns milliseconds since the epoch. */
  now(): number;
}

/** How a server stops, in milliseconds. */
export interface DrainLimits {
  /** It continues to serve until no request has come for this long, because clients learn late that it is stopping. */
  readonly quiet: number;
  /** The longest time that it continues to serve. */
  readonly longest: number;
  /** How long requests in progress may then take before they are cut off. */
  readonly grace: number;
}

/** A running server. */
export interface RunningServer {
  readonly port: number;
  readonly healthPort: number;
  /**
   * Stops the server as gently as the drain limits allow; a second call stops it at once. Resolves when everything is
   * closed.
   */
  stop(): Promise<void>;
}

const TIMEOUTS = {
  // The API server closes connections that were idle for 90 s. The client must close first: otherwise a request may be
  // on its way.
  keepAliveTimeout: 95_000,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 2_000,
};
const TLS_HANDSHAKE = 10_000;
// A client that does not read its response.
const STALLED = 120_000;
// Bearer tokens may be several KiB long.
const MAX_HEADER = 32 * 1024;

/** Starts both ports. Rejects with the error of a port that cannot be opened; nothing stays open then. */
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
 * Stops servers without losing a request. Clients learn late that a server is stopping, and keep connections open. So
 * every response tells its client to close the connection, and the servers continue until no requests come.
 */
class Drain {
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
   * @param needed - Whether its requests show that clients still need the server. Probes and scrapes never end, so they
   * do not count.
   */
  watch(listener: RequestListener, needed: boolean): RequestListener {
    return (request, response) => {
      if (this.#draining) response.setHeader('connection', 'close');
      if (needed) this.#count(1);
      this.#openResponses.add(response);
      response.once('close', () => {
        this.#openResponses.delete(response);
        if (needed) this.#count(-1);
      });
      listener(request, response);
    };
  }

  /** Tracks the connections, including those whose handshake is not finished. */
  track(server: http.Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Closes the servers and resolves when they are closed. A second call closes them at once. */
  stop(servers: readonly http.Server[]): Promise<void> {
    if (this.#stopped === undefined) this.#stopped = this.#stop(servers);
    else this.#forceStop.abort();
    return this.#stopped;
  }

  #count(change: 1 | -1): void {
    this.#requests += change;
    this.#lastRequest = performance.now();
  }

  async #stop(servers: readonly http.Server[]): Promise<void> {
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
    // Closes the listening sockets and idle connections at once, the others after their current responses.
    const closed = Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
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
