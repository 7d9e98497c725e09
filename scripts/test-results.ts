import { existsSync, readFileSync } from 'node:fs';

/** How many tests passed, failed and were skipped. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface FileResult {
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

/**
 * Counts the tests of vitest's reports (--reporter=json). A file that fails outside its tests, in a hook or an import,
 * counts as one failed test. So does a report that is missing.
 */
export function countsOf(reports: readonly string[]): Counts {
  const files = reports.flatMap((report): readonly FileResult[] =>
    existsSync(report)
      ? (JSON.parse(readFileSync(report, 'utf8')) as { testResults: readonly FileResult[] }).testResults
      : [{ status: 'failed', assertionResults: [] }],
  );
  const count = (status: string, { assertionResults }: FileResult): number =>
    assertionResults.filter((result) => result.status === status).length;
  const sum = (each: (file: FileResult) => number): number => files.reduce((total, file) => total + each(file), 0);
  return {
    passed: sum((file) => count('passed', file)),
    failed: sum((file) => Math.max(count('failed', file), file.status === 'failed' ? 1 : 0)),
    skipped: sum((file) => count('skipped', file)),
  };
}

/** Returns the line that ends a run, in the form that test runners of any language use. */
export function closingLine({ passed, failed }: Pick<Counts, 'passed' | 'failed'>): string {
  return `${passed} passed, ${failed} failed`;
}

if (import.meta.main) console.log(closingLine(countsOf(process.argv.slice(2))));
