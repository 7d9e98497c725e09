import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { RolloutsVersions } from '../../src/world/rollouts-versions.ts';
import { ROLLOUTS_VERSIONS, type RolloutsVersion } from '../control-plane/versions.ts';
import { cases, type Case } from './cases.ts';
import { Oracle, type Refusal } from './oracle.ts';
import { generatedMessages } from './stricter.ts';
import { disagreement, disagreementWithAll, ours, releasesOf, type Disagreement, type Verdict } from './verdict.ts';

const CASES = Number(process.env['AGREEMENT_CASES'] ?? 20_000);
const SEED =
  process.env['AGREEMENT_SEED'] === 'fresh' ? Date.now() % 2 ** 31 : Number(process.env['AGREEMENT_SEED'] ?? 1);
// A short run does not make every mistake there is.
const IS_FULL = CASES >= 20_000;
const VALIDATION = 'github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation';

/** For whom a bundle is judged: a version of Argo Rollouts, or all, as if the version were not known. */
type Judged = RolloutsVersion | 'unknown';

describe(`${CASES} bundles by seed ${SEED}`, () => {
  const counters = mkdtempSync(join(tmpdir(), 'rollgate-agreement-'));
  const messages = new Map<string, number>();
  const refused = new Map(ROLLOUTS_VERSIONS.map((version) => [version, { invalid: 0, missing: 0 }]));
  const releases = new Map(ROLLOUTS_VERSIONS.map((version) => [version, releasesOf(version)]));
  const oracles = new Map<RolloutsVersion, Oracle>();
  let checked = 0;
  let invalidForOne = 0;

  beforeAll(async () => {
    for (const version of ROLLOUTS_VERSIONS) {
      const coverage = join(counters, version);
      mkdirSync(coverage);
      oracles.set(version, await Oracle.start(version, { coverage }));
    }
  });

  afterAll(() => {
    rmSync(counters, { recursive: true, force: true });
  });

  async function refusalsOf(objects: readonly unknown[]): Promise<ReadonlyMap<RolloutsVersion, readonly Refusal[]>> {
    const answers = [...oracles].map(async ([version, oracle]) => [version, await oracle.refusals(objects)] as const);
    return new Map(await Promise.all(answers));
  }

  function countRefusals(upstream: ReadonlyMap<RolloutsVersion, readonly Refusal[]>): void {
    checked++;
    const isInvalid = [...upstream.values()].map((refusals) => refusals.some(({ missing }) => !missing));
    if (isInvalid.includes(true) && isInvalid.includes(false)) invalidForOne++;
    for (const [version, refusals] of upstream) {
      const counts = refused.get(version);
      if (counts === undefined || refusals.length === 0) continue;
      counts[refusals.every(({ missing }) => missing) ? 'missing' : 'invalid']++;
    }
  }

  function verdictOn(objects: readonly unknown[], versions?: RolloutsVersions): Verdict {
    const verdict = ours(objects, versions);
    for (const { rule, messageId } of verdict.findings)
      messages.set(`${rule}/${messageId}`, (messages.get(`${rule}/${messageId}`) ?? 0) + 1);
    return verdict;
  }

  it('get the same verdict from the controllers and from Rollgate, for each version and for an unknown one', async () => {
    const property = fc.asyncProperty(cases(), async ({ objects }) => {
      const upstream = await refusalsOf(objects);
      countRefusals(upstream);
      for (const [version, refusals] of upstream)
        expectSame(version, disagreement(refusals, verdictOn(objects, releases.get(version))));
      expectSame('unknown', disagreementWithAll([...upstream.values()], verdictOn(objects)));
    });
    const result = await fc.check(property, { numRuns: CASES, seed: SEED });
    expect(result.failed ? told(result.counterexample?.[0], result.errorInstance) : 'no disagreement').toBe(
      'no disagreement',
    );
    for (const [version, { invalid, missing }] of refused)
      console.log(`${version}: ${checked} cases, ${invalid} invalid, ${missing} with something missing only`);
    console.log(`${invalidForOne} cases are invalid for one version only`);
  });

  it.each(ROLLOUTS_VERSIONS)('contain both many invalid and many valid ones for %s', (version) => {
    const invalid = refused.get(version)?.invalid ?? 0;
    expect(invalid / checked).toBeGreaterThan(0.3);
    expect(invalid / checked).toBeLessThan(0.7);
  });

  it.skipIf(!IS_FULL)('make every mistake that upstream refuses, and need every explanation', () => {
    expect(generatedMessages().filter((id) => !messages.has(id))).toEqual([]);
  });

  it.each(ROLLOUTS_VERSIONS)('cover the statements of the validation of %s', async (version) => {
    await oracles.get(version)?.close();
    const folder = join(counters, version);
    const report = execFileSync('go', ['tool', 'covdata', 'percent', `-i=${folder}`, `-pkg=${VALIDATION}`], {
      encoding: 'utf8',
    });
    const percent = Number(/coverage: ([0-9.]+)% of statements/.exec(report)?.[1]);
    console.log(`${version}: ${percent} % of the statements of ${VALIDATION}`);
    expect(percent).toBeGreaterThanOrEqual(IS_FULL ? 95 : 70);
  });
});

// Upstream refuses these for the very reason that Rollgate gives, in words of its own.
describe.each(ROLLOUTS_VERSIONS)('what %s refuses after all', (version) => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start(version);
  });
  afterAll(() => oracle.close());

  it.each([
    [
      'it panics over an empty list of routes',
      'virtualservice-route-exists/none',
      { trafficRouting: { istio: { virtualService: { name: 'web' } } }, steps: [{ setWeight: 20 }] },
      { tcp: [] },
    ],
    [
      'it cannot read the duration of an experiment for an argument of its analysis',
      'rollout-experiment/duration',
      {
        steps: [
          {
            experiment: {
              duration: 'soon',
              templates: [{ name: 'baseline', specRef: 'stable' }],
              analyses: [
                {
                  name: 'errors',
                  templateName: 'errors',
                  args: [{ name: 'pod', value: '{{templates.baseline.replicaset.name}}' }],
                },
              ],
            },
          },
        ],
      },
      { http: [{ route: [{ destination: { host: 'stable' } }, { destination: { host: 'canary' } }] }] },
    ],
  ] as const)('%s', async (_, expected, canary, virtualService) => {
    const named = (apiVersion: string, kind: string, name: string, spec: object): object => ({
      apiVersion,
      kind,
      metadata: { name, namespace: 'shop' },
      spec,
    });
    const service = { selector: { app: 'web' }, ports: [{ port: 80 }] };
    const bundle = [
      named('argoproj.io/v1alpha1', 'Rollout', 'web', {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
        strategy: { canary: { stableService: 'stable', canaryService: 'canary', ...canary } },
      }),
      named('networking.istio.io/v1', 'VirtualService', 'web', { hosts: ['web.example.com'], ...virtualService }),
      named('v1', 'Service', 'stable', service),
      named('v1', 'Service', 'canary', service),
      named('argoproj.io/v1alpha1', 'AnalysisTemplate', 'errors', {
        args: [{ name: 'pod' }],
        metrics: [{ name: 'errors', provider: { prometheus: { address: 'http://prometheus', query: 'up' } } }],
      }),
    ];
    const upstream = await oracle.refusals(bundle);
    const verdict = ours(bundle, releasesOf(version));
    expect(upstream.filter(({ missing }) => !missing)).not.toEqual([]);
    expect(verdict.denials.map(({ rule, messageId }) => `${rule}/${messageId}`)).toEqual([expected]);
    expect(disagreement(upstream, verdict)).toBeUndefined();
  });
});

class Differs extends Error {
  constructor(judged: Judged, { kind, reasons }: Disagreement) {
    super([`${judged}: ${kind}`, ...reasons].join('\n  '));
  }
}

function expectSame(judged: Judged, found: Disagreement | undefined): void {
  if (found !== undefined) throw new Differs(judged, found);
}

function told(counterexample: Case | undefined, error: unknown): string {
  const bundle =
    counterexample?.objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n') ?? '';
  return `${error instanceof Error ? error.message : String(error)}\nAGREEMENT_SEED=${SEED} AGREEMENT_CASES=${CASES}, shrunk to:\n${bundle}`;
}
