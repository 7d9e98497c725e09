import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blueGreenCounts } from '../../src/timeline/blue-green.ts';
import { timelineSvg } from '../../src/report/timeline/svg.ts';
import { timelineText } from '../../src/report/timeline/text.ts';
import { canarySettings } from '../../src/timeline/canary-settings.ts';
import { abortStage, endOf, updateStages, type CanaryStage } from '../../src/timeline/canary-walk.ts';
import { replicaCounts } from '../../src/timeline/replicas.ts';
import { TimelineError } from '../../src/timeline/stage.ts';
import { timelineOf } from '../../src/timeline/timeline.ts';
import { bundleWorld } from '../../src/world/manifests.ts';
import { isKubeObject, kindOf, type KubeObject } from '../../src/world/object.ts';
import { asArray, dig, int32 } from '../../src/world/read.ts';
import { routersOf } from '../../src/world/routers.ts';
import type { RolloutsVersion } from '../control-plane/versions.ts';
import { cases } from './cases.ts';
import { Oracle, type UpstreamStage, type UpstreamTimeline } from './oracle.ts';
import { updates } from './updates.ts';

const CASES = Number(process.env['AGREEMENT_CASES'] ?? 20_000);
const BUNDLES = Math.ceil(CASES / 10);
const SEED =
  process.env['AGREEMENT_SEED'] === 'fresh' ? Date.now() % 2 ** 31 : Number(process.env['AGREEMENT_SEED'] ?? 1);

const VERSIONS: readonly (readonly [RolloutsVersion, minPodsAreCapped: boolean])[] = [
  ['1.9', false],
  ['1.10', true],
];

function stagesOf(rollout: KubeObject, minPodsAreCapped: boolean): Omit<UpstreamTimeline, 'preview' | 'active'> {
  const settings = canarySettings(rollout, replicasOf(rollout), minPodsAreCapped);
  const spend = (): void => undefined;
  const stages = updateStages(settings, spend);
  const aborts = stages.map((stage) => abortStage(settings, endOf(stage), spend));
  return { stages: stages.map(asUpstream), aborts: aborts.map(asUpstream) };
}

function replicasOf(rollout: KubeObject): number {
  return int32(dig(rollout, 'spec', 'replicas')) ?? 1;
}

function asUpstream({ states, end }: CanaryStage): UpstreamStage {
  return {
    states: states.map(({ pods, weights }) => [pods.canary, pods.stable, weights?.canary ?? -1, weights?.stable ?? -1]),
    end,
  };
}

describe(`${BUNDLES} bundles by seed ${SEED}`, () => {
  it('can be drawn, whatever is in them, within 80 columns up to 9999 pods', () => {
    const counts = { drawn: 0, refused: 0 };
    const property = fc.property(cases(), ({ objects }) => {
      const all = objects.filter((object) => isKubeObject(object));
      for (const rollout of all.filter((object) => kindOf(object) === 'Rollout.argoproj.io')) {
        try {
          const world = bundleWorld(all);
          const timelines = replicaCounts(rollout, world).map((count) => timelineOf(rollout, world, count));
          const text = timelineText(timelines, { color: false });
          const isWide = timelines.some(({ mostPods }) => mostPods > 9_999);
          if (!isWide) expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
          expect(text + timelineSvg(timelines)).not.toMatch(/NaN|undefined|Infinity/);
          counts.drawn++;
        } catch (error) {
          if (!(error instanceof TimelineError)) throw error;
          counts.refused++;
        }
      }
    });
    fc.assert(property, { numRuns: BUNDLES, seed: SEED });
    expect(counts.drawn).toBeGreaterThan(counts.refused);
  });
});

describe(`${CASES} updates by seed ${SEED}`, () => {
  const oracles = new Map<RolloutsVersion, Oracle>();
  const counts = { blueGreen: 0, stages: 0, states: 0, stuck: 0, endless: 0, aborts: 0, differing: 0 };

  beforeAll(async () => {
    for (const [version] of VERSIONS) oracles.set(version, await Oracle.start(version, { timeline: true }));
  });

  afterAll(async () => {
    for (const oracle of oracles.values()) await oracle.close();
  });

  it('have the same pods and weights after every reconciliation as by upstream, for each version', async () => {
    const property = fc.asyncProperty(updates(), async (fields) => {
      const rollout = fields as unknown as KubeObject;
      const answers: string[] = [];
      for (const [version, minPodsAreCapped] of VERSIONS) {
        const upstream = await oracles.get(version)?.timeline(rollout, routersOf(rollout).size > 0);
        answers.push(JSON.stringify(upstream));
        if (dig(rollout, 'spec', 'strategy', 'canary') === undefined) {
          counts.blueGreen++;
          expect({ ...blueGreenCounts(rollout, replicasOf(rollout)) }).toEqual(upstream);
          continue;
        }
        const { stages, aborts } = stagesOf(rollout, minPodsAreCapped);
        expect({ version, stages, aborts }).toEqual({ version, stages: upstream?.stages, aborts: upstream?.aborts });
        for (const { states, end } of stages ?? []) {
          counts.stages++;
          counts.states += states.length;
          if (end !== 'done') counts[end]++;
        }
        counts.aborts += asArray(aborts).length;
      }
      if (answers[0] !== answers[1]) counts.differing++;
    });
    const result = await fc.check(property, { numRuns: CASES, seed: SEED });
    const error: unknown = result.errorInstance;
    expect(result.failed ? `${JSON.stringify(result.counterexample)}\n${String(error)}` : 'no difference').toBe(
      'no difference',
    );
  });

  it('contain steps that are never done, and updates in which the versions differ', () => {
    console.log(JSON.stringify(counts));
    expect(counts.stages).toBeGreaterThan(CASES);
    expect(counts.blueGreen).toBeGreaterThan(0);
    expect(counts.stuck).toBeGreaterThan(0);
    expect(counts.differing).toBeGreaterThan(0);
  });
});
