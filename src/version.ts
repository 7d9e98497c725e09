import { readFileSync } from 'node:fs';
import { dig, asString } from './world/read.ts';

/** The version of this package, the same from `src` and from `dist`. */
export const VERSION: string = asString(
  dig(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')), 'version'),
);
