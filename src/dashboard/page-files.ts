import { existsSync, globSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PageFiles } from './app.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Returns the folder of the built page: next to this file in the package, in `dist` where the source runs. */
export function pageFolder(): string {
  const near = import.meta.url.endsWith('.ts') ? '../../dist/dashboard/page' : './page';
  return fileURLToPath(new URL(near, import.meta.url));
}

/** Reads the built page; undefined if it is not built. */
export function readPage(folder: string): PageFiles | undefined {
  if (!existsSync(join(folder, 'index.html'))) return undefined;
  return new Map(
    globSync('**/*.{html,js,css,svg}', { cwd: folder }).map((path) => [
      path,
      { type: TYPES[extname(path)] ?? 'text/plain', body: readFileSync(join(folder, path)) },
    ]),
  );
}
