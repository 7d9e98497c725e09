import type { Express } from 'express';
import { bareApp, addFallbackHandlers } from './app.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { send, type Reply } from './reply.ts';

/** A condition for readiness. */
export interface HealthCheck {
  readonly name: string;
  /** Returns the reason why the check fails, or undefined. */
  failing(): string | undefined;
}

/** The parts of the health app. */
export interface HealthParts {
  readonly checks: readonly HealthCheck[];
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Returns the app of the health port: `/livez`, `/readyz` (lists every check and the reasons of failing ones) and
 * `/metrics`.
 */
export function createHealthApp({ checks, metrics, log }: HealthParts): Express {
  const app = bareApp();
  // The response itself is the answer: the event loop runs.
  app.get('/livez', (_request, response) => send(response, text(200, 'ok\n')));
  app.get('/readyz', (_request, response) => send(response, readiness(checks)));
  app.get('/metrics', async (_request, response) => {
    const body = await metrics.registry.metrics();
    send(response, { status: 200, type: metrics.registry.contentType, body });
  });
  addFallbackHandlers(app, { '/livez': 'GET, HEAD', '/readyz': 'GET, HEAD', '/metrics': 'GET, HEAD' }, log);
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
