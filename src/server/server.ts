import type { RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { limitConnections } from './connections.ts';
import { Drain, type DrainLimits } from './drain.ts';
import type { HealthCheck } from './health.ts';
import { HealthThread } from './health-thread.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
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
  /** The most open connections of the HTTPS port. */
  readonly maxConnections: number;
  /** Returns milliseconds since the epoch. */
  now(): number;
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
  const connections = limitConnections(options.maxConnections, drain.watch(options.app));
  const secure = https.createServer(
    {
      ...TIMEOUTS,
      maxHeaderSize: MAX_HEADER,
      ...context(certificate.current),
      handshakeTimeout: TLS_HANDSHAKE,
    },
    connections.listener,
  );
  const checks: HealthCheck[] = [
    { name: 'serving', failing: () => (drain.draining ? 'the server is stopping' : undefined) },
    { name: 'certificate', failing: () => certificate.whyMissing?.() ?? whyInvalid(certificate.current, now()) },
    ...options.checks,
  ];
  certificate.onChange((fresh) => secure.setSecureContext(context(fresh)));
  secure.setTimeout(STALLED);
  drain.track(secure);
  connections.track(secure);
  const port = await listen(secure, host, options.port);
  try {
    const health = await HealthThread.start({ host, port: options.healthPort, checks, metrics, log });
    metrics.connections(connections.limiter);
    return {
      port,
      healthPort: health.port,
      async stop() {
        await drain.stop(secure);
        await health.stop();
      },
    };
  } catch (error) {
    secure.close();
    throw error;
  }
}

function listen(server: https.Server, host: string | undefined, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
