import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closingLine, countsOf } from '../scripts/test-results.ts';

const file = (status: string, ...tests: readonly string[]): unknown => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

it('counts tests, files that fail outside their tests, and reports that are not there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollgate-results-'));
  const report = (name: string, ...testResults: readonly unknown[]): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify({ testResults }));
    return path;
  };
  const good = report('good.json', file('passed', 'passed', 'passed', 'skipped'));
  const bad = report('bad.json', file('failed', 'passed', 'failed', 'failed'), file('passed', 'passed'));
  const broken = report('broken.json', file('failed'), file('failed', 'passed'));
  try {
    expect(countsOf([good])).toEqual({ passed: 2, failed: 0, skipped: 1 });
    expect(countsOf([good, bad])).toEqual({ passed: 4, failed: 2, skipped: 1 });
    expect(countsOf([broken])).toEqual({ passed: 1, failed: 2, skipped: 0 });
    expect(countsOf([good, join(folder, 'none.json')])).toEqual({ passed: 2, failed: 1, skipped: 1 });
    expect(closingLine(countsOf([good, bad]))).toBe('4 passed, 2 failed');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
