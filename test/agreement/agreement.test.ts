import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { cases, type Case } from './cases.ts';
import { Oracle } from './oracle.ts';
import { generatedMessages } from './stricter.ts';
import { disagreement, ours, type Disagreement } from './verdict.ts';

const CASES = Number(process.env['AGREEMENT_CASES'] ?? 20_000);
const SEED =
  process.env['AGREEMENT_SEED'] === 'fresh' ? Date.now() % 2 ** 31 : Number(process.env['AGREEMENT_SEED'] ?? 1);
// A short run cannot be expected to make every mistake there is.
const IS_FULL = CASES >= 20_000;
const VALIDATION = 'github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation';

describe(`${CASES} bundles by seed ${SEED}`, () => {
  const counters = mkdtempSync(join(tmpdir(), 'rollgate-agreement-'));
  const messages = new Map<string, number>();
  const refused = { invalid: 0, missing: 0 };
  let judged = 0;
  let oracle: Oracle;

  beforeAll(async () => {
    oracle = await Oracle.start({ coverage: counters });
  });

  afterAll(() => {
    rmSync(counters, { recursive: true, force: true });
  });

  it('are refused by the controller and by Rollgate alike', async () => {
    const property = fc.asyncProperty(cases(), async ({ objects }) => {
      const upstream = await oracle.refusals(objects);
      const verdict = ours(objects);
      judged++;
      if (upstream.some(({ missing }) => !missing)) refused.invalid++;
      else if (upstream.length > 0) refused.missing++;
      for (const { rule, messageId } of verdict.findings)
        messages.set(`${rule}/${messageId}`, (messages.get(`${rule}/${messageId}`) ?? 0) + 1);
      const found = disagreement(upstream, verdict);
      if (found !== undefined) throw new Differs(found);
    });
    const result = await fc.check(property, { numRuns: CASES, seed: SEED });
    expect(result.failed ? told(result.counterexample?.[0], result.errorInstance) : 'no disagreement').toBe(
      'no disagreement',
    );
    console.log(`${judged} cases, ${refused.invalid} invalid, ${refused.missing} with something missing only`);
  });

  it('are invalid in good part, and valid in good part', () => {
    expect(refused.invalid / judged).toBeGreaterThan(0.3);
    expect(refused.invalid / judged).toBeLessThan(0.7);
  });

  it.skipIf(!IS_FULL)('make every mistake that upstream refuses, and need every explanation', () => {
    expect(generatedMessages().filter((id) => !messages.has(id))).toEqual([]);
  });

  it('reach the statements of the validation upstream', async () => {
    await oracle.close();
    const report = execFileSync('go', ['tool', 'covdata', 'percent', `-i=${counters}`, `-pkg=${VALIDATION}`], {
      encoding: 'utf8',
    });
    const percent = Number(/coverage: ([0-9.]+)% of statements/.exec(report)?.[1]);
    console.log(`${percent} % of the statements of ${VALIDATION}`);
    expect(percent).toBeGreaterThanOrEqual(IS_FULL ? 95 : 70);
  });
});

class Differs extends Error {
  constructor({ kind, reasons }: Disagreement) {
    super([kind, ...reasons].join('\n  '));
  }
}

function told(counterexample: Case | undefined, error: unknown): string {
  const bundle =
    counterexample?.objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n') ?? '';
  return `${error instanceof Error ? error.message : String(error)}\nAGREEMENT_SEED=${SEED} AGREEMENT_CASES=${CASES}, shrunk to:\n${bundle}`;
}
