import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

/** What is said about a fixture: a finding, or why a rule cannot check. */
export type Line =
  | {
      readonly message: string;
      readonly class: string;
      readonly object: string;
      readonly path: string;
      /** `line:column` in the fixture. */
      readonly at: string;
      readonly text: string;
    }
  | { readonly skipped: string };

/** Returns the names of the fixtures in a folder, sorted. */
export function fixturesIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
}

/** Returns the name of the snapshot of a fixture: `bad-x.yaml` has `bad-x.findings.txt`. */
export function snapshotOf(fixture: string): string {
  return fixture.replace(/\.yaml$/, '.findings.txt');
}

/** Returns the text of a snapshot: a paragraph per line, empty if there are none. */
export function renderSnapshot(lines: readonly Line[]): string {
  return lines
    .map((line) =>
      'skipped' in line
        ? `skipped\n  ${line.skipped}\n`
        : `${line.message} (${line.class})\n  ${line.object}\n  ${line.at} ${line.path}\n  ${line.text}\n`,
    )
    .join('\n');
}

/**
 * Asserts that a fixture has the snapshot that its lines make. A fixture about which nothing is said has no snapshot.
 * `npm test -- -u` writes snapshots; no run without `-u` does.
 */
export async function expectSnapshot(directory: string, fixture: string, lines: readonly Line[]): Promise<void> {
  const file = join(directory, snapshotOf(fixture));
  for (const line of lines) if ('message' in line) expect(line.text).not.toMatch(/\{\w+\}|undefined|NaN|\[object/);
  if (lines.length === 0) {
    expect(existsSync(file), `nothing is said about ${fixture}: delete ${snapshotOf(fixture)}`).toBe(false);
    return;
  }
  const state = existsSync(file) ? 'differs from what is said now' : 'is missing';
  try {
    await expect(renderSnapshot(lines)).toMatchFileSnapshot(file);
  } catch (error) {
    if (error instanceof Error) error.message = `${snapshotOf(fixture)} ${state}: a run with -u writes it`;
    throw error;
  }
}

/**
 * Asserts that a folder has fixtures of both sorts and only files that belong to one: `good-*.yaml`, `bad-*.yaml`, and
 * their snapshots.
 */
export function expectFixtures(directory: string): void {
  const fixtures = fixturesIn(directory);
  for (const name of fixtures)
    expect(name, 'a fixture is named good-NAME.yaml or bad-NAME.yaml').toMatch(/^(good|bad)-[a-z0-9-]+\.yaml$/);
  for (const sort of ['good-', 'bad-'])
    expect(
      fixtures.filter((name) => name.startsWith(sort)),
      `there must be a fixture ${sort}*.yaml`,
    ).not.toEqual([]);
  const known = new Set([...fixtures, ...fixtures.map(snapshotOf)]);
  expect(
    readdirSync(directory).filter((name) => !known.has(name)),
    'only fixtures and their snapshots may be here: delete these files',
  ).toEqual([]);
}
