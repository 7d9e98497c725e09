import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, dig } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment } from './harness/conversion.ts';
import type { Way } from './harness/kubectl.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.stop());

async function applied(scene: ConversionScene, way: Way, options: Parameters<typeof deployment>[2]): Promise<void> {
  await cluster.argoCd.apply([deployment(scene.namespace, 'web', { convert: 'canary', ...options })], way);
}

describe.each<Way>(['client-side apply', 'server-side apply', 'replace'])('applied again by Argo CD: %s', (way) => {
  it('keeps the Deployment at 0, stops changing objects, and passes images and counts to the Rollout', async () => {
    const scene = await ConversionScene.open(cluster);
    await applied(scene, way === 'replace' ? 'client-side apply' : way, { replicas: 3 });
    await scene.healthy('web', 3);
    await scene.until(
      'the Rollout recorded',
      async () => (await scene.annotations('web'))['rollgate.io/rollout-uid'] !== undefined,
    );

    // Kubernetes sorts managedFields by time in seconds. If the first apply falls into a later second than the last
    // writes of others, it may move its own entry behind theirs. No other apply may do that.
    const stored = async (): Promise<unknown[]> => [await scene.deployment('web'), await scene.rollout('web')];
    await scene.until('what is stored to stay', async () => {
      const earlier = await stored();
      await sleep(1_500);
      await applied(scene, way, { replicas: 3 });
      await sleep(1_500);
      return isDeepStrictEqual(await stored(), earlier);
    });
    const before = await stored();
    const marks = await scene.annotations('web');
    for (let time = 0; time < 5; time++) {
      await applied(scene, way, { replicas: 3 });
      expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);
    }
    await sleep(1_500);
    // Includes the resource versions.
    expect(await stored()).toEqual(before);

    await applied(scene, way, { replicas: 4 });
    await scene.healthy('web', 4);
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);

    // Repeated applies without a count do not set it to 1.
    for (let time = 0; time < 3; time++) await applied(scene, way, {});
    await sleep(1_500);
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);
    expect(dig(await scene.rollout('web'), 'spec', 'replicas')).toBe(4);
    expect(await scene.annotations('web')).toMatchObject({
      'rollgate.io/replicas': '4',
      'rollgate.io/rollout-uid': marks['rollgate.io/rollout-uid'],
    });

    await applied(scene, way, { replicas: 4, image: 'web:2' });
    await scene.controllerMakes('web', 'paused with a canary', ({ status }) => {
      return dig(status, 'phase') === 'Paused' && dig(status, 'stableRS') !== dig(status, 'currentPodHash');
    });
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);
    await cluster.argoCd.run(['argo', 'rollouts', 'promote', 'web', '--full', '-n', scene.namespace]);
    const promoted = await scene.healthy('web', 4);
    expect(dig(promoted, 'status', 'stableRS')).toBe(dig(promoted, 'status', 'currentPodHash'));
    expect(
      (await scene.pods('web')).every((pod) => dig(asArray(dig(pod, 'spec', 'containers'))[0], 'image') === 'web:2'),
    ).toBe(true);

    // Rollgate learns of autoscalers by a watch, which keeps their order.
    await cluster.argoCd.apply([hpa(scene.namespace, 'web', 4), hpa(scene.namespace, 'probe', 3)]);
    await scene.until('the autoscalers', async () => {
      const probe = [deployment(scene.namespace, 'probe', { convert: 'canary', replicas: 1 })];
      const { stderr } = await cluster.argoCd.apply(probe, 'client-side apply', '--dry-run=server');
      return stderr.includes('Deployment "probe" becomes Rollout "probe" with 3 pods');
    });
    await applied(scene, way, { replicas: 6, image: 'web:2' });
    await scene.until('the wish noted', async () => (await scene.annotations('web'))['rollgate.io/replicas'] === '6');
    await sleep(2_000);
    expect(dig(await scene.rollout('web'), 'spec', 'replicas')).toBe(4);
  });
});

describe('the server-side dry run of Argo CD', () => {
  it('returns the object as it is stored', async () => {
    const scene = await ConversionScene.open(cluster);
    const args = [
      'apply',
      '--server-side',
      '--force-conflicts',
      '--field-manager=argocd-controller',
      '-f',
      '-',
      '-o',
      'json',
    ];
    const manifest = JSON.stringify(deployment(scene.namespace, 'web', { convert: 'canary', replicas: 3 }));
    const predicted = JSON.parse(
      (await cluster.argoCd.run([...args, '--dry-run=server'], manifest)).stdout,
    ) as KubeObject;
    expect(await scene.rollout('web')).toBeUndefined();
    expect(dig(predicted, 'spec', 'replicas')).toBe(0);
    const stored = JSON.parse((await cluster.argoCd.run(args, manifest)).stdout) as KubeObject;
    expect(stored['spec']).toEqual(predicted['spec']);
    expect(dig(stored.metadata, 'annotations')).toEqual(dig(predicted.metadata, 'annotations'));
    await scene.healthy('web', 3);
    await scene.until(
      'the Rollout recorded',
      async () => (await scene.annotations('web'))['rollgate.io/rollout-uid'] !== undefined,
    );
    const again = JSON.parse((await cluster.argoCd.run([...args, '--dry-run=server'], manifest)).stdout) as KubeObject;
    const live = await scene.deployment('web');
    expect(again['spec']).toEqual(live?.['spec']);
    expect(dig(again.metadata, 'annotations')).toEqual(dig(live?.metadata, 'annotations'));
  });
});

function hpa(namespace: string, name: string, minReplicas: number): KubeObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace },
    spec: {
      minReplicas,
      maxReplicas: 10,
      scaleTargetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  };
}
