import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesOf } from './run-processes.ts';

// A killed process is there until its new parent has noticed.
const PATIENCE = 5_000;

/**
 * Vitest calls this before the first test file and the returned function after the last one.
 *
 * @throws In the returned function, when a program of this run or one of its children still runs.
 */
export default function setup(): () => Promise<void> {
  // Each project of one run calls this.
  const run = (process.env['ROLLGATE_E2E_RUN'] ??= randomUUID());
  return async () => {
    const deadline = Date.now() + PATIENCE;
    let left = processesOf(run);
    while (left.length > 0 && Date.now() < deadline) {
      await sleep(100);
      left = processesOf(run);
    }
    if (left.length > 0)
      throw new Error(
        ['the suite left processes behind:', ...left.map(({ pid, command }) => `${pid} ${command}`)].join('\n'),
      );
  };
}
