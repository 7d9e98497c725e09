import { readFileSync } from 'node:fs';

interface FileResult {
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

// `failed REPORT...` prints the files with failures, `sum REPORT...` how many tests passed and failed. The reports are
// vitest's (--reporter=json), in the order of their runs: a file that was run again counts as it was the last time.
const [what, ...reports] = process.argv.slice(2);
const files = new Map<string, readonly FileResult[]>();
for (const report of reports) {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as { testResults: readonly FileResult[] };
  for (const [name, results] of Map.groupBy(testResults, (result) => result.name)) files.set(name, results);
}

function count(status: string, results: readonly FileResult[]): number {
  return results.flatMap(({ assertionResults }) => assertionResults).filter((result) => result.status === status)
    .length;
}

if (what === 'failed') {
  for (const [name, results] of files) if (results.some(({ status }) => status === 'failed')) console.log(name);
} else {
  const all = [...files.values()].flat();
  // A file whose set-up fails has no failed test.
  const broken = all.filter((result) => result.status === 'failed' && count('failed', [result]) === 0).length;
  console.log(`${count('passed', all)} passed, ${count('failed', all) + broken} failed`);
}
