import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, '.cache', 'bench', 'compiled');

let script: string | undefined;

/**
 * Returns the path of `server-process.ts`, compiled once for each run of the bench: the image runs compiled files too, and
 * to strip the types of sources takes memory that no user ever needs.
 */
export function compiledServer(): string {
  if (script === undefined) {
    rmSync(FOLDER, { recursive: true, force: true });
    execFileSync('npx', ['tsc', '-p', join('test', 'bench', 'tsconfig.json')], { cwd: ROOT, stdio: 'inherit' });
    // It says that the files are modules, and has the version.
    copyFileSync(join(ROOT, 'package.json'), join(FOLDER, 'package.json'));
    script = join(FOLDER, 'test', 'bench', 'server-process.js');
  }
  return script;
}
