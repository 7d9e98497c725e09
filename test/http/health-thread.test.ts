import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { HealthLimits, HealthThreadData, ToHealthThread } from '../../src/server/health.ts';
import { HealthApp } from '../../src/server/health-app.ts';
import { HealthThread } from '../../src/server/health-thread.ts';
import { testApp } from '../support/app.ts';

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function status(port: number, path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
}

/** A thread of the health port in this thread, whose event loop is blocked where a test says so. */
async function healthOnClock(): Promise<{
  readonly app: HealthApp;
  readonly limits: HealthLimits;
  /** Time goes by, and the event loop runs or is blocked. */
  pass(milliseconds: number, blocked?: 'blocked'): Promise<void>;
}> {
  vi.useFakeTimers();
  cleanup.push(() => vi.useRealTimers());
  const clock = { now: 1_000_000 };
  const now = (): number => clock.now;
  let isBlocked = false;
  let started: { readonly app: HealthApp; readonly limits: HealthLimits } | undefined;
  const createWorker = (data: HealthThreadData): Worker => {
    const worker = new EventEmitter();
    const app = new HealthApp({
      limits: data.limits,
      now,
      heartbeat: () => Number(Atomics.load(new BigInt64Array(data.heartbeat), 0)),
      ask: (topic) => isBlocked || worker.emit('message', { ask: topic }),
    });
    started = { app, limits: data.limits };
    queueMicrotask(() => worker.emit('message', { listening: 1 }));
    return Object.assign(worker, {
      postMessage: (message: ToHealthThread) => app.receive(message),
      unref: () => undefined,
      terminate: () => Promise.resolve(0),
    }) as unknown as Worker;
  };
  const { metrics, log } = testApp('');
  const checks = [{ name: 'caches', failing: () => undefined }];
  const health = await HealthThread.start({ host: undefined, port: 0, checks, metrics, log, createWorker, now });
  cleanup.push(() => health.stop());
  if (started === undefined) throw new Error('the thread was not started');
  return {
    ...started,
    async pass(milliseconds, blocked) {
      isBlocked = blocked !== undefined;
      if (isBlocked) clock.now += milliseconds;
      for (let passed = 0; !isBlocked && passed < milliseconds; passed += 500) {
        clock.now += 500;
        await vi.advanceTimersByTimeAsync(500);
      }
    },
  };
}

describe('the limits of the health port', () => {
  async function statuses({ app }: { readonly app: HealthApp }): Promise<readonly number[]> {
    const ready = app.readyz();
    // It waits for the event loop before it answers for it.
    await vi.advanceTimersToNextTimerAsync();
    return [(await app.livez()).status, (await ready).status];
  }

  it('are 30 s and 5 s', async () => {
    expect((await healthOnClock()).limits).toEqual({ live: 30_000, ready: 5_000 });
  });

  it('are not reached by an event loop that runs, or is blocked for 2 s again and again', async () => {
    const health = await healthOnClock();
    await health.pass(60_000);
    expect(await statuses(health)).toEqual([200, 200]);
    for (let times = 0; times < 20; times++) {
      await health.pass(2_000, 'blocked');
      expect(await health.app.livez()).toMatchObject({ status: 200 });
      await health.pass(2_000);
      expect(await statuses(health)).toEqual([200, 200]);
    }
  });

  it('are reached by one that is blocked for ever, and it recovers if it is not', async () => {
    const health = await healthOnClock();
    await health.pass(10_000);
    await health.pass(4_500, 'blocked');
    expect((await health.app.livez()).status).toBe(200);
    await health.pass(22_500, 'blocked');
    expect((await health.app.livez()).status).toBe(200);
    await health.pass(3_500, 'blocked');
    expect(await health.app.livez()).toMatchObject({
      status: 503,
      body: 'the event loop has been blocked for 30.5 s\n',
    });
    await health.pass(2_000);
    expect(await statuses(health)).toEqual([200, 200]);
  });
});

describe('the thread of the health port', () => {
  it('answers while the event loop of the process is blocked, and reports that in the end', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../support/blocked-process.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanup.push(() => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    expect(await status(port, '/livez')).toBe(200);
    await eventually(async () => {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      expect([response.status, await response.text()]).toEqual([
        503,
        expect.stringMatching(
          /^\[\+\] caches: ok\n\[-\] event loop: the checks were last evaluated .* ago\nnot ready\n$/,
        ),
      ]);
    });
    await eventually(async () => expect(await status(port, '/livez')).toBe(503));
    expect(await status(port, '/metrics')).toBe(503);
  });

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
    await eventually(async () => expect(await status(port, '/livez')).toBe(200));
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
