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
// A short run does not make every mistake there is.
const IS_FULL = CASES >= 20_000;
const VALIDATION = 'github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation';

describe(`${CASES} bundles by seed ${SEED}`, () => {
  const counters = mkdtempSync(join(tmpdir(), 'rollgate-agreement-'));
  const messages = new Map<string, number>();
  const refused = { invalid: 0, missing: 0 };
  let checked = 0;
  let oracle: Oracle;

  beforeAll(async () => {
    oracle = await Oracle.start({ coverage: counters });
  });

  afterAll(() => {
    rmSync(counters, { recursive: true, force: true });
  });

  it('get the same verdict from the controller and from Rollgate', async () => {
    const property = fc.asyncProperty(cases(), async ({ objects }) => {
      const upstream = await oracle.refusals(objects);
      const verdict = ours(objects);
      checked++;
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
    console.log(`${checked} cases, ${refused.invalid} invalid, ${refused.missing} with something missing only`);
  });

  it('contain both many invalid and many valid ones', () => {
    expect(refused.invalid / checked).toBeGreaterThan(0.3);
    expect(refused.invalid / checked).toBeLessThan(0.7);
  });

  it.skipIf(!IS_FULL)('make every mistake that upstream refuses, and need every explanation', () => {
    expect(generatedMessages().filter((id) => !messages.has(id))).toEqual([]);
  });

  it("cover the statements of upstream's validation", async () => {
    await oracle.close();
    const report = execFileSync('go', ['tool', 'covdata', 'percent', `-i=${counters}`, `-pkg=${VALIDATION}`], {
      encoding: 'utf8',
    });
    const percent = Number(/coverage: ([0-9.]+)% of statements/.exec(report)?.[1]);
    console.log(`${percent} % of the statements of ${VALIDATION}`);
    expect(percent).toBeGreaterThanOrEqual(IS_FULL ? 95 : 70);
  });
});

// Upstream refuses these for the very reason that Rollgate gives, in words of its own.
describe('what upstream refuses after all', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
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
    const verdict = ours(bundle);
    expect(upstream.filter(({ missing }) => !missing)).not.toEqual([]);
    expect(verdict.denials.map(({ rule, messageId }) => `${rule}/${messageId}`)).toEqual([expected]);
    expect(disagreement(upstream, verdict)).toBeUndefined();
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
