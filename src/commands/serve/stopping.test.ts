import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '../../server/log.ts';
import { STOP_LIMIT, stopOnSignal } from './stopping.ts';

let lines: string[] = [];
let left = 0;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  left = 0;
});
afterEach(() => vi.useRealTimers());

function stopping(stop: () => Promise<void>): (signal: NodeJS.Signals) => void {
  const log = createLog('info', { write: (line) => lines.push((JSON.parse(line) as { msg: string }).msg) });
  const leave = (): Promise<void> => Promise.resolve(void left++);
  return stopOnSignal({ running: { stop }, log, leave });
}

describe('a signal to stop', () => {
  it('ends the process once the server has stopped', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    stopping(() => promise)('SIGTERM');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(left).toBe(0);
    resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect([left, lines]).toEqual([1, ['asked to stop']]);
  });

  it('ends the process if the server cannot be stopped', async () => {
    stopping(() => Promise.reject(new Error('no such port')))('SIGTERM');
    await vi.advanceTimersByTimeAsync(0);
    expect([left, lines]).toEqual([1, ['asked to stop', 'stopping failed']]);
  });

  it('ends the process after 27 s if the server never stops', async () => {
    stopping(() => new Promise(() => undefined))('SIGTERM');
    await vi.advanceTimersByTimeAsync(STOP_LIMIT - 1);
    expect([left, lines]).toEqual([0, ['asked to stop']]);
    await vi.advanceTimersByTimeAsync(1);
    expect([left, lines]).toEqual([1, ['asked to stop', 'stopping took too long; exiting']]);
  });

  it('passes on a second signal', () => {
    const stop = vi.fn(() => new Promise<void>(() => undefined));
    const onSignal = stopping(stop);
    onSignal('SIGTERM');
    onSignal('SIGINT');
    expect(stop).toHaveBeenCalledTimes(2);
  });

  it('takes less time than Kubernetes gives the pod, with the last lines of the log', () => {
    const deployment = readFileSync(join(import.meta.dirname, '../../../chart/templates/deployment.yaml'), 'utf8');
    const seconds = Number(/terminationGracePeriodSeconds: (\d+)/.exec(deployment)?.[1]);
    expect(STOP_LIMIT + 2_000).toBeLessThan(seconds * 1_000);
  });
});
