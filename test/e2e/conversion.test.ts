import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invalidRollout } from '../../src/commands/self-test.ts';
import { dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment, service } from './harness/conversion.ts';
import { until } from './harness/program.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.stop());

describe('a new Deployment', () => {
  it('is stored at 0 with a warning; its Rollout exists within a second with the wanted count, and becomes healthy', async () => {
    const scene = await ConversionScene.open(cluster);
    const began = performance.now();
    const { stderr } = await scene.developer.apply([
      deployment(scene.namespace, 'web', { replicas: 3, convert: 'canary' }),
    ]);
    const rollout = await scene.until('the Rollout', () => scene.rollout('web'));
    const took = performance.now() - began;
    expect(stderr).toContain('Deployment "web" becomes Rollout "web" with 3 pods (profile canary)');
    expect(dig(rollout, 'spec', 'replicas')).toBe(3);
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);
    await scene.healthy('web', 3);
    console.log(`the Rollout was there ${Math.round(took)} ms after kubectl began`);
    expect(await scene.pods('web')).toHaveLength(3);
  });

  it('runs its own pods while its Rollout lacks an object, and is converted once that exists', async () => {
    const scene = await ConversionScene.open(cluster);
    const { stderr } = await scene.developer.apply([
      deployment(scene.namespace, 'web', { replicas: 3, convert: 'blue-green' }),
    ]);
    expect(stderr).toContain('Deployment "web": keeps its own pods until Rollout "web" is healthy');
    await scene.until('its pods', async () => dig(await scene.deployment('web'), 'status', 'availableReplicas') === 3);
    await scene.until('the Rollout', () => scene.rollout('web'));
    await scene.developer.apply([service(scene.namespace, 'web')]);
    await scene.healthy('web', 3);
    await scene.until('the Deployment at 0', async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 0);
    await scene.until('only the pods of the Rollout', async () => (await scene.pods('web')).length === 3);
  });
});

describe('a Deployment that runs', () => {
  it('keeps its endpoints while it becomes a Rollout, and ends at 0', async () => {
    const scene = await ConversionScene.open(cluster);
    // Slow pods, so that scaling the Deployment to 0 too early would show.
    await scene.running('web', 5, { readyAfter: 800 });
    const watch = await scene.endpoints('web');
    await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert=canary', '-n', scene.namespace]);
    await scene.until('the Deployment at 0', async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 0);
    await scene.until('its pods gone', async () => (await scene.pods('web')).length === 5);
    await sleep(500);
    expect(watch.least()).toBeGreaterThanOrEqual(5);
    console.log(`ready endpoints: at least ${watch.least()}, at most ${watch.most()}`);
  });

  it('keeps its endpoints if the first revision of the Rollout fails, and ends at 0 when the second one succeeds', async () => {
    const scene = await ConversionScene.open(cluster);
    const careful = {
      progressDeadlineSeconds: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } },
    };
    await scene.running('web', 5, { readyAfter: 300, spec: careful });
    const watch = await scene.endpoints('web');
    await scene.developer.apply([
      deployment(scene.namespace, 'web', {
        replicas: 5,
        convert: 'canary',
        image: 'web:2',
        readyAfter: 'never',
        spec: careful,
      }),
    ]);
    await scene.phase('web', 'Degraded');
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(5);
    await scene.developer.apply([
      deployment(scene.namespace, 'web', {
        replicas: 5,
        convert: 'canary',
        image: 'web:3',
        readyAfter: 300,
        spec: careful,
      }),
    ]);
    // For the controller the first revision is the stable one, healthy or not. The second is an ordinary canary with
    // pauses.
    await scene.phase('web', 'Paused');
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(5);
    await cluster.argoCd.run(['argo', 'rollouts', 'promote', 'web', '--full', '-n', scene.namespace]);
    const rollout = await scene.healthy('web', 5);
    expect(dig(rollout.metadata, 'annotations', 'rollout.argoproj.io/revision')).toBe('2');
    await scene.until('the Deployment at 0', async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 0);
    await scene.until('only the pods of the Rollout', async () => (await scene.pods('web')).length === 5);
    await sleep(300);
    console.log(`the first revision failed, the second did not: ready endpoints at least ${watch.least()}`);
    expect(watch.least()).toBeGreaterThanOrEqual(5);
  });
});

describe('Rollgate that starts with an invalid policy', () => {
  it('denies and converts nothing, and does both once the policy is fixed', async () => {
    const { rollgate } = cluster;
    const scene = await ConversionScene.open(cluster);
    const shows = (line: string): Promise<unknown> =>
      until(line, async () => (await rollgate.metrics()).includes(`\n${line}\n`));
    const web = (name: string): ReturnType<typeof deployment> =>
      deployment(scene.namespace, name, { replicas: 2, convert: 'canary' });
    const apply = (object: unknown): Promise<{ code: number; stderr: string }> =>
      scene.developer.try(['apply', '-f', '-'], JSON.stringify(object));
    const invalid = invalidRollout(scene.namespace);
    await scene.developer.apply([web('before')]);
    await scene.healthy('before', 2);
    expect((await apply(invalid)).code).not.toBe(0);

    await rollgate.program.stop('SIGTERM');
    const logged = rollgate.program.output().length;
    const good = await rollgate.policyText('');
    await rollgate.policyText(`${good}\nrules: { no-such-rule: deny }\n`);
    try {
      await rollgate.start();
      await shows('rollgate_policy_fallback 1');
      // Log lines are written with a short delay.
      const says = (text: string): Promise<unknown> =>
        until(text, () => rollgate.program.output().slice(logged).includes(text));
      await says('until it is fixed, nothing is denied or converted');
      await says('unknown rule \\"no-such-rule\\"');
      const { code, stderr } = await apply(invalid);
      expect([code, stderr]).toEqual([0, expect.stringContaining('[rollgate/rollout-steps]')]);
      expect((await apply(web('fresh'))).stderr).toContain('not converted (profile canary): conversion is off here');
      await scene.until(
        'its pods',
        async () => dig(await scene.deployment('fresh'), 'status', 'availableReplicas') === 2,
      );
      await shows('rollgate_conversion_leader 0');
      expect(await scene.rollout('fresh')).toBeUndefined();
      expect(dig(await scene.deployment('before'), 'spec', 'replicas')).toBe(0);
      expect(await scene.pods('before')).toHaveLength(2);
    } finally {
      await rollgate.policyText(good);
    }
    await shows('rollgate_policy_fallback 0');
    await shows('rollgate_conversion_leader 1');
    await scene.developer.apply([
      { ...web('fresh'), metadata: { ...web('fresh').metadata, labels: { again: 'yes' } } },
    ]);
    await scene.healthy('fresh', 2);
    await scene.until(
      'the Deployment at 0',
      async () => dig(await scene.deployment('fresh'), 'spec', 'replicas') === 0,
    );
    const another = { ...invalid, metadata: { ...invalid.metadata, name: 'another' } };
    expect((await apply(another)).code).not.toBe(0);
  });
});
