import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the options that the image gives to Node.js. */
export function imageFlags(): string[] {
  const dockerfile = readFileSync(join(import.meta.dirname, '..', '..', 'Dockerfile'), 'utf8');
  const entrypoint = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  return entrypoint.filter((arg) => arg.startsWith('--'));
}
