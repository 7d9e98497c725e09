import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { KubeObject } from '../../../src/world/object.ts';
import { asString, dig, optionalNumber, type JsonObject } from '../../../src/world/read.ts';
import { Cluster } from '../harness/cluster.ts';
import { HASH, hostCanary, rollout, service, to, virtualService } from './manifests.ts';
import { fact, Scene, weights } from './scene.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster.stop());

const SERVICES = [service('web'), service('web-canary')];
const VIRTUAL = virtualService([{ route: [to('web', 100), to('web-canary', 0)] }]);

/** Returns the pods of the canary and the stable ReplicaSet, as the controller has scaled them. */
async function podsOf(scene: Scene): Promise<string> {
  const [found, replicaSets] = await Promise.all([scene.get('Rollout'), scene.list('ReplicaSet')]);
  const count = (hash: string): number | undefined =>
    optionalNumber(
      dig(
        replicaSets.find(({ metadata }) => dig(metadata, 'labels', HASH) === hash),
        'spec',
        'replicas',
      ),
    );
  return `${count(asString(dig(found, 'status', 'currentPodHash')))} canary, ${count(asString(dig(found, 'status', 'stableRS')))} stable`;
}

/** Starts an update, and returns the pods at each of its pauses without a duration, of which every second step is one. */
async function podsAtPauses(scene: Scene, pauses: number): Promise<string[]> {
  await scene.phase('Healthy');
  await scene.update();
  const pods: string[] = [];
  for (let pause = 0; pause < pauses; pause++) {
    await scene.phase('Paused', pause * 2 + 1);
    pods.push(await podsOf(scene));
    if (pause < pauses - 1) await scene.plugin('promote');
  }
  return pods;
}

describe('without a router', () => {
  fact(
    'F2',
    'holds',
    'with one replica, weights 10, 25 and 50 all give one canary pod and one stable pod',
    async () => {
      const steps = [
        { setWeight: 10 },
        { pause: {} },
        { setWeight: 25 },
        { pause: {} },
        { setWeight: 50 },
        { pause: {} },
      ];
      const scene = await Scene.of(cluster, rollout({ canary: { steps } }, { replicas: 1 }));
      expect(await podsAtPauses(scene, 3)).toEqual(Array(3).fill('1 canary, 1 stable'));
    },
  );

  fact(
    'F2',
    'holds',
    'with one replica and no surge, weight 20 starts no canary pod, and 60 replaces the only pod',
    async () => {
      const steps = [{ setWeight: 20 }, { pause: {} }, { setWeight: 60 }, { pause: {} }];
      const scene = await Scene.of(
        cluster,
        rollout({ canary: { steps, maxSurge: 0, maxUnavailable: 1 } }, { replicas: 1 }),
      );
      expect(await podsAtPauses(scene, 2)).toEqual(['0 canary, 1 stable', '1 canary, 0 stable']);
    },
  );

  fact(
    'F2',
    'holds',
    'with two replicas, weights 5, 20 and 40 all give one canary pod and two stable pods',
    async () => {
      const steps = [
        { setWeight: 5 },
        { pause: {} },
        { setWeight: 20 },
        { pause: {} },
        { setWeight: 40 },
        { pause: {} },
      ];
      const scene = await Scene.of(cluster, rollout({ canary: { steps } }, { replicas: 2 }));
      expect(await podsAtPauses(scene, 3)).toEqual(Array(3).fill('1 canary, 2 stable'));
    },
  );

  fact(
    'D8',
    'holds',
    'the stable Service selects the stable pods only, which become fewer with each weight',
    async () => {
      const steps = [{ setWeight: 20 }, { pause: {} }, { setWeight: 80 }, { pause: {} }];
      const canary = { stableService: 'web', canaryService: 'web-canary', steps };
      const scene = await Scene.of(cluster, ...SERVICES, rollout({ canary }, { replicas: 5 }));
      expect(await podsAtPauses(scene, 2)).toEqual(['1 canary, 4 stable', '4 canary, 1 stable']);
      const { status } = await scene.get('Rollout');
      expect(dig(await scene.get('Service'), 'spec', 'selector', HASH)).toBe(dig(status, 'stableRS'));
    },
  );
});

describe('with a router', () => {
  fact('F3', 'holds', 'setCanaryScale still counts at a later weight, which one pod then gets', async () => {
    const steps = [{ setCanaryScale: { replicas: 1 } }, { setWeight: 50 }, { pause: {} }];
    const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(hostCanary(steps), { replicas: 6 }));
    await scene.phase('Healthy');
    await scene.update();
    await scene.phase('Paused', 2);
    expect(await podsOf(scene)).toBe('1 canary, 6 stable');
    expect(weights(await scene.get('VirtualService'))).toEqual([['', ['web 50', 'web-canary 50']]]);
  });

  fact(
    'F6',
    'holds',
    'dynamicStableScale leaves no stable pod at weight 100, and an abort starts all of them again',
    async () => {
      const strategy = hostCanary([{ setWeight: 100 }, { pause: {} }], {}, {}, { dynamicStableScale: true });
      const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(strategy, { replicas: 3 }));
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      await scene.reacts('the stable pods to go', async () => (await podsOf(scene)) === '3 canary, 0 stable');
      await scene.plugin('abort');
      await scene.reacts('the stable pods to come back', async () => (await podsOf(scene)).endsWith(', 3 stable'));
    },
  );

  fact(
    'F5',
    'holds',
    'with dynamicStableScale and abortScaleDownDelaySeconds, an abort stops at the weight of an earlier step: the canary keeps its pods until all stable pods are back, which come back only as its pods go',
    async () => {
      const steps = [{ setWeight: 20 }, { pause: {} }, { setWeight: 60 }, { pause: {} }];
      const strategy = hostCanary(steps, {}, {}, { dynamicStableScale: true, abortScaleDownDelaySeconds: 1 });
      const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(strategy, { replicas: 5 }));
      expect((await podsAtPauses(scene, 2)).at(-1)).toBe('3 canary, 2 stable');
      await scene.plugin('abort');
      await scene.phase('Degraded');
      await scene.reacts(
        'weight 20',
        async () => weights(await scene.get('VirtualService'))[0]?.[1][1] === 'web-canary 20',
      );
      for (let time = 0; time < 3; time++) await scene.reconciled();
      expect(await podsOf(scene)).toBe('3 canary, 4 stable');
      expect(weights(await scene.get('VirtualService'))).toEqual([['', ['web 80', 'web-canary 20']]]);
    },
  );
});

describe('a ResourceQuota', () => {
  const quota = (pods: number): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'team' },
    spec: { hard: { pods } },
  });
  const DEADLINE = { progressDeadlineSeconds: 5 };
  const paused = (...steps: JsonObject[]): JsonObject[] => [...steps, { pause: {} }];

  fact(
    'F7',
    'holds',
    'an update that a ResourceQuota has no room for stops, and is Degraded after its deadline: with a router, with blue-green, and without a router if no pod may be unavailable. If one may, the update goes on',
    async () => {
      const start = async (pods: number, strategy: JsonObject, replicas: number): Promise<Scene> => {
        const made = rollout(strategy, { replicas, ...DEADLINE });
        const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, quota(pods), made);
        await scene.phase('Healthy');
        await scene.update();
        return scene;
      };
      const stops = async (pods: number, strategy: JsonObject, replicas: number): Promise<Scene> => {
        const scene = await start(pods, strategy, replicas);
        await scene.phase('Degraded');
        const running = (await scene.list('Pod')).length;
        expect(running).toBe(pods);
        return scene;
      };
      const unrouted = (maxUnavailable: number): JsonObject => ({
        canary: { maxSurge: 1, maxUnavailable, steps: paused({ setWeight: 50 }) },
      });
      const blueGreen = { activeService: 'web', previewService: 'web-canary', autoPromotionEnabled: false };
      await Promise.all([
        stops(4, hostCanary(paused({ setWeight: 60 })), 3).then(async (scene) => {
          expect(await podsOf(scene)).toBe('2 canary, 3 stable');
          expect(weights(await scene.get('VirtualService'))).toEqual([['', ['web 100', 'web-canary 0']]]);
        }),
        stops(3, { blueGreen }, 2),
        stops(2, unrouted(0), 2),
        start(2, unrouted(1), 2).then((scene) => scene.phase('Paused', 1)),
      ]);
    },
  );
});
