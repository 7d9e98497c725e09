import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HealthThreadData } from '../../src/server/health.ts';
import { HealthThread } from '../../src/server/health-thread.ts';
import { testApp } from '../support/app.ts';

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function status(port: number, path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
}

describe('the thread of the health port', () => {
  it('answers while the event loop of the process is blocked, and reports that in the end', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../support/blocked-process.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanup.push(() => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    expect(await status(port, '/livez')).toBe(200);
    await vi.waitFor(
      async () => {
        const response = await fetch(`http://127.0.0.1:${port}/readyz`);
        expect([response.status, await response.text()]).toEqual([
          503,
          expect.stringMatching(
            /^\[\+\] caches: ok\n\[-\] event loop: the checks were last evaluated .* ago\nnot ready\n$/,
          ),
        ]);
      },
      { timeout: 30_000 },
    );
    await vi.waitFor(async () => expect(await status(port, '/livez')).toBe(503), { timeout: 30_000 });
    expect(await status(port, '/metrics')).toBe(503);
  }, 90_000);

  it('is started again on the same port if it dies, and the log says why', async () => {
    const app = testApp('');
    const workers: Worker[] = [];
    const createWorker = (data: HealthThreadData): Worker => {
      const worker = new Worker(new URL('../../src/server/health-worker.ts', import.meta.url), { workerData: data });
      workers.push(worker);
      return worker;
    };
    const { metrics, log } = app;
    const health = await HealthThread.start({ host: '127.0.0.1', port: 0, checks: [], metrics, log, createWorker });
    cleanup.push(() => health.stop());
    const { port } = health;
    expect(await status(port, '/readyz')).toBe(200);
    await workers[0]?.terminate();
    await vi.waitFor(async () => expect(await status(port, '/livez')).toBe(200), { timeout: 20_000, interval: 100 });
    expect(await status(port, '/metrics')).toBe(200);
    expect([workers.length, health.port]).toEqual([2, port]);
    expect(app.lines).toMatchObject([
      { level: 'error', msg: 'the thread of the health port ended; starting it again', reason: 'it ended by itself' },
    ]);
    await health.stop();
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
    expect(workers).toHaveLength(2);
  });

  it('does not keep the process alive', async () => {
    const script = `
      import { HealthThread } from './src/server/health-thread.ts';
      const health = await HealthThread.start({ host: '127.0.0.1', port: 0, checks: [], metrics: {}, log: {} });
      console.log(health.port > 0);
    `;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      cwd: join(import.meta.dirname, '../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanup.push(() => child.kill('SIGKILL'));
    const [output, exit] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect([output, exit]).toEqual(['true\n', [0, null]]);
  });
});
