import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const CACHED = join(import.meta.dirname, '..', '..', '..', '..', '.cache', 'bin', 'redis-server');

/**
 * Returns the path of redis-server: the one on the PATH, else the one that the gate has put into `.cache/bin`.
 *
 * @throws Error - If there is none.
 */
export function redisServer(): string {
  if (spawnSync('redis-server', ['--version']).status === 0) return 'redis-server';
  if (existsSync(CACHED)) return CACHED;
  throw new Error('redis-server not found: install the Debian package redis-server');
}
