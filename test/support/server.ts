import https from 'node:https';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { HealthCheck } from '../../src/server/health.ts';
import type { DrainLimits } from '../../src/server/drain.ts';
import { startServer, type RunningServer } from '../../src/server/server.ts';
import { readCertificate, type CertificateSource } from '../../src/server/tls.ts';
import { testApp, type AppOptions, type TestApp } from './app.ts';
import { certificate } from './certificates.ts';

/** Options of a test server. */
export interface ServerOptions extends AppOptions {
  readonly certificate?: CertificateSource;
  readonly checks?: readonly HealthCheck[];
  readonly drain?: Partial<DrainLimits>;
  readonly maxConnections?: number;
  readonly minTlsVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** The product's app, listening on its two ports. */
export interface TestServer extends TestApp {
  readonly running: RunningServer;
}

/** Starts a server over a world of manifests, on free ports of 127.0.0.1. */
export async function startTestServer(manifests: string, options: ServerOptions = {}): Promise<TestServer> {
  const app = testApp(manifests, options);
  const running = await startServer({
    app: app.app,
    certificate: options.certificate ?? fixedCertificate(certificate()),
    minTlsVersion: options.minTlsVersion ?? 'TLSv1.3',
    host: '127.0.0.1',
    port: 0,
    healthPort: 0,
    checks: options.checks ?? [],
    maxConnections: options.maxConnections ?? 1_000,
    metrics: app.metrics,
    log: app.log,
    drain: { quiet: 0, longest: 5_000, grace: 1_000, ...options.drain },
    now: Date.now,
  });
  return {
    ...app,
    running,
    async stop() {
      await Promise.all([running.stop(), running.stop()]);
      await app.stop();
    },
  };
}

/** Returns a certificate source that never changes. */
export function fixedCertificate(pair: { cert: string; key: string }): CertificateSource {
  return { current: readCertificate(pair), onChange: () => undefined, stop: () => undefined };
}

/** The response to a request. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The certificate that the server presented. */
  readonly peer: PeerCertificate;
  /** The client's port, which identifies the connection. */
  readonly localPort: number | undefined;
}

/**
 * Sends a request: a POST if there is a body, else a GET.
 *
 * @param agent - Keeps connections alive.
 * @throws Error - If the connection fails.
 */
export function ask(port: number, path: string, agent: https.Agent, body?: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = https.request(
      {
        host: '127.0.0.1',
        port,
        path,
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers,
        rejectUnauthorized: false,
      },
      (response) => {
        const socket = response.socket as TLSSocket;
        const peer = socket.getPeerCertificate();
        const { localPort } = socket;
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, peer, localPort }),
        );
        response.once('error', reject);
      },
    );
    request.once('error', reject).end(body);
  });
}
