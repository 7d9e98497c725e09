import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const CACHED = join(import.meta.dirname, '..', '..', '.cache', 'bin', 'promtool');

/**
 * Returns the path of promtool: the one in `PROMTOOL`, else the one on the PATH, else the one that the gate has put
 * into `.cache/bin`.
 *
 * @throws Error - If there is none.
 */
export function promtool(): string {
  const given = process.env['PROMTOOL'];
  if (given !== undefined && given !== '') return given;
  if (spawnSync('promtool', ['--version']).status === 0) return 'promtool';
  if (existsSync(CACHED)) return CACHED;
  throw new Error('promtool not found: install the Debian package prometheus, or set PROMTOOL to the program');
}
