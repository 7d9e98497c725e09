import type { Express } from 'express';
import { bareApp, refuseTheRest } from './app.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { send, type Reply } from './reply.ts';

/** Something without which the gate must not be asked. */
export interface HealthCheck {
  readonly name: string;
  /** Out: why it fails, or undefined. */
  failing(): string | undefined;
}

/** What the plain port is made of. */
export interface HealthParts {
  readonly checks: readonly HealthCheck[];
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * In: the parts. Out: the app of the plain port: `/livez`, `/readyz`, which lists every check and what fails, and
 * `/metrics`.
 */
export function createHealthApp({ checks, metrics, log }: HealthParts): Express {
  const app = bareApp();
  // That it is answered is the answer: the event loop turns.
  app.get('/livez', (_request, response) => send(response, text(200, 'ok\n')));
  app.get('/readyz', (_request, response) => send(response, readiness(checks)));
  app.get('/metrics', async (_request, response) => {
    const body = await metrics.registry.metrics();
    send(response, { status: 200, type: metrics.registry.contentType, body });
  });
  refuseTheRest(app, { '/livez': 'GET, HEAD', '/readyz': 'GET, HEAD', '/metrics': 'GET, HEAD' }, log);
  return app;
}

function readiness(checks: readonly HealthCheck[]): Reply {
  const results = checks.map((check) => ({ name: check.name, why: check.failing() }));
  const lines = results.map(({ name, why }) => (why === undefined ? `[+] ${name}: ok` : `[-] ${name}: ${why}`));
  const ready = results.every(({ why }) => why === undefined);
  return text(ready ? 200 : 503, `${lines.join('\n')}\n${ready ? 'ready' : 'not ready'}\n`);
}

function text(status: number, body: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body };
}
