import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Counts } from './test-results.ts';

/** The file that says what has run with which version. */
export const COMPATIBILITY = 'docs/compatibility.json';

const PATH = join(import.meta.dirname, '..', COMPATIBILITY);

/** What a suite came to with a version of a component, when it ran last. */
export interface Compatibility extends Counts {
  /** As its project writes it, such as `Argo Rollouts`. */
  readonly component: string;
  /** The release, such as `1.10.1`. */
  readonly version: string;
  /** A test file, or a folder of them. */
  readonly suite: string;
}

/** Returns some results, with a newer one for the same suite and version in place of the older one. */
export function withResult(all: readonly Compatibility[], result: Compatibility): Compatibility[] {
  const key = ({ component, version, suite }: Compatibility): string => [component, version, suite].join('\n');
  const others = all.filter((other) => key(other) !== key(result));
  return [...others, result].sort((a, b) => key(a).localeCompare(key(b), 'en', { numeric: true }));
}

/** Writes a result into docs/compatibility.json. */
export function record({ component, version, suite, passed, failed, skipped }: Compatibility): void {
  const all = existsSync(PATH) ? (JSON.parse(readFileSync(PATH, 'utf8')) as Compatibility[]) : [];
  const lines = withResult(all, { component, version, suite, passed, failed, skipped }).map((one) =>
    JSON.stringify(one),
  );
  writeFileSync(PATH, `[\n  ${lines.join(',\n  ')}\n]\n`);
}
