// A process whose event loop is blocked without end as soon as its health port is open. It prints the port first.
import { writeSync } from 'node:fs';
import { HealthThread } from '../../src/server/health-thread.ts';
import { createLog } from '../../src/server/log.ts';
import { testApp } from './app.ts';

const health = await HealthThread.start({
  host: '127.0.0.1',
  port: 0,
  checks: [{ name: 'caches', failing: () => undefined }],
  metrics: testApp('').metrics,
  log: createLog('silent', { write: () => undefined }),
  limits: { live: 4_000, ready: 1_500 },
});
writeSync(1, `${health.port}\n`);
for (;;);
