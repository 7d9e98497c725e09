import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { STARTED_BY } from './program.ts';

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
    if (left.length > 0) throw new Error(`the suite left processes behind:\n${left.join('\n')}`);
  };
}

/** Returns the programs of a run and their children that still run, each as its process id and command line. */
export function processesOf(run: string): string[] {
  // Only Linux shows the environment of processes as files.
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const at = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
      try {
        return at('environ').includes(`${STARTED_BY}=${run} `) ? [`${pid} ${at('cmdline')}`] : [];
      } catch {
        // It ended in the meantime, or belongs to somebody else.
        return [];
      }
    });
}
