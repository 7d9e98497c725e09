import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { NotQuietError } from './statistics.ts';

/** The cores of a measurement, by number. */
export interface Cores {
  readonly server: number;
  readonly client: number;
}

/** Returns the numbers in a list of cores as Linux writes it, such as `0-2,5`. */
export function coresIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * Chooses a core for the server and one for the client.
 *
 * @param allowed - The cores that this process may run on.
 * @throws NotQuietError - If there is only one: the client would take the time that it measures.
 */
export function chooseCores(allowed: readonly number[]): Cores {
  const [server, client] = allowed;
  if (server === undefined || client === undefined)
    throw new NotQuietError('server and client need a core of their own, and this process may run on one core only');
  return { server, client };
}

/** Runs work with this process, the client, on its own core. Afterwards it may run on all cores again. */
export async function onOwnCores<T>(work: (cores: Cores) => Promise<T>): Promise<T> {
  const allowed = coresOf('self');
  const cores = chooseCores(allowed);
  pin(process.pid, String(cores.client));
  try {
    requireCore('self', cores.client);
    return await work(cores);
  } finally {
    pin(process.pid, allowed.join(','));
  }
}

/**
 * Checks that a process may run on one core only, and that it is this one.
 *
 * @throws NotQuietError - If not.
 */
export function requireCore(pid: number | 'self', core: number): void {
  const found = coresOf(pid);
  if (found.length !== 1 || found[0] !== core)
    throw new NotQuietError(`process ${pid} runs on cores ${found.join(', ')} instead of core ${core}`);
}

function coresOf(pid: number | 'self'): number[] {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return coresIn(list ?? '');
}

function pin(pid: number, list: string): void {
  execFileSync('taskset', ['--all-tasks', '--pid', '--cpu-list', list, String(pid)], { stdio: 'ignore' });
}
