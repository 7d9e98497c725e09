import { afterAll, beforeAll, describe, expect } from 'vitest';
import { asArray, dig, asString, stringMap, type JsonObject } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';
import { Recorder, recordedVersion } from '../harness/recorder.ts';
import {
  destinationRule,
  HASH,
  hostCanary,
  MANAGED_BY,
  rollout,
  service,
  subsetCanary,
  template,
  to,
  virtualService,
} from './manifests.ts';
import { fact, hashOf, Scene, subsetsOf, unreconciled, weights } from './scene.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster.stop());

const SERVICES = [service('web'), service('web-canary')];
const PAUSED_AT_20 = [{ setWeight: 20 }, { pause: {} }];
const VIRTUAL = virtualService([{ route: [to('web', 100), to('web-canary', 0)] }]);

/**
 * Waits until the controller has handled an event of a Service that is newer than all events so far. The Rollout of the
 * scene uses the Services `web` and `web-canary`.
 */
async function laterServiceEvent(scene: Scene): Promise<void> {
  await scene.create({
    ...service('later'),
    metadata: { name: 'later', annotations: { [MANAGED_BY]: 'gone' } },
    spec: { selector: { app: 'web', [HASH]: 'x' }, ports: [{ port: 80 }] },
  });
  await until(
    'the hash that nobody owns to be removed',
    async () => hashOf(await scene.get('Service', 'later')) === undefined,
  );
}

/** Waits until the Rollout is Healthy and its stable Service selects its pods. */
async function hashWritten(scene: Scene): Promise<void> {
  const stable = asString(dig(await scene.phase('Healthy'), 'status', 'stableRS'));
  await scene.reacts('the hash', async () => hashOf(await scene.get('Service')) === stable);
}

const REFUSED = '`selector` does not match template `labels`';
const refusals = (scene: Scene): number => scene.log.filter((line) => line.includes(REFUSED)).length;
const isRefused = (scene: Scene): Promise<unknown> => scene.reacts('three refusals', () => refusals(scene) > 2);

describe('the hash in a selector', () => {
  fact(
    'A1',
    'holds',
    'server-side apply of a Service drops the hash, for the selector is one atomic map, and nobody puts it back until the Rollout is reconciled for another reason',
    async () => {
      const manifestIn = ({ namespace }: Scene, name = 'web'): KubeObject => ({
        ...service(name),
        metadata: { name, namespace },
      });
      const prepare = async (): Promise<Scene> => {
        const made = await Scene.of(cluster, VIRTUAL, rollout(hostCanary(PAUSED_AT_20)));
        await cluster.argoCd.apply([manifestIn(made), manifestIn(made, 'web-canary')], 'server-side apply');
        await hashWritten(made);
        return made;
      };
      const scene = await unreconciled(prepare, async (made) => {
        const manifest = manifestIn(made);
        const labels = { team: 'shop' };
        await cluster.argoCd.apply([{ ...manifest, metadata: { ...manifest.metadata, labels } }], 'server-side apply');
        expect(hashOf(await made.get('Service'))).toBeUndefined();
        await laterServiceEvent(made);
        expect(hashOf(await made.get('Service'))).toBeUndefined();
      });
      await scene.reconciled();
      expect(hashOf(await scene.get('Service'))).toBe(dig(await scene.get('Rollout'), 'status', 'stableRS'));
    },
  );

  fact('A1', 'holds', 'client-side apply leaves the hash where it is', async () => {
    const scene = await Scene.of(cluster, VIRTUAL, rollout(hostCanary(PAUSED_AT_20)));
    const manifest = { ...service('web'), metadata: { name: 'web', namespace: scene.namespace } };
    await cluster.argoCd.apply([
      manifest,
      { ...service('web-canary'), metadata: { name: 'web-canary', namespace: scene.namespace } },
    ]);
    const stable = asString(dig(await scene.phase('Healthy'), 'status', 'stableRS'));
    await scene.reacts('the hash', async () => hashOf(await scene.get('Service')) === stable);
    await cluster.argoCd.apply([{ ...manifest, metadata: { ...manifest.metadata, labels: { team: 'shop' } } }]);
    expect(hashOf(await scene.get('Service'))).toBe(stable);
  });

  fact(
    'A1',
    'holds',
    'a Service deleted and created again has no hash until the Rollout is reconciled for another reason',
    async () => {
      const prepare = async (): Promise<Scene> => {
        const made = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(hostCanary(PAUSED_AT_20)));
        await hashWritten(made);
        await made.reconciled();
        return made;
      };
      const scene = await unreconciled(prepare, async (made) => {
        await cluster.admin.run(['delete', 'service', 'web', '-n', made.namespace]);
        await made.create(service('web'));
        await laterServiceEvent(made);
        expect(hashOf(await made.get('Service'))).toBeUndefined();
      });
      await scene.reconciled();
      expect(hashOf(await scene.get('Service'))).toBe(dig(await scene.get('Rollout'), 'status', 'stableRS'));
    },
  );

  fact('A1', 'holds', 'the controller corrects a wrong hash at once: only a missing one goes unnoticed', async () => {
    const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(hostCanary(PAUSED_AT_20)));
    const stable = asString(dig(await scene.phase('Healthy'), 'status', 'stableRS'));
    await scene.reacts('the hash', async () => hashOf(await scene.get('Service')) === stable);
    await scene.patch('Service', { spec: { selector: { [HASH]: 'wrong' } } });
    await until('the hash again', async () => hashOf(await scene.get('Service')) === stable);
  });

  fact(
    'A1',
    'holds',
    'server-side apply of the active Service of a blue-green Rollout in the middle of an update: it selects the old and the new pods at once, and the next reconciliation promotes the new version, though nobody has promoted it',
    async () => {
      const strategy = {
        blueGreen: { activeService: 'web', previewService: 'web-canary', autoPromotionEnabled: false },
      };
      const scene = await Scene.of(cluster, rollout(strategy));
      const manifest = { ...service('web'), metadata: { name: 'web', namespace: scene.namespace } };
      await cluster.argoCd.apply(
        [manifest, { ...service('web-canary'), metadata: { name: 'web-canary', namespace: scene.namespace } }],
        'server-side apply',
      );
      const stable = asString(dig(await scene.phase('Healthy'), 'status', 'stableRS'));
      await scene.update();
      await scene.phase('Paused');
      const recorder = await Recorder.start(cluster.controlPlane.admin, scene.at('Service'));
      await cluster.argoCd.apply([manifest], 'server-side apply');
      await scene.reconciled();
      await scene.reconciled();
      const { status } = await scene.phase('Healthy');
      const current = asString(dig(status, 'currentPodHash'));
      expect(dig(status, 'stableRS')).toBe(current);
      // Late events of pods make the controller reconcile at any time, so only the order of what was stored is certain.
      const hashes = (await recorder.stop()).map(hashOf);
      const changes = hashes.filter((hash, index) => index === 0 || hash !== hashes[index - 1]);
      expect(changes).toEqual([stable, undefined, current]);
    },
  );
});

describe('one Service of two Rollouts', () => {
  fact('D3', 'holds', 'a Rollout that names a Service which another one drives is InvalidSpec', async () => {
    const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(hostCanary(PAUSED_AT_20)));
    await scene.phase('Healthy');
    await scene.create(service('web-other'), {
      ...rollout({ canary: { stableService: 'web', canaryService: 'web-other', steps: PAUSED_AT_20 } }),
      metadata: { name: 'other' },
    });
    await scene.invalid('managed by another Rollout', 'other');
  });
});

describe('ping and pong', () => {
  const pingPong = { pingService: 'web', pongService: 'web-canary' };
  const routing = { trafficRouting: { istio: { virtualService: { name: 'web' } } }, steps: PAUSED_AT_20 };

  fact(
    'D5',
    'refuted',
    'a Rollout that begins with ping and pong: ping gets the hash of the first version and is stable from then on, pong gets that of the second',
    async () => {
      const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout({ canary: { ...routing, pingPong } }));
      await scene.phase('Healthy');
      await scene.update();
      const { status } = await scene.phase('Paused', 1);
      await scene.reconciled();
      expect(dig(status, 'canary', 'stablePingPong')).toBe('ping');
      expect([hashOf(await scene.get('Service')), hashOf(await scene.get('Service', 'web-canary'))]).toEqual([
        dig(status, 'stableRS'),
        dig(status, 'currentPodHash'),
      ]);
    },
  );

  fact(
    'D5',
    'holds',
    'a Rollout that gets ping and pong later: pong counts as stable and has no hash, so that it sends to the canary pods too',
    async () => {
      const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout({ canary: { steps: PAUSED_AT_20 } }));
      await scene.phase('Healthy');
      await scene.patch('Rollout', { spec: { strategy: { canary: { ...routing, pingPong } } } });
      await scene.phase('Healthy');
      await scene.update();
      const { status } = await scene.phase('Paused', 1);
      await scene.reconciled();
      expect([hashOf(await scene.get('Service')), hashOf(await scene.get('Service', 'web-canary'))]).toEqual([
        dig(status, 'currentPodHash'),
        undefined,
      ]);
      expect(weights(await scene.get('VirtualService'))).toEqual([['', ['web 20', 'web-canary 80']]]);
    },
  );
});

describe('ephemeral metadata', () => {
  const podLabels = async (scene: Scene, hash: string): Promise<(string | undefined)[]> => {
    const labels = (await scene.list('Pod')).map((pod) => stringMap(pod.metadata['labels']));
    return labels.filter((each) => each.get(HASH) === hash).map((each) => each.get('role'));
  };

  fact(
    'H4',
    'holds',
    'a label of the pod template that canaryMetadata names and stableMetadata does not is gone from the pods after the promotion',
    async () => {
      const strategy = hostCanary(
        [{ setWeight: 50 }, { pause: {} }],
        {},
        {},
        { canaryMetadata: { labels: { role: 'canary' } } },
      );
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        VIRTUAL,
        rollout(strategy, { template: template({ labels: { role: 'web' } }) }),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      await scene.plugin('promote');
      const current = asString(dig(await scene.phase('Healthy'), 'status', 'currentPodHash'));
      const labels = await scene.reacts('the labels to settle', async () => {
        const found = await podLabels(scene, current);
        return found.length === 2 && !found.includes('canary') ? found : undefined;
      });
      expect(labels).toEqual([undefined, undefined]);
    },
  );

  fact(
    'H5',
    'holds',
    'a label in canaryMetadata that is in the selector with another value stops the update: the ReplicaSet cannot be created, and the phase stays Healthy',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        VIRTUAL,
        rollout(
          hostCanary([{ setWeight: 50 }, { pause: {} }], {}, {}, { canaryMetadata: { labels: { app: 'other' } } }),
        ),
      );
      await scene.phase('Healthy');
      await scene.update();
      await isRefused(scene);
      expect(dig(await scene.get('Rollout'), 'status', 'phase')).toBe('Healthy');
      expect(await scene.list('ReplicaSet')).toHaveLength(1);
    },
  );

  const PAUSED: JsonObject[] = [{ setWeight: 50 }, { pause: {} }];

  fact('H5', 'in part', 'the same in stableMetadata: not even the first ReplicaSet can be created', async () => {
    const scene = await Scene.of(cluster, rollout({ canary: { stableMetadata: { labels: { app: 'other' } } } }));
    await isRefused(scene);
    expect(await scene.list('ReplicaSet')).toEqual([]);
  });

  fact('H5', 'in part', 'the same in previewMetadata stops a blue-green update', async () => {
    const scene = await Scene.of(
      cluster,
      service('web'),
      rollout({ blueGreen: { activeService: 'web', previewMetadata: { labels: { app: 'other' } } } }),
    );
    await scene.phase('Healthy');
    await scene.update();
    await isRefused(scene);
    expect(await scene.list('ReplicaSet')).toHaveLength(1);
  });

  fact(
    'H5',
    'in part',
    'a label of the selector with its own value in canaryMetadata, next to another label: the promotion takes it from the ReplicaSet, which is refused, and the Rollout stands still',
    async () => {
      const scene = await Scene.of(
        cluster,
        rollout({ canary: { steps: PAUSED, canaryMetadata: { labels: { app: 'web', role: 'canary' } } } }),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      await scene.plugin('promote');
      await isRefused(scene);
      expect(dig(await scene.get('Rollout'), 'status', 'phase')).not.toBe('Healthy');
    },
  );

  fact(
    'H5',
    'in part',
    'the same in canaryMetadata and in stableMetadata: once the next version is promoted, it cannot be taken from the ReplicaSet before',
    async () => {
      const scene = await Scene.of(
        cluster,
        rollout({
          canary: {
            steps: PAUSED,
            canaryMetadata: { labels: { app: 'web', role: 'canary' } },
            stableMetadata: { labels: { app: 'web', role: 'stable' } },
          },
        }),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      await scene.plugin('promote');
      await isRefused(scene);
      expect(dig(await scene.get('Rollout'), 'status', 'phase')).toBe('Progressing');
    },
  );

  fact(
    'H5',
    'in part',
    'a label of the selector with its own value in canaryMetadata and nothing that differs from the template: nothing is written, and nothing taken',
    async () => {
      const scene = await Scene.of(
        cluster,
        rollout({ canary: { steps: PAUSED, canaryMetadata: { labels: { app: 'web' } } } }),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      await scene.plugin('promote');
      await scene.phase('Healthy');
      expect(refusals(scene)).toBe(0);
    },
  );
});

describe('the order of writes', () => {
  fact(
    'status weights',
    'holds',
    'the VirtualService is written before status.canary.weights says so, and Services and subsets before either',
    async () => {
      const scene = await Scene.of(
        cluster,
        service('web'),
        virtualService([{ route: [to('web', 100, 'stable'), to('web', 0, 'canary')] }]),
        destinationRule('stable', 'canary'),
        rollout(subsetCanary(PAUSED_AT_20)),
      );
      await scene.phase('Healthy');
      const [rolloutVersions, virtual, rule] = await Promise.all(
        (['Rollout', 'VirtualService', 'DestinationRule'] as const).map((kind) =>
          Recorder.start(cluster.controlPlane.admin, scene.at(kind)),
        ),
      );
      await scene.update();
      const paused = await scene.phase('Paused', 1);
      await scene.reconciled();
      const current = asString(dig(paused, 'status', 'currentPodHash'));
      const first = async (recorder: Recorder | undefined, when: (object: object) => boolean): Promise<bigint> =>
        recordedVersion((await recorder?.stop())?.find(when));
      const hash = await first(rule, (version) => subsetsOf(version as never)['canary'] === current);
      const weight = await first(virtual, (version) =>
        (weights(version as never)[0]?.[1] ?? []).includes('web/canary 20'),
      );
      const status = await first(
        rolloutVersions,
        (version) => dig(version, 'status', 'canary', 'weights', 'canary', 'weight') === 20,
      );
      expect(hash < weight && weight < status).toBe(true);
    },
  );

  fact(
    'status weights',
    'holds',
    'currentPodHash names the new pods before the canary subset or the canary Service selects them',
    async () => {
      const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(hostCanary(PAUSED_AT_20)));
      const stable = asString(dig(await scene.phase('Healthy'), 'status', 'stableRS'));
      const [rolloutVersions, canary] = await Promise.all([
        Recorder.start(cluster.controlPlane.admin, scene.at('Rollout')),
        Recorder.start(cluster.controlPlane.admin, scene.at('Service', 'web-canary')),
      ]);
      await scene.update();
      const current = asString(dig(await scene.phase('Paused', 1), 'status', 'currentPodHash'));
      const [ofRollout, ofService] = await Promise.all([rolloutVersions.stop(), canary.stop()]);
      const known = recordedVersion(ofRollout.find((found) => dig(found, 'status', 'currentPodHash') === current));
      const selected = recordedVersion(ofService.find((found) => hashOf(found) === current));
      expect(current).not.toBe(stable);
      expect(known < selected).toBe(true);
      expect(asArray(dig(await scene.get('VirtualService'), 'spec', 'http'))).toHaveLength(1);
    },
  );
});
