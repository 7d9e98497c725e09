import https from 'node:https';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { HealthCheck } from '../../src/server/health.ts';
import { startServer, type DrainLimits, type RunningServer } from '../../src/server/server.ts';
import { readCertificate, type CertificateSource } from '../../src/server/tls.ts';
import { testApp, type AppOptions, type TestApp } from './app.ts';
import { certificate } from './certificates.ts';

/** What a test may have otherwise than usual. */
export interface ServerOptions extends AppOptions {
  readonly certificate?: CertificateSource;
  readonly checks?: readonly HealthCheck[];
  readonly drain?: Partial<DrainLimits>;
  readonly minTlsVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** The app of the product on its two ports. */
export interface TestServer extends TestApp {
  readonly running: RunningServer;
}

/**
 * In: the manifests that are the world, and what is to be otherwise. Out: the server, on ports of 127.0.0.1 that were
 * free.
 */
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

/** In: a certificate and its key. Out: a source of it that never changes. */
export function fixedCertificate(pair: { cert: string; key: string }): CertificateSource {
  return { current: readCertificate(pair), onChange: () => undefined, stop: () => undefined };
}

/** What came back from a request. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The certificate that the connection was made with. */
  readonly peer: PeerCertificate;
  /** Tells connections apart. */
  readonly localPort: number | undefined;
}

/**
 * In: a port, a path, an agent that keeps connections, and a body (a POST) or none (a GET). Out: what came back;
 * rejects when the connection fails.
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
