import { afterAll, beforeAll, describe, expect } from 'vitest';
import { asArray, dig } from '../../../src/world/read.ts';
import { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';
import { Recorder } from '../harness/recorder.ts';
import { hostCanary, rollout, service, subsetCanary, destinationRule, to, virtualService } from './manifests.ts';
import { fact, Scene, weights } from './scene.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster.stop());

const SERVICES = [service('web'), service('web-canary')];
const PAUSED_AT_20 = [{ setWeight: 20 }, { pause: {} }];
const HEADER = { name: 'beta', match: [{ headerName: 'x-beta', headerValue: { exact: 'yes' } }] };

describe('destinations that are neither stable nor canary', () => {
  fact(
    'B3',
    'holds',
    'a destination that is neither stable nor canary is removed from a driven route when its weight is not zero',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        service('other'),
        virtualService([{ route: [to('web', 90), to('web-canary', 0), to('other', 10)] }]),
        rollout(hostCanary(PAUSED_AT_20)),
      );
      await scene.phase('Healthy');
      await scene.reconciled();
      expect(weights(await scene.get('VirtualService'))).toEqual([['', ['web 100', 'web-canary 0']]]);
    },
  );

  fact('B3', 'holds', 'a destination that is neither stable nor canary stays where its weight is zero', async () => {
    const scene = await Scene.of(
      cluster,
      ...SERVICES,
      service('other'),
      virtualService([{ route: [to('other', 0), to('web', 100), to('web-canary', 0)] }]),
      rollout(hostCanary(PAUSED_AT_20)),
    );
    await scene.phase('Healthy');
    await scene.update();
    await scene.phase('Paused', 1);
    expect(weights(await scene.get('VirtualService'))).toEqual([['', ['other 0', 'web 80', 'web-canary 20']]]);
  });

  fact(
    'B3',
    'holds',
    'a destination with a weight before the other two shifts the weights onto the wrong hosts and leaves a second canary destination behind for good',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        service('other'),
        virtualService([{ route: [to('web', 100), to('web-canary', 0)] }]),
        rollout(hostCanary(PAUSED_AT_20)),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      const recorder = await Recorder.start(cluster.controlPlane.admin, scene.at('VirtualService'));
      await scene.patch('VirtualService', {
        spec: { http: [{ route: [to('other', 10), to('web', 90), to('web-canary', 0)] }] },
      });
      const isLeft = async (): Promise<boolean> =>
        weights(await scene.get('VirtualService'))[0]?.[1].join() === 'web 80,web-canary 20,web-canary 20';
      await scene.reacts('the second canary destination', isLeft);
      await scene.reconciled();
      const seen = (await recorder.stop()).map((version) => weights(version)[0]?.[1]);
      expect(seen).toContainEqual(['web 90', 'web-canary 80', 'web-canary 20']);
      expect(seen.at(-1)).toEqual(['web 80', 'web-canary 20', 'web-canary 20']);
    },
  );
});

describe('unnamed routes', () => {
  const three = [
    { name: 'primary', match: [{ uri: { prefix: '/' } }], route: [to('web', 100), to('web-canary', 0)] },
    { match: [{ uri: { prefix: '/a' } }], route: [to('web')] },
    { match: [{ uri: { prefix: '/b' } }], route: [to('web')] },
  ];
  const unnamed = (scene: Scene): Promise<number> =>
    scene.get('VirtualService').then((found) => weights(found).filter(([name]) => name === '').length);

  fact(
    'B5',
    'holds',
    'two unnamed http routes next to a driven one become 4, then 16, then 256 as a header step, a weight and the promotion are written',
    async () => {
      const steps = [
        { setCanaryScale: { replicas: 1 } },
        { setHeaderRoute: HEADER },
        { pause: {} },
        { setWeight: 20 },
        { pause: {} },
      ];
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService(three),
        rollout(
          hostCanary(
            steps,
            { virtualService: { name: 'web', routes: ['primary'] } },
            { managedRoutes: [{ name: 'beta' }] },
          ),
        ),
      );
      await scene.phase('Healthy');
      const recorder = await Recorder.start(cluster.controlPlane.admin, scene.at('VirtualService'));
      await scene.update();
      await scene.phase('Paused', 2);
      await scene.plugin('promote');
      await scene.phase('Paused', 4);
      await scene.plugin('promote');
      await scene.phase('Healthy');
      await scene.reacts('the routes of the promotion', async () => (await unnamed(scene)) === 256);
      const counts = (await recorder.stop()).map((version) => weights(version).filter(([name]) => name === '').length);
      expect([...new Set(counts)]).toEqual([2, 4, 16, 256]);
    },
  );

  fact(
    'B5',
    'holds',
    'with managedRoutes and no header or mirror step at all, every written weight squares the number of unnamed routes',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService(three),
        rollout(
          hostCanary(
            PAUSED_AT_20,
            { virtualService: { name: 'web', routes: ['primary'] } },
            { managedRoutes: [{ name: 'beta' }] },
          ),
        ),
      );
      await scene.phase('Healthy');
      expect(await unnamed(scene)).toBe(2);
      await scene.update();
      await scene.phase('Paused', 1);
      expect(await unnamed(scene)).toBe(4);
    },
  );

  fact(
    'B5',
    'holds',
    'the fourth weight so written is one too many: the API server refuses the VirtualService with its 65536 routes, and the update stands still',
    async () => {
      const steps = [{ setWeight: 10 }, { setWeight: 20 }, { setWeight: 30 }, { setWeight: 40 }, { pause: {} }];
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService(three),
        rollout(
          hostCanary(
            steps,
            { virtualService: { name: 'web', routes: ['primary'] } },
            { managedRoutes: [{ name: 'beta' }] },
          ),
        ),
      );
      await scene.phase('Healthy');
      await scene.update();
      await until('the refusal', () =>
        scene.log.some((line) => line.includes('syncHandler error') && /too large|limit is/.test(line)),
      );
      expect(await unnamed(scene)).toBe(256);
      expect(dig(await scene.get('Rollout'), 'status', 'currentStepIndex')).toBe(3);
    },
  );

  fact('B5', 'holds', 'http routes of one name multiply as unnamed ones do', async () => {
    const twice = [
      three[0] ?? {},
      { name: 'old', match: [{ uri: { prefix: '/a' } }], route: [to('web')] },
      { name: 'old', match: [{ uri: { prefix: '/b' } }], route: [to('web')] },
    ];
    const scene = await Scene.of(
      cluster,
      ...SERVICES,
      virtualService(twice),
      rollout(
        hostCanary(
          PAUSED_AT_20,
          { virtualService: { name: 'web', routes: ['primary'] } },
          { managedRoutes: [{ name: 'beta' }] },
        ),
      ),
    );
    await scene.phase('Healthy');
    await scene.update();
    await scene.phase('Paused', 1);
    expect(weights(await scene.get('VirtualService')).map(([name]) => name)).toEqual([
      'primary',
      'old',
      'old',
      'old',
      'old',
    ]);
  });

  fact('B5', 'holds', 'without managedRoutes unnamed routes stay as they are', async () => {
    const scene = await Scene.of(
      cluster,
      ...SERVICES,
      virtualService(three),
      rollout(hostCanary(PAUSED_AT_20, { virtualService: { name: 'web', routes: ['primary'] } })),
    );
    await scene.phase('Healthy');
    await scene.update();
    await scene.phase('Paused', 1);
    expect(await unnamed(scene)).toBe(2);
  });
});

describe('managed routes', () => {
  fact(
    'B1',
    'holds',
    'no route named in the Rollout, one named route in the VirtualService and a managed route in it: the weight is never written, while the status says that it is',
    async () => {
      const steps = [{ setCanaryScale: { replicas: 1 } }, { setHeaderRoute: HEADER }, { setWeight: 20 }, { pause: {} }];
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([{ name: 'primary', route: [to('web', 100), to('web-canary', 0)] }]),
        rollout(hostCanary(steps, {}, { managedRoutes: [{ name: 'beta' }] })),
      );
      await scene.phase('Healthy');
      await scene.update();
      const paused = await scene.phase('Paused', 3);
      expect(dig(paused, 'status', 'canary', 'weights', 'canary', 'weight')).toBe(20);
      await scene.reconciled();
      expect(weights(await scene.get('VirtualService'))).toEqual([
        ['beta', ['web-canary 100']],
        ['primary', ['web 100', 'web-canary 0']],
      ]);
    },
  );

  fact('B1', 'holds', 'the same with an unnamed route in the VirtualService: the weight is written', async () => {
    const steps = [{ setCanaryScale: { replicas: 1 } }, { setHeaderRoute: HEADER }, { setWeight: 20 }, { pause: {} }];
    const scene = await Scene.of(
      cluster,
      ...SERVICES,
      virtualService([{ route: [to('web', 100), to('web-canary', 0)] }]),
      rollout(hostCanary(steps, {}, { managedRoutes: [{ name: 'beta' }] })),
    );
    await scene.phase('Healthy');
    await scene.update();
    await scene.phase('Paused', 3);
    expect(weights(await scene.get('VirtualService'))).toEqual([
      ['beta', ['web-canary 100']],
      ['', ['web 80', 'web-canary 20']],
    ]);
  });

  fact(
    'B6',
    'holds',
    'a route written by hand whose name stands in managedRoutes is removed as soon as the Rollout is there',
    async () => {
      const mine = { name: 'beta', match: [{ headers: { 'x-beta': { exact: 'yes' } } }], route: [to('web')] };
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([mine, { name: 'primary', route: [to('web', 100), to('web-canary', 0)] }]),
      );
      await scene.create(
        rollout(
          hostCanary(
            PAUSED_AT_20,
            { virtualService: { name: 'web', routes: ['primary'] } },
            { managedRoutes: [{ name: 'beta' }] },
          ),
        ),
      );
      await scene.reacts('the route to go', async () => weights(await scene.get('VirtualService')).length === 1);
      expect(weights(await scene.get('VirtualService')).map(([name]) => name)).toEqual(['primary']);
    },
  );

  fact(
    'B6',
    'holds',
    'a driven route whose name stands in managedRoutes too is removed, and the Rollout is InvalidSpec from then on',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([
          { name: 'other', match: [{ uri: { prefix: '/a' } }], route: [to('web')] },
          { name: 'primary', route: [to('web', 100), to('web-canary', 0)] },
        ]),
      );
      await scene.create(
        rollout(
          hostCanary(
            PAUSED_AT_20,
            { virtualService: { name: 'web', routes: ['primary'] } },
            { managedRoutes: [{ name: 'primary' }] },
          ),
        ),
      );
      await scene.invalid('primary');
      expect(weights(await scene.get('VirtualService')).map(([name]) => name)).toEqual(['other']);
    },
  );

  fact(
    'B7',
    'holds',
    'a managed header route has the name, the header match and one destination: neither the match, the rewrite nor the timeout of the driven route',
    async () => {
      const primary = {
        match: [{ uri: { prefix: '/shop' } }],
        rewrite: { uri: '/' },
        timeout: '3s',
        route: [to('web', 100), to('web-canary', 0)],
      };
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([primary]),
        rollout(
          hostCanary(
            [{ setCanaryScale: { replicas: 1 } }, { setHeaderRoute: HEADER }, { pause: {} }],
            {},
            { managedRoutes: [{ name: 'beta' }] },
          ),
        ),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 2);
      expect(asArray(dig(await scene.get('VirtualService'), 'spec', 'http'))[0]).toEqual({
        name: 'beta',
        match: [{ headers: { 'x-beta': { exact: 'yes' } } }],
        route: [to('web-canary', 100)],
      });
    },
  );

  fact(
    'B10',
    'holds',
    'a managed header route sends to the canary at the port of the first destination of the driven route',
    async () => {
      const at = (host: string, number: number, weight: number): object => ({
        destination: { host, port: { number } },
        weight,
      });
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([{ route: [at('web', 80, 100), at('web-canary', 8080, 0)] }]),
        rollout(
          hostCanary(
            [{ setCanaryScale: { replicas: 1 } }, { setHeaderRoute: HEADER }, { pause: {} }],
            {},
            { managedRoutes: [{ name: 'beta' }] },
          ),
        ),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 2);
      expect(dig(asArray(dig(await scene.get('VirtualService'), 'spec', 'http'))[0], 'route')).toEqual([
        at('web-canary', 80, 100),
      ]);
    },
  );

  const DATABASE = { tcp: [{ match: [{ port: 5432 }], route: [{ destination: { host: 'db' } }] }] };
  for (const [how, istio] of [
    ['names none', {}],
    ['names the http route', { virtualService: { name: 'web', routes: ['primary'] } }],
  ] as const) {
    fact(
      'B11',
      'holds',
      `an unrelated tcp route next to the http route makes the Rollout InvalidSpec where it ${how}`,
      async () => {
        const http = virtualService([{ name: 'primary', route: [to('web', 100), to('web-canary', 0)] }]);
        const scene = await Scene.of(
          cluster,
          ...SERVICES,
          { ...http, spec: { ...(http['spec'] as object), ...DATABASE } },
          rollout(hostCanary(PAUSED_AT_20, istio)),
        );
        await scene.invalid("invalid TCP routes. Error: Canary Service 'web-canary' not found in route");
      },
    );
  }

  const mirror = { name: 'beta', percentage: 10, match: [{ path: { prefix: '/' } }] };
  for (const [what, step] of [
    ['header', { setHeaderRoute: HEADER }],
    ['mirror', { setMirrorRoute: mirror }],
  ] as const) {
    fact(
      'C3',
      'holds',
      `a ${what} route set while the canary has no pods is gone at once, and is not set again when the pods come`,
      async () => {
        const scene = await Scene.of(
          cluster,
          ...SERVICES,
          virtualService([{ route: [to('web', 100), to('web-canary', 0)] }]),
          rollout(
            hostCanary(
              // The first pause keeps the pods away for as long as the route is there.
              [step, { pause: {} }, { setCanaryScale: { replicas: 1 } }, { pause: {} }],
              {},
              { managedRoutes: [{ name: 'beta' }] },
            ),
          ),
        );
        await scene.phase('Healthy');
        const recorder = await Recorder.start(cluster.controlPlane.admin, scene.at('VirtualService'));
        await scene.update();
        await scene.phase('Paused', 1);
        await scene.reacts('the route to go', async () => weights(await scene.get('VirtualService')).length === 1);
        await scene.plugin('promote');
        await scene.phase('Paused', 3);
        await scene.reconciled();
        const seen = (await recorder.stop()).map((version) => weights(version).map(([name]) => name));
        expect(seen.at(0)).toEqual(['']);
        expect(seen).toContainEqual(['beta', '']);
        expect(seen.at(-1)).toEqual(['']);
      },
    );
  }
});

describe('names', () => {
  fact(
    'B12',
    'holds',
    'of a host only what stands before the first dot is compared: a destination of another namespace passes and gets the traffic',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([{ route: [to('web', 100), to('web-canary.elsewhere.svc.cluster.local', 0)] }]),
        rollout(hostCanary(PAUSED_AT_20)),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      expect(weights(await scene.get('VirtualService'))).toEqual([
        ['', ['web 80', 'web-canary.elsewhere.svc.cluster.local 20']],
      ]);
    },
  );

  fact(
    'B13',
    'holds',
    'a VirtualService whose name has a dot cannot be named: what follows the dot is taken for a namespace',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([{ route: [to('web', 100), to('web-canary', 0)] }], 'web.example.com'),
        rollout(hostCanary(PAUSED_AT_20, { virtualService: { name: 'web.example.com' } })),
      );
      await scene.invalid('"web" not found');
    },
    { before: 'virtualServiceNamespaceIsLast' },
  );

  fact(
    'B13',
    'refuted',
    'a VirtualService whose name has a dot can be named with its namespace: the last segment is the namespace',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([{ route: [to('web', 100), to('web-canary', 0)] }], 'web.example.com'),
      );
      const name = `web.example.com.${scene.namespace}.cluster.local`;
      await scene.create(rollout(hostCanary(PAUSED_AT_20, { virtualService: { name } })));
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      expect(weights(await scene.get('VirtualService', 'web.example.com'))).toEqual([
        ['', ['web 80', 'web-canary 20']],
      ]);
    },
    { since: 'virtualServiceNamespaceIsLast' },
  );

  fact(
    'B13',
    'in part',
    'without its namespace it cannot: what follows the last dot is taken for one',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        virtualService([{ route: [to('web', 100), to('web-canary', 0)] }], 'web.example.com'),
        rollout(hostCanary(PAUSED_AT_20, { virtualService: { name: 'web.example.com' } })),
      );
      await scene.invalid('"web.example" not found');
    },
    { since: 'virtualServiceNamespaceIsLast' },
  );

  fact(
    'B14',
    'holds',
    'canaryService naming the host that both subsets share gives the canary weight to both destinations',
    async () => {
      const scene = await Scene.of(
        cluster,
        ...SERVICES,
        destinationRule('stable', 'canary'),
        virtualService([{ route: [to('web', 100, 'stable'), to('web', 0, 'canary')] }]),
        rollout(subsetCanary(PAUSED_AT_20, {}, { canaryService: 'web' })),
      );
      await scene.phase('Healthy');
      await scene.update();
      await scene.phase('Paused', 1);
      expect(weights(await scene.get('VirtualService'))).toEqual([['', ['web/stable 20', 'web/canary 20']]]);
    },
  );
});
