import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf } from '../../src/conditions/condition.ts';
import type { Dialect } from '../../src/conditions/problem.ts';
import { ANY, FLOAT, listOf, NIL, type Type } from '../../src/conditions/types.ts';
import type { RolloutsVersion } from '../control-plane/versions.ts';
import { conditions } from './conditions.ts';
import { Oracle, type Outcomes } from './oracle.ts';

const CASES = Number(process.env['AGREEMENT_CASES'] ?? 20_000);
const SEED =
  process.env['AGREEMENT_SEED'] === 'fresh' ? Date.now() % 2 ** 31 : Number(process.env['AGREEMENT_SEED'] ?? 1);

const VERSIONS: readonly (readonly [RolloutsVersion, Dialect])[] = [
  ['1.9', '1.15'],
  ['1.10', '1.17'],
];

// The types that a result may have, and the results of the oracle that have one of them; none for all results.
const RESULTS: readonly { readonly types: readonly Type[]; readonly named?: readonly string[] }[] = [
  { types: [ANY] },
  { types: [listOf(FLOAT), FLOAT], named: ['number', 'numbers', 'no numbers'] },
  { types: [FLOAT, NIL], named: ['number', 'no number', 'nothing'] },
  { types: [NIL], named: ['no number', 'nothing'] },
];

function yieldsAnything(outcomes: Outcomes, named: readonly string[] = Object.keys(outcomes)): boolean {
  return named.some((name) => outcomes[name] === 'true' || outcomes[name] === 'false');
}

describe(`${CASES} conditions by seed ${SEED}`, () => {
  const oracles = new Map<RolloutsVersion, Oracle>();
  const counts = new Map(VERSIONS.map(([version]) => [version, { works: 0, fails: 0, found: 0, wrong: 0 }]));

  beforeAll(async () => {
    for (const [version] of VERSIONS) oracles.set(version, await Oracle.start(version, { conditions: true }));
  });

  afterAll(async () => {
    for (const oracle of oracles.values()) await oracle.close();
  });

  it('are broken for the controllers too if they are for Rollgate, for each version', async () => {
    const property = fc.asyncProperty(conditions(), async (condition) => {
      for (const [version, dialect] of VERSIONS) {
        const outcomes = (await oracles.get(version)?.outcomes(condition)) ?? {};
        const count = counts.get(version);
        for (const { types, named } of RESULTS) {
          const problem = problemOf(condition, dialect, types);
          const works = yieldsAnything(outcomes, named);
          if (works && problem !== undefined)
            throw new Error(`${version} evaluates ${condition}, of which Rollgate says: ${problem.text}`);
          if (named !== undefined || count === undefined) continue;
          if (works) count.works++;
          else count.fails++;
          if (problem !== undefined) count.found++;
        }
      }
    });
    const result = await fc.check(property, { numRuns: CASES, seed: SEED });
    const error: unknown = result.errorInstance;
    expect(result.failed ? String(error) : 'no disagreement').toBe('no disagreement');
  });

  it.each(VERSIONS)('contain many of both kinds for %s, and Rollgate finds most of the broken ones', (version) => {
    const { works, fails, found } = counts.get(version) ?? { works: 0, fails: 0, found: 0 };
    console.log(`${version}: ${works} work, ${fails} never do, of which Rollgate finds ${found}`);
    expect(works / (works + fails)).toBeGreaterThan(0.15);
    expect(found / fails).toBeGreaterThan(0.9);
  });

  it.each([
    ['result == [0.5, 2]', 'numbers'],
    ['result == []', 'no numbers'],
  ])('%s is true since 1.10 only, as the message says', async (condition, result) => {
    const answers = VERSIONS.map(async ([version]) => (await oracles.get(version)?.outcomes(condition))?.[result]);
    expect(await Promise.all(answers)).toEqual(['false', 'true']);
  });
});
