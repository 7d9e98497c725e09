import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, dig, asObject, asString } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { controllerReacts } from './harness/controller-reacts.ts';
import { ConversionScene, deployment, service } from './harness/conversion.ts';
import { until } from './harness/program.ts';

// An update is in its middle until it is promoted.
const STEPS = [{ setWeight: 20 }, { pause: {} }, { setWeight: 50 }, { pause: {} }];
const PROFILES = {
  hosts: {
    strategy: {
      canary: {
        stableService: '{name}',
        canaryService: '{name}-canary',
        trafficRouting: { istio: { virtualService: { name: '{name}', routes: ['primary'] } } },
        steps: STEPS,
      },
    },
  },
  subsets: {
    strategy: {
      canary: {
        canaryMetadata: { labels: { version: 'canary' } },
        stableMetadata: { labels: { version: 'stable' } },
        trafficRouting: {
          istio: {
            virtualService: { name: '{name}' },
            destinationRule: { name: '{name}', canarySubsetName: 'canary', stableSubsetName: 'stable' },
          },
        },
        steps: STEPS,
      },
    },
  },
};

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.rollgate.policy((policy) => ({ ...policy, profiles: PROFILES }));
});
afterAll(() => cluster?.stop());

function virtualService(
  namespace: string,
  name: string,
  destinations: readonly { host: string; subset?: string }[],
): KubeObject {
  const route = destinations.map((destination, index) => ({ destination, weight: index === 0 ? 100 : 0 }));
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace },
    spec: { hosts: [name], http: [{ name: 'primary', route }] },
  };
}

async function weights(scene: ConversionScene, name: string): Promise<unknown[]> {
  const found = await cluster.controlPlane.admin.get('networking.istio.io/v1', 'VirtualService', scene.namespace, name);
  return asArray(dig(asArray(dig(found, 'spec', 'http'))[0], 'route')).map((route) => dig(route, 'weight') ?? 0);
}

async function selector(scene: ConversionScene, name: string): Promise<Readonly<Record<string, unknown>>> {
  return asObject(
    dig(await cluster.controlPlane.admin.get('v1', 'Service', scene.namespace, name), 'spec', 'selector'),
  );
}

async function converted(scene: ConversionScene, name: string, replicas: number): Promise<void> {
  const { metadata } = await scene.healthy(name, replicas);
  await scene.until(
    'the Rollout recorded',
    async () => (await scene.annotations(name))['rollgate.io/rollout-uid'] === metadata['uid'],
  );
  await scene.until('the Deployment at 0', async () => dig(await scene.deployment(name), 'spec', 'replicas') === 0);
  await scene.until('the pods of the Rollout alone', async () => (await scene.pods(name)).length === replicas);
}

async function told(scene: ConversionScene, reason: string): Promise<string> {
  const event = await scene.until(`the event ${reason}`, async () =>
    (await cluster.controlPlane.admin.list('v1', 'Event', scene.namespace)).find(
      (candidate) => candidate['reason'] === reason,
    ),
  );
  return asString(event['message']);
}

async function isBack(scene: ConversionScene, name: string, replicas: number): Promise<void> {
  await controllerReacts(
    cluster.controlPlane.admin,
    { namespace: scene.namespace, name },
    'the Rollout gone',
    async () => (await scene.rollout(name)) === undefined,
  );
  await scene.until(
    'the marks gone',
    async () =>
      Object.keys(await scene.annotations(name)).filter(
        (key) => key.startsWith('rollgate.io/') && key !== 'rollgate.io/convert',
      ).length === 0,
  );
  await scene.until('only the pods of the Deployment', async () => (await scene.pods(name)).length === replicas);
  expect(dig(await scene.deployment(name), 'status', 'availableReplicas')).toBe(replicas);
  const pods = await scene.pods(name);
  expect(pods.every(({ metadata }) => dig(metadata, 'labels', 'pod-template-hash') !== undefined)).toBe(true);
}

describe('the way back', () => {
  it('by removing the annotation, blue-green: there are never fewer endpoints than wanted', async () => {
    const scene = await ConversionScene.open(cluster);
    await scene.running('web', 5, { readyAfter: 300 });
    const watch = await scene.endpoints('web');
    await scene.developer.run([
      'annotate',
      'deployment',
      'web',
      'rollgate.io/convert=blue-green',
      '-n',
      scene.namespace,
    ]);
    await converted(scene, 'web', 5);
    expect(await selector(scene, 'web')).toHaveProperty('rollouts-pod-template-hash');
    const { stderr } = await scene.developer.run([
      'annotate',
      'deployment',
      'web',
      'rollgate.io/convert-',
      '-n',
      scene.namespace,
    ]);
    expect(stderr).toContain('becomes a plain Deployment again');
    const began = performance.now();
    await isBack(scene, 'web', 5);
    await sleep(300);
    expect(await selector(scene, 'web')).toEqual({ app: 'web' });
    console.log(
      `blue-green, by the annotation taken away: back after ${Math.round(performance.now() - began)} ms; ready endpoints at least ${watch.least()}, at most ${watch.most()}`,
    );
    expect(watch.least()).toBeGreaterThanOrEqual(5);
    watch.stop();
  });

  it('by "off", traffic split by hosts: no Service selects a hash without pods, weights end at 100/0', async () => {
    const scene = await ConversionScene.open(cluster);
    await scene.developer.apply([
      service(scene.namespace, 'web-canary', { app: 'web' }),
      virtualService(scene.namespace, 'web', [{ host: 'web' }, { host: 'web-canary' }]),
    ]);
    await scene.running('web', 5, { readyAfter: 300 });
    const [stable, canary] = [await scene.endpoints('web'), await scene.endpoints('web-canary')];
    await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert=hosts', '-n', scene.namespace]);
    await converted(scene, 'web', 5);
    await scene.developer.run(['set', 'image', 'deployment/web', 'web=web:2', '-n', scene.namespace]);
    await scene.controllerMakes(
      'web',
      'paused with its canary',
      async (rollout) =>
        dig(rollout, 'status', 'phase') === 'Paused' && (await weights(scene, 'web')).join() === '80,20',
    );
    await scene.developer.run([
      'annotate',
      '--overwrite',
      'deployment',
      'web',
      'rollgate.io/convert=off',
      '-n',
      scene.namespace,
    ]);
    // It waits in the middle of the update.
    expect(await told(scene, 'GoingBackWaits')).toContain('the revert begins when the update has ended');
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);
    expect(await weights(scene, 'web')).toEqual([80, 20]);
    await cluster.argoCd.run(['argo', 'rollouts', 'promote', 'web', '--full', '-n', scene.namespace]);
    await isBack(scene, 'web', 5);
    await scene.until(
      'the Services let go',
      async () => (await selector(scene, 'web'))['rollouts-pod-template-hash'] === undefined,
    );
    await sleep(300);
    expect(await selector(scene, 'web-canary')).toEqual({ app: 'web' });
    expect(await weights(scene, 'web')).toEqual([100, 0]);
    expect(
      (await scene.pods('web')).every((pod) => dig(asArray(dig(pod, 'spec', 'containers'))[0], 'image') === 'web:2'),
    ).toBe(true);
    console.log(
      `by hosts, off in the middle of an update: endpoints of stable at least ${stable.least()}, of canary at least ${canary.least()}`,
    );
    expect(stable.least()).toBeGreaterThanOrEqual(5);
    expect(canary.least()).toBeGreaterThanOrEqual(1);
  });

  it("with traffic split by subsets waits while a subset selects labels that only the Rollout's pods have, and says so", async () => {
    const scene = await ConversionScene.open(cluster);
    const rule = (labels: (version: string) => object): KubeObject => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'web', namespace: scene.namespace },
      spec: { host: 'web', subsets: ['stable', 'canary'].map((name) => ({ name, labels: labels(name) })) },
    });
    await scene.developer.apply([
      virtualService(scene.namespace, 'web', [
        { host: 'web', subset: 'stable' },
        { host: 'web', subset: 'canary' },
      ]),
      rule((version) => ({ app: 'web', version })),
    ]);
    await scene.running('web', 2);
    await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert=subsets', '-n', scene.namespace]);
    await converted(scene, 'web', 2);
    await scene.developer.run([
      'annotate',
      '--overwrite',
      'deployment',
      'web',
      'rollgate.io/convert=off',
      '-n',
      scene.namespace,
    ]);
    const event = await until('an event that says why', async () => {
      const events = await cluster.controlPlane.admin.list('v1', 'Event', scene.namespace);
      return events.find((candidate) => asString(candidate['message']).includes('version=stable'));
    });
    expect(event['message']).toContain(
      'subset "stable" of DestinationRule "web" selects version=stable, which only pods of the Rollout have',
    );
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);
    await scene.developer.apply([rule(() => ({ app: 'web' }))]);
    await isBack(scene, 'web', 2);
    const left = await cluster.controlPlane.admin.get(
      'networking.istio.io/v1',
      'DestinationRule',
      scene.namespace,
      'web',
    );
    expect(asArray(dig(left, 'spec', 'subsets')).map((subset) => dig(subset, 'labels'))).toEqual([
      { app: 'web' },
      { app: 'web' },
    ]);
    expect(await weights(scene, 'web')).toEqual([100, 0]);
  });
});

describe('a Rollout that a user deletes', () => {
  it('is replaced by the pods of its Deployment within seconds, with an event; removing the suspension converts it again', async () => {
    const scene = await ConversionScene.open(cluster);
    await scene.developer.apply([
      service(scene.namespace, 'web'),
      deployment(scene.namespace, 'web', { replicas: 3, convert: 'canary' }),
    ]);
    await converted(scene, 'web', 3);
    const began = performance.now();
    await scene.developer.run(['delete', 'rollout', 'web', '-n', scene.namespace, '--wait=false']);
    await scene.until(
      'the pods of the Deployment',
      async () => dig(await scene.deployment('web'), 'status', 'availableReplicas') === 3,
    );
    const took = performance.now() - began;
    console.log(`the Rollout deleted by hand: the Deployment had its pods after ${Math.round(took)} ms`);
    await scene.until('the suspension', async () =>
      asString((await scene.annotations('web'))['rollgate.io/convert-suspended']).startsWith('rollout-deleted'),
    );
    await sleep(2_000);
    expect(await scene.rollout('web')).toBeUndefined();
    await scene.developer.run([
      'annotate',
      'deployment',
      'web',
      'rollgate.io/convert-suspended-',
      '-n',
      scene.namespace,
    ]);
    await converted(scene, 'web', 3);
  });
});
