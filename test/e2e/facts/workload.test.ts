import { afterAll, beforeAll, describe, expect } from 'vitest';
import { asArray, dig, stringMap } from '../../../src/world/read.ts';
import { Cluster } from '../harness/cluster.ts';
import { deployment, HASH, rollout, template } from './manifests.ts';
import { fact, Scene } from './scene.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster.stop());

const CANARY = { canary: { steps: [{ setWeight: 50 }] } };

/**
 * Returns a Rollout that refers to the Deployment `web` for its template.
 *
 * @param scaleDown - The value of `workloadRef.scaleDown`.
 */
const referring = (scaleDown: string | undefined, spec: object = {}): ReturnType<typeof rollout> => {
  const ref = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: 'web',
    ...(scaleDown === undefined ? {} : { scaleDown }),
  };
  const { template: _template, selector: _selector, ...rest } = rollout(CANARY)['spec'] as Record<string, unknown>;
  return { ...rollout(CANARY), spec: { ...rest, workloadRef: ref, ...spec } };
};
const replicas = async (scene: Scene, kind: string): Promise<unknown> => dig(await scene.get(kind), 'spec', 'replicas');
const change = (scene: Scene, version: string): Promise<unknown> =>
  scene.patch('Deployment', { spec: { template: { metadata: { annotations: { version } } } } });

describe('scaleDown', () => {
  fact('G3', 'holds', 'scaleDown: onsuccess takes the Deployment to 0 once the Rollout is Healthy', async () => {
    const scene = await Scene.of(cluster, deployment(), referring('onsuccess'));
    await scene.phase('Healthy');
    await scene.reacts('the Deployment at 0', async () => (await replicas(scene, 'Deployment')) === 0);
  });

  for (const word of ['onSuccess', 'Progressively', 'always']) {
    fact('G3', 'holds', `scaleDown: ${word} is accepted and means never`, async () => {
      const scene = await Scene.of(cluster, deployment(), referring(word));
      await scene.phase('Healthy');
      await scene.reconciled();
      await scene.reconciled();
      expect(await replicas(scene, 'Deployment')).toBe(2);
    });
  }

  fact(
    'G2',
    'holds',
    'a Deployment scaled up again while its Rollout is at revision 1 is scaled down again by the next reconciliation',
    async () => {
      const scene = await Scene.of(cluster, deployment(), referring('onsuccess'));
      await scene.phase('Healthy');
      await scene.reacts('the Deployment at 0', async () => (await replicas(scene, 'Deployment')) === 0);
      await scene.patch('Deployment', { spec: { replicas: 2 } });
      // The status of the Deployment changes too, so the first attempts of the controller can end in a conflict.
      await scene.reacts('the Deployment at 0 again', async () => (await replicas(scene, 'Deployment')) === 0);
    },
  );

  fact('G2', 'holds', 'a Deployment scaled up again after revision 1 stays scaled up', async () => {
    const scene = await Scene.of(cluster, deployment(), referring('onsuccess'));
    await scene.phase('Healthy');
    await scene.reacts('the Deployment at 0', async () => (await replicas(scene, 'Deployment')) === 0);
    const before = dig(await scene.get('Rollout'), 'status', 'currentPodHash');
    await change(scene, '2');
    await scene.reacts(
      'revision 2',
      async () => dig(await scene.get('Rollout'), 'status', 'currentPodHash') !== before,
    );
    await scene.phase('Healthy');
    await scene.patch('Deployment', { spec: { replicas: 2 } });
    await scene.reconciled();
    await scene.reconciled();
    expect(await replicas(scene, 'Deployment')).toBe(2);
  });

  fact(
    'G2',
    'holds',
    'a Rollout whose first revision fails and whose second succeeds never scales its Deployment down',
    async () => {
      const scene = await Scene.of(
        cluster,
        deployment({ template: template({ annotations: { 'e2e/ready-after': 'never' } }) }),
        referring('onsuccess'),
      );
      await scene.reacts('the first ReplicaSet of the Rollout', async () =>
        (await scene.list('ReplicaSet')).some((set) => stringMap(set.metadata['labels']).has(HASH)),
      );
      const before = await scene.reacts('the first hash', async () =>
        dig(await scene.get('Rollout'), 'status', 'currentPodHash'),
      );
      await scene.patch('Deployment', {
        spec: { template: { metadata: { annotations: { 'e2e/ready-after': '0' } } } },
      });
      await scene.reacts(
        'revision 2',
        async () => dig(await scene.get('Rollout'), 'status', 'currentPodHash') !== before,
      );
      await scene.phase('Healthy');
      await scene.reconciled();
      await scene.reconciled();
      expect(await replicas(scene, 'Deployment')).toBe(2);
    },
  );
});

describe('what comes from the workload', () => {
  fact('G1', 'holds', 'without replicas a Rollout gets one, however many its Deployment has', async () => {
    const scene = await Scene.of(cluster, deployment({ replicas: 3 }), referring(undefined, { replicas: null }));
    await scene.phase('Healthy');
    expect(await replicas(scene, 'Rollout')).toBe(1);
  });

  fact(
    'G11',
    'holds',
    'a selector of the Rollout that does not match the template of its Deployment is InvalidSpec',
    async () => {
      const scene = await Scene.of(
        cluster,
        deployment(),
        referring(undefined, { selector: { matchLabels: { app: 'other' } } }),
      );
      await scene.invalid('selector');
    },
  );

  fact(
    'G11',
    'holds',
    'a workloadRef to a StatefulSet is InvalidSpec or an error: its kind is not supported',
    async () => {
      const scene = await Scene.of(cluster, {
        ...referring(undefined),
        spec: {
          ...(referring(undefined)['spec'] as object),
          workloadRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' },
        },
      });
      await scene.invalid('not supported');
    },
  );

  const UNREADABLE = template({
    spec: {
      containers: [
        {
          name: 'web',
          image: 'web:1',
          resources: { limits: { memory: '512MB' } },
          securityContext: { privileged: false },
        },
        { name: 'proxy', image: 'proxy:1' },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  });

  fact(
    'quantities',
    'holds',
    'a quantity that cannot be parsed makes a Rollout InvalidSpec: the containers after it have no name',
    async () => {
      const scene = await Scene.of(cluster, rollout(CANARY, { template: UNREADABLE }));
      await scene.invalid('spec.template.spec.containers[1].name');
    },
    { before: 'unreadableRunsInPart' },
  );

  fact(
    'quantities',
    'refuted',
    'of a Rollout with a quantity that cannot be parsed, the controller runs what stands before it: the pods lack the other containers, the volumes and the security context',
    async () => {
      const scene = await Scene.of(cluster, rollout(CANARY, { template: UNREADABLE }));
      await scene.phase('Healthy');
      const [pod] = await scene.list('Pod');
      const containers = asArray(dig(pod, 'spec', 'containers'));
      expect(containers.map((container) => dig(container, 'name'))).toEqual(['web']);
      expect(dig(containers[0], 'securityContext')).toBeUndefined();
      expect(asArray(dig(pod, 'spec', 'volumes')).map((volume) => dig(volume, 'name'))).not.toContain('data');
    },
    { since: 'unreadableRunsInPart' },
  );

  fact('G12', 'holds', 'the pods of a Rollout have rollouts-pod-template-hash and no pod-template-hash', async () => {
    const scene = await Scene.of(cluster, rollout(CANARY));
    await scene.phase('Healthy');
    const labels = (await scene.list('Pod')).map((pod) => stringMap(pod.metadata['labels']));
    expect(labels.map((each) => [each.has(HASH), each.has('pod-template-hash')])).toEqual([
      [true, false],
      [true, false],
    ]);
  });
});
