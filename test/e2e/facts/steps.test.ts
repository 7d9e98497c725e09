import { afterAll, beforeAll, describe, expect } from 'vitest';
import { dig } from '../../../src/world/read.ts';
import { Cluster } from '../harness/cluster.ts';
import { hostCanary, rollout, service, to, virtualService } from './manifests.ts';
import { fact, Scene, weights } from './scene.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster.stop());

const SERVICES = [service('web'), service('web-canary')];
const VIRTUAL = virtualService([{ route: [to('web', 100), to('web-canary', 0)] }]);
const HEADER = { name: 'beta', match: [{ headerName: 'x-beta', headerValue: { exact: 'yes' } }] };
const MANAGED = { managedRoutes: [{ name: 'beta' }] };

describe('durations', () => {
  fact(
    'F10',
    'holds',
    'a pause of "1d" is InvalidSpec, and what is said is that -1 is not greater than 0',
    async () => {
      const scene = await Scene.of(
        cluster,
        rollout({ canary: { steps: [{ setWeight: 50 }, { pause: { duration: '1d' } }] } }),
      );
      await scene.invalid(/steps\[1\]\.pause\.duration: Invalid value: -1: .*greater than 0/);
    },
  );

  fact('F10', 'holds', 'a pause of "24h", and one of a bare number in quotes, are accepted', async () => {
    const scene = await Scene.of(
      cluster,
      rollout({
        canary: { steps: [{ setWeight: 50 }, { pause: { duration: '24h' } }, { pause: { duration: '30' } }] },
      }),
    );
    await scene.phase('Healthy');
  });
});

describe('two keys in one step', () => {
  fact('F11', 'holds', 'setWeight with pause in one step is InvalidSpec', async () => {
    const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(hostCanary([{ setWeight: 20, pause: {} }])));
    await scene.invalid('steps[0]');
  });

  fact(
    'F11',
    'holds',
    'setWeight with setCanaryScale in one step is accepted; pods and weight are both set',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        VIRTUAL,
        rollout(hostCanary([{ setWeight: 20, setCanaryScale: { replicas: 2 } }, { pause: {} }])),
      );
      await scene.phase('Healthy');
      await scene.update();
      const { status } = await scene.phase('Paused', 1);
      expect(dig(status, 'updatedReplicas')).toBe(2);
      expect(weights(await scene.get('VirtualService'))).toEqual([['', ['web 80', 'web-canary 20']]]);
    },
  );

  fact('F11', 'holds', 'setHeaderRoute with pause in one step is accepted, and waits as a pause does', async () => {
    const scene = await Scene.of(
      cluster,
      ...SERVICES,
      VIRTUAL,
      rollout(hostCanary([{ setWeight: 20 }, { setHeaderRoute: HEADER, pause: {} }], {}, MANAGED)),
    );
    await scene.phase('Healthy');
    await scene.update();
    await scene.phase('Paused', 1);
    await scene.reacts('the header route', async () => weights(await scene.get('VirtualService'))[0]?.[0] === 'beta');
  });
});

describe('steps', () => {
  fact('F4', 'holds', 'with setCanaryScale steps alone no traffic moves before the last step is done', async () => {
    const scene = await Scene.of(
      cluster,
      ...SERVICES,
      VIRTUAL,
      rollout(hostCanary([{ setCanaryScale: { weight: 50 } }, { pause: {} }])),
    );
    await scene.phase('Healthy');
    await scene.update();
    await scene.phase('Paused', 1);
    await scene.reconciled();
    expect(weights(await scene.get('VirtualService'))).toEqual([['', ['web 100', 'web-canary 0']]]);
  });

  fact(
    'F3',
    'holds',
    'matchTrafficWeight while the weight is 0 takes the canary to 0 pods, and its header route with them',
    async () => {
      const steps = [
        { setCanaryScale: { replicas: 1 } },
        { setHeaderRoute: HEADER },
        { pause: {} },
        { setCanaryScale: { matchTrafficWeight: true } },
        { pause: {} },
      ];
      const scene = await Scene.of(cluster, ...SERVICES, VIRTUAL, rollout(hostCanary(steps, {}, MANAGED)));
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 2);
      expect(weights(await scene.get('VirtualService'))[0]?.[0]).toBe('beta');
      await scene.plugin('promote');
      await scene.phase('Paused', 4);
      await scene.reacts('the route to go', async () => weights(await scene.get('VirtualService')).length === 1);
      // The controller writes the status last.
      await scene.reacts(
        'the pods to go',
        async () => (dig(await scene.get('Rollout'), 'status', 'updatedReplicas') ?? 0) === 0,
      );
    },
  );
});

describe('the Service of an experiment', () => {
  fact(
    'experiment Service',
    'holds',
    'an experiment that creates a Service which exists already, or is the canary Service, fails, and the update is aborted',
    async () => {
      for (const name of ['taken', 'web-canary']) {
        const templates = [{ name: 'trial', specRef: 'canary', service: { name } }];
        const steps = [{ experiment: { duration: '1h', templates } }, { pause: {} }];
        const scene = await Scene.of(cluster, ...SERVICES, service('taken'), VIRTUAL, rollout(hostCanary(steps)));
        await scene.phase('Healthy');
        await scene.update();
        expect(dig(await scene.phase('Degraded'), 'status', 'abort'), name).toBe(true);
      }
    },
  );
});
