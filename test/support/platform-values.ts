import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'platforms.md');

/** Returns the values files of `docs/platforms.md` by their names, which are the comments in their first lines. */
export function platformValues(): ReadonlyMap<string, string> {
  const blocks = readFileSync(PAGE, 'utf8').matchAll(/^```yaml\n# (\S+\.yaml)\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name = '', values = '']) => [name, values]));
}
