import { afterAll, beforeAll, describe, expect } from 'vitest';
import { dig, asString, stringMap } from '../../../src/world/read.ts';
import { Cluster } from '../harness/cluster.ts';
import { READY_AFTER } from '../harness/kubelet.ts';
import { until } from '../harness/program.ts';
import { Recorder, recordedVersion } from '../harness/recorder.ts';
import { destinationRule, HASH, MANAGED_BY, rollout, service, subsetCanary, to, virtualService } from './manifests.ts';
import { fact, Scene, subsetsOf, unreconciled, weights } from './scene.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster.stop());

const ROUTE = { route: [to('web', 100, 'stable'), to('web', 0, 'canary')] };
const BASE = [service('web'), virtualService([ROUTE])];
const PAUSED_AT_20 = [{ setWeight: 20 }, { pause: {} }];

/**
 * Creates a second DestinationRule, annotated for a Rollout that does not exist, and waits until the controller has
 * cleaned it: the same queue has then handled the events of the first one.
 */
async function laterDestinationRuleEvent(scene: Scene): Promise<void> {
  await scene.create({
    ...destinationRule({ name: 'a', labels: { [HASH]: 'x' } }),
    metadata: { name: 'later', annotations: { [MANAGED_BY]: 'gone' } },
  });
  await until(
    'the later one to be cleaned',
    async () =>
      stringMap(dig(await scene.get('DestinationRule', 'later'), 'metadata', 'annotations')).get(MANAGED_BY) ===
      undefined,
  );
}

describe('subsets that the Rollout does not name', () => {
  fact(
    'B4',
    'holds',
    'a subset of the DestinationRule that is neither stable nor canary is deleted as soon as the Rollout is there',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...BASE,
        destinationRule('stable', 'canary', 'legacy'),
        rollout(subsetCanary(PAUSED_AT_20)),
      );
      await scene.phase('Healthy');
      expect(Object.keys(subsetsOf(await scene.get('DestinationRule')))).toEqual(['stable', 'canary']);
    },
  );

  fact(
    'B4',
    'holds',
    'a subset named in additionalSubsetNames is deleted just as well, while its route keeps its weight',
    async () => {
      const route = { route: [to('web', 90, 'stable'), to('web', 0, 'canary'), to('web', 10, 'legacy')] };
      const scene = await Scene.of(
        cluster,
        service('web'),
        virtualService([route]),
        destinationRule('stable', 'canary', 'legacy'),
        rollout(subsetCanary(PAUSED_AT_20, { additionalSubsetNames: ['legacy'] })),
      );
      await scene.phase('Healthy');
      expect(Object.keys(subsetsOf(await scene.get('DestinationRule')))).toEqual(['stable', 'canary']);
      expect(dig(await scene.get('VirtualService'), 'spec', 'http')).toEqual([route]);
    },
  );

  fact(
    'B4',
    'holds',
    'a subset that is misspelt is deleted without an error, and the update runs to its end with weight on a subset that is not there',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...BASE,
        destinationRule('stable', 'canry'),
        rollout(subsetCanary(PAUSED_AT_20)),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      expect(Object.keys(subsetsOf(await scene.get('DestinationRule')))).toEqual(['stable']);
      expect(dig(await scene.get('VirtualService'), 'spec', 'http')).toEqual([
        { route: [to('web', 80, 'stable'), to('web', 20, 'canary')] },
      ]);
    },
  );

  fact('B4', 'holds', 'a subset added in the middle of an update is deleted by the next reconciliation', async () => {
    const scene = await Scene.of(
      cluster,
      ...BASE,
      destinationRule('stable', 'canary'),
      rollout(subsetCanary(PAUSED_AT_20)),
    );
    await scene.phase('Healthy');
    await scene.update();
    await scene.phase('Paused', 1);
    const { spec } = await scene.get('DestinationRule');
    await scene.patch('DestinationRule', {
      spec: { subsets: [...(spec as { subsets: object[] }).subsets, { name: 'legacy', labels: { app: 'web' } }] },
    });
    await until('the subset to go', async () => !('legacy' in subsetsOf(await scene.get('DestinationRule'))));
  });

  fact(
    'B4',
    'holds',
    'fields of a named subset other than labels, such as a trafficPolicy, stay as they are',
    async () => {
      const subset = {
        name: 'canary',
        labels: { app: 'web' },
        trafficPolicy: { connectionPool: { http: { http1MaxPendingRequests: 7 } } },
      };
      const scene = await Scene.of(
        cluster,
        ...BASE,
        destinationRule('stable', subset),
        rollout(subsetCanary(PAUSED_AT_20)),
      );
      const healthy = await scene.phase('Healthy');
      expect(dig(await scene.get('DestinationRule'), 'spec', 'subsets')).toContainEqual({
        ...subset,
        labels: { app: 'web', [HASH]: dig(healthy, 'status', 'stableRS') },
      });
    },
  );
});

describe('the managed-by annotation', () => {
  fact(
    'A7',
    'holds',
    'a DestinationRule created after its Rollout gets no hashes, and the Rollout does not get Healthy, until it is reconciled for another reason: that it was not found is not tried again',
    async () => {
      const prepare = async (): Promise<Scene> => {
        const made = await Scene.of(cluster, ...BASE, rollout(subsetCanary(PAUSED_AT_20)));
        await until('the controller to miss it', () =>
          made.log.some((line) => line.includes('syncHandler error: destinationrules')),
        );
        await until('the pods to be counted', async () =>
          (await made.list('ReplicaSet')).some((set) => dig(set, 'status', 'availableReplicas') === 2),
        );
        await made.reconciled();
        return made;
      };
      const scene = await unreconciled(prepare, async (made) => {
        await made.create(destinationRule('stable', 'canary'));
        await laterDestinationRuleEvent(made);
        expect(subsetsOf(await made.get('DestinationRule'))).toEqual({ stable: undefined, canary: undefined });
        expect(dig(await made.get('Rollout'), 'status', 'phase')).not.toBe('Healthy');
      });
      await scene.nudge();
      const stable = asString(dig(await scene.phase('Healthy'), 'status', 'stableRS'));
      await scene.reacts('the hashes', async () => subsetsOf(await scene.get('DestinationRule'))['stable'] === stable);
    },
  );

  fact(
    'A7',
    'holds',
    'a DestinationRule written again without hashes and annotation stays so, whatever comes after, until the Rollout is reconciled for another reason',
    async () => {
      const prepare = async (): Promise<Scene> => {
        const made = await Scene.of(
          cluster,
          ...BASE,
          destinationRule('stable', 'canary'),
          rollout(subsetCanary(PAUSED_AT_20)),
        );
        await made.phase('Healthy');
        await made.reconciled();
        return made;
      };
      const scene = await unreconciled(prepare, async (made) => {
        await made.cluster.argoCd.apply(
          [{ ...destinationRule('stable', 'canary'), metadata: { name: 'web', namespace: made.namespace } }],
          'replace',
        );
        await laterDestinationRuleEvent(made);
        expect(subsetsOf(await made.get('DestinationRule'))).toEqual({ stable: undefined, canary: undefined });
      });
      const stable = asString(dig(await scene.get('Rollout'), 'status', 'stableRS'));
      await scene.reconciled();
      expect(subsetsOf(await scene.get('DestinationRule'))).toEqual({ stable, canary: stable });
    },
  );

  fact('A7', 'holds', 'a DestinationRule that keeps the annotation is healed at once', async () => {
    const scene = await Scene.of(
      cluster,
      ...BASE,
      destinationRule('stable', 'canary'),
      rollout(subsetCanary(PAUSED_AT_20)),
    );
    const stable = asString(dig(await scene.phase('Healthy'), 'status', 'stableRS'));
    await scene.patch('DestinationRule', {
      spec: {
        subsets: [
          { name: 'stable', labels: { app: 'web' } },
          { name: 'canary', labels: { app: 'web' } },
        ],
      },
    });
    await until('the hashes', async () => subsetsOf(await scene.get('DestinationRule'))['stable'] === stable);
  });
});

describe('pods that are not ready', () => {
  /**
   * Returns a scene whose new version has a pod that never becomes ready, after two reconciliations, and the hash of that
   * version.
   *
   * @param canary - Further fields of the canary strategy.
   */
  const neverReady = async (canary: object): Promise<{ readonly scene: Scene; readonly hash: string }> => {
    const scene = await Scene.of(
      cluster,
      ...BASE,
      service('web-canary'),
      destinationRule('stable', 'canary'),
      rollout(subsetCanary([{ setCanaryScale: { replicas: 1 } }, { setWeight: 20 }, { pause: {} }], {}, { ...canary })),
    );
    await scene.phase('Healthy');
    await scene.update({ [READY_AFTER]: 'never' });
    const scaled = await scene.reacts('the canary to be scaled up', async () =>
      (await scene.list('ReplicaSet')).find((set) => dig(set, 'status', 'replicas') === 1),
    );
    await scene.reconciled();
    await scene.reconciled();
    return { scene, hash: stringMap(scaled.metadata['labels']).get(HASH) ?? '' };
  };
  const delays = (scene: Scene): boolean => scene.log.some((line) => line.includes('delaying destination rule switch'));

  fact(
    'B2',
    'in part',
    'with destinationRule alone the canary subset is switched before the new ReplicaSet has pods; while they are not ready the controller then does nothing at all, not even write the status',
    async () => {
      const { scene, hash } = await neverReady({});
      expect(subsetsOf(await scene.get('DestinationRule'))['canary']).toBe(hash);
      await scene.reacts('the delay', () => delays(scene));
      await scene.reconciled();
      expect(dig(await scene.get('Rollout'), 'status', 'updatedReplicas')).toBeUndefined();
    },
  );

  fact('B2', 'holds', 'with canaryService next to destinationRule there is no such delay', async () => {
    const { scene, hash } = await neverReady({ canaryService: 'web-canary' });
    expect(subsetsOf(await scene.get('DestinationRule'))['canary']).toBe(hash);
    await scene.reacts(
      'the pod to be counted',
      async () => dig(await scene.get('Rollout'), 'status', 'updatedReplicas') === 1,
    );
    expect(delays(scene)).toBe(false);
  });

  for (const [how, canary] of [
    ['destinationRule alone', {}],
    ['canaryService next to destinationRule', { canaryService: 'web-canary' }],
  ] as const) {
    fact(
      'B2',
      'refuted',
      `a new version over a running canary, with ${how}: the weight goes to 0 before the canary subset is switched`,
      async () => {
        const scene = await Scene.of(
          cluster,
          ...BASE,
          service('web-canary'),
          destinationRule('stable', 'canary'),
          rollout(subsetCanary(PAUSED_AT_20, {}, canary)),
        );
        await scene.phase('Healthy');
        await scene.update();
        const before = asString(dig(await scene.phase('Paused', 1), 'status', 'currentPodHash'));
        const [virtual, rule] = await Promise.all(
          (['VirtualService', 'DestinationRule'] as const).map((kind) =>
            Recorder.start(cluster.controlPlane.admin, scene.at(kind)),
          ),
        );
        await scene.update({ [READY_AFTER]: '1000' });
        await scene.reacts(
          'the third version',
          async () => dig(await scene.get('Rollout'), 'status', 'currentPodHash') !== before,
        );
        await scene.phase('Paused', 1);
        const switched = recordedVersion(
          (await rule?.stop())?.find((found) => ![before, undefined].includes(subsetsOf(found)['canary'])),
        );
        const zero = recordedVersion(
          (await virtual?.stop())?.find((found) => weights(found)[0]?.[1].includes('web/canary 0') === true),
        );
        expect(zero < switched).toBe(true);
      },
    );
  }
});
