import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** In the environment of every program and of its children: which run of the tests started it. */
export const STARTED_BY = 'ROLLGATE_E2E_STARTED_BY';

/** A process, with its command line. */
export interface RunProcess {
  readonly pid: number;
  readonly command: string;
}

/** Returns the programs of a run of the tests and their children that still run. */
export function processesOf(run: string): RunProcess[] {
  // Only Linux shows the environment of processes as files.
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const at = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
      try {
        return at('environ').includes(`${STARTED_BY}=${run} `) ? [{ pid: Number(pid), command: at('cmdline') }] : [];
      } catch {
        // It ended in the meantime, or belongs to somebody else.
        return [];
      }
    });
}
