import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig, asString } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment, service } from './harness/conversion.ts';
import { until } from './harness/program.ts';
import type { Rollgate } from './harness/rollgate.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.stop());

// A webhook without a backend, which rejects everything.
function refusing(
  scene: ConversionScene,
  group: string,
  resource: string,
  { url, timeoutSeconds } = { url: 'https://127.0.0.1:9/refuse', timeoutSeconds: 1 },
): KubeObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: `refuse-${resource}-${scene.namespace}` },
    webhooks: [
      {
        name: 'refuse.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds,
        clientConfig: { url },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': scene.namespace } },
        rules: [{ apiGroups: [group], apiVersions: ['*'], operations: ['CREATE'], resources: [resource] }],
      },
    ],
  };
}

/** Creates a webhook that rejects everything, and waits until the API server calls it. */
async function refuse(scene: ConversionScene, group: string, resource: string, probe: KubeObject): Promise<KubeObject> {
  const webhook = refusing(scene, group, resource);
  const { admin } = cluster.controlPlane;
  await admin.create(webhook);
  await until('the webhook', async () =>
    asString(dig((await admin.propose(probe)).body, 'message')).includes('refuse.example.com'),
  );
  return webhook;
}

/** Returns a Rollout without pods. */
function rollout({ namespace }: ConversionScene): KubeObject {
  const labels = { app: 'probe' };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'probe', namespace },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
      strategy: { canary: {} },
    },
  };
}

async function told(scene: ConversionScene, reason: string): Promise<string> {
  const event = await scene.until(`the event ${reason}`, async () =>
    (await cluster.controlPlane.admin.list('v1', 'Event', scene.namespace)).find(
      (candidate) => candidate['reason'] === reason,
    ),
  );
  return asString(event['message']);
}

async function converted(scene: ConversionScene, name: string, replicas: number): Promise<void> {
  await scene.healthy(name, replicas);
  await scene.until(
    'the Rollout recorded',
    async () =>
      (await scene.annotations(name))['rollgate.io/rollout-uid'] === (await scene.rollout(name))?.metadata['uid'],
    90_000,
  );
  await scene.until('the Deployment at 0', async () => dig(await scene.deployment(name), 'spec', 'replicas') === 0);
}

describe('Rollgate killed', () => {
  it('between admission and the creation of the Rollout: after a restart it creates the Rollout', async () => {
    const scene = await ConversionScene.open(cluster);
    const webhook = await refuse(scene, 'argoproj.io', 'rollouts', rollout(scene));
    await scene.developer.apply([deployment(scene.namespace, 'web', { replicas: 3, convert: 'canary' })]);
    expect(await told(scene, 'RolloutRefused')).toContain('refuse.example.com');
    await cluster.rollgate.program.stop('SIGKILL');
    await cluster.admin.run(['delete', 'validatingwebhookconfiguration', webhook.metadata.name]);
    expect(await scene.rollout('web')).toBeUndefined();
    await cluster.rollgate.start();
    await converted(scene, 'web', 3);
  });

  it('between the creation of the Rollout and its record: after a restart it records the Rollout', async () => {
    const scene = await ConversionScene.open(cluster);
    await scene.developer.apply([deployment(scene.namespace, 'web', { replicas: 2, convert: 'canary' })]);
    await converted(scene, 'web', 2);
    const uid = (await scene.rollout('web'))?.metadata['uid'];
    await cluster.rollgate.program.stop('SIGKILL');
    await cluster.admin.run(['annotate', 'deployment', 'web', 'rollgate.io/rollout-uid-', '-n', scene.namespace]);
    expect((await scene.annotations('web'))['rollgate.io/rollout-uid']).toBeUndefined();
    await cluster.rollgate.start();
    await converted(scene, 'web', 2);
    expect((await scene.rollout('web'))?.metadata['uid']).toBe(uid);
  });

  it('in each step of the way back: after a restart it finishes, and the endpoints were there all the time', async () => {
    const scene = await ConversionScene.open(cluster);
    await scene.running('web', 4, { readyAfter: 500 });
    const watch = await scene.endpoints('web');
    await scene.developer.run([
      'annotate',
      'deployment',
      'web',
      'rollgate.io/convert=blue-green',
      '-n',
      scene.namespace,
    ]);
    await converted(scene, 'web', 4);
    await scene.developer.run([
      'annotate',
      '--overwrite',
      'deployment',
      'web',
      'rollgate.io/convert=off',
      '-n',
      scene.namespace,
    ]);
    const spec = async (): Promise<unknown> => dig(await scene.rollout('web'), 'spec');
    const steps: readonly (readonly [string, () => Promise<boolean>])[] = [
      [
        'the Rollout leaves the Deployment alone',
        async () => dig(await spec(), 'workloadRef', 'scaleDown') === 'never',
      ],
      ['the Deployment is scaled up', async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 4],
      ['the Rollout has let go', async () => dig(await spec(), 'strategy', 'blueGreen') === undefined],
      [
        'the Rollout is deleted',
        async () => {
          const rollout = await scene.rollout('web');
          return rollout === undefined || rollout.metadata['deletionTimestamp'] !== undefined;
        },
      ],
    ];
    for (const [what, reached] of steps) {
      await until(what, reached, { every: 5 });
      await cluster.rollgate.program.stop('SIGKILL');
      await cluster.rollgate.start();
    }
    await scene.until('the Rollout gone', async () => (await scene.rollout('web')) === undefined);
    await scene.until(
      'the marks gone',
      async () => (await scene.annotations('web'))['rollgate.io/replicas'] === undefined,
    );
    await scene.until('only the pods of the Deployment', async () => (await scene.pods('web')).length === 4);
    await sleep(500);
    expect(
      dig(await cluster.controlPlane.admin.get('v1', 'Service', scene.namespace, 'web'), 'spec', 'selector'),
    ).toEqual({ app: 'web' });
    console.log(`killed in four steps of the way back: ready endpoints at least ${watch.least()}`);
    expect(watch.least()).toBeGreaterThanOrEqual(4);
  });
});

describe('the Argo Rollouts controller killed', () => {
  it('while it releases its objects on the way back: the Rollout stays until the controller is back, and no Service ever selects a hash without pods', async () => {
    const scene = await ConversionScene.open(cluster);
    await scene.running('web', 4, { readyAfter: 300 });
    const watch = await scene.endpoints('web');
    await scene.developer.run([
      'annotate',
      'deployment',
      'web',
      'rollgate.io/convert=blue-green',
      '-n',
      scene.namespace,
    ]);
    await converted(scene, 'web', 4);
    await scene.until('only the pods of the Rollout', async () => (await scene.pods('web')).length === 4);
    const selector = async (): Promise<unknown> =>
      dig(await cluster.controlPlane.admin.get('v1', 'Service', scene.namespace, 'web'), 'spec', 'selector');
    const noPods = await refuse(scene, '', 'pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'probe', namespace: scene.namespace },
      spec: { containers: [{ name: 'web', image: 'web:1' }] },
    });
    await scene.developer.run([
      'annotate',
      '--overwrite',
      'deployment',
      'web',
      'rollgate.io/convert=off',
      '-n',
      scene.namespace,
    ]);
    // Rollgate scales the Deployment up only once the controller has seen that it must not touch it. From then on, only
    // the release of the objects needs the controller. It begins when the pods of the Deployment are available.
    await until('the Deployment scaled up', async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 4);
    await cluster.argo.program.stop('SIGKILL');
    await cluster.admin.run(['delete', 'validatingwebhookconfiguration', noPods.metadata.name]);
    try {
      await scene.until(
        'the Rollout told to let go',
        async () => dig(await scene.rollout('web'), 'spec', 'strategy', 'blueGreen') === undefined,
      );
      await sleep(5_000);
      expect(await selector()).toHaveProperty('rollouts-pod-template-hash');
      expect(await scene.rollout('web')).toBeDefined();
      expect(watch.now()).toBe(4);
    } finally {
      await cluster.argo.start();
    }
    await scene.until('the Rollout gone', async () => (await scene.rollout('web')) === undefined);
    expect(await selector()).toEqual({ app: 'web' });
    await scene.until(
      'the marks gone',
      async () => (await scene.annotations('web'))['rollgate.io/replicas'] === undefined,
    );
    await scene.until('only the pods of the Deployment', async () => (await scene.pods('web')).length === 4);
    await sleep(500);
    console.log(`the controller killed while it lets go: ready endpoints at least ${watch.least()}`);
    expect(watch.least()).toBeGreaterThanOrEqual(4);
    watch.stop();
  });
});

describe('a Rollout that a quota rejects', () => {
  it('leaves no Deployment at 0: after 30 s the pods are back, and it is converted once the quota allows it', async () => {
    const scene = await ConversionScene.open(cluster);
    await cluster.admin.apply([
      {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'none', namespace: scene.namespace },
        spec: { hard: { 'count/rollouts.argoproj.io': '0' } },
      },
    ]);
    await scene.until('the quota', async () =>
      asString(dig((await cluster.controlPlane.admin.propose(rollout(scene))).body, 'message')).includes(
        'exceeded quota',
      ),
    );
    await scene.developer.apply([
      service(scene.namespace, 'web'),
      deployment(scene.namespace, 'web', { replicas: 2, convert: 'canary' }),
    ]);
    const began = performance.now();
    await scene.until(
      'the pods back',
      async () => dig(await scene.deployment('web'), 'status', 'availableReplicas') === 2,
    );
    const took = performance.now() - began;
    await scene.until(
      'the suspension',
      async () => (await scene.annotations('web'))['rollgate.io/convert-suspended'] !== undefined,
    );
    const { 'rollgate.io/convert-suspended': suspended } = await scene.annotations('web');
    console.log(`refused by a quota: pods back after ${Math.round(took / 100) / 10} s; ${String(suspended)}`);
    expect(suspended).toMatch(/^refused: .*exceeded quota/);
    expect(await scene.rollout('web')).toBeUndefined();
    await cluster.admin.run(['delete', 'resourcequota', 'none', '-n', scene.namespace]);
    await scene.until('the Rollout', () => scene.rollout('web'), 120_000);
    await converted(scene, 'web', 2);
    expect((await scene.annotations('web'))['rollgate.io/convert-suspended']).toBeUndefined();
  });
});

describe('a Rollout for which another webhook never answers', () => {
  it('leaves no Deployment at 0 either', async () => {
    // Accepts connections and never answers.
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const scene = await ConversionScene.open(cluster);
    const webhook = refusing(scene, 'argoproj.io', 'rollouts', {
      url: `https://127.0.0.1:${port}/`,
      timeoutSeconds: 30,
    });
    const { admin } = cluster.controlPlane;
    const called = once(silent, 'connection').then(() => true);
    try {
      await admin.create(webhook);
      await until('the webhook', () =>
        Promise.race([
          called,
          admin.propose(rollout(scene)).then(
            () => false,
            () => false,
          ),
        ]),
      );
      await scene.developer.apply([deployment(scene.namespace, 'web', { replicas: 2, convert: 'canary' })]);
      expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);
      await scene.until(
        'the pods back',
        async () => dig(await scene.deployment('web'), 'status', 'availableReplicas') === 2,
      );
      await scene.until(
        'the suspension',
        async () =>
          (await scene.annotations('web'))['rollgate.io/convert-suspended'] ===
          'refused: the API server gave no answer in time',
      );
    } finally {
      await cluster.admin.run(['delete', 'validatingwebhookconfiguration', webhook.metadata.name]);
      silent.close();
    }
    await scene.until('the Rollout', () => scene.rollout('web'), 120_000);
    await converted(scene, 'web', 2);
  });
});

describe('a Deployment that another webhook rejects', () => {
  it('leaves neither a Deployment nor a Rollout', async () => {
    const scene = await ConversionScene.open(cluster);
    const webhook = await refuse(scene, 'apps', 'deployments', deployment(scene.namespace, 'probe', { replicas: 0 }));
    const { code, stderr } = await scene.developer.try(
      ['apply', '-f', '-'],
      JSON.stringify(deployment(scene.namespace, 'web', { replicas: 2, convert: 'canary' })),
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain('refuse.example.com');
    await sleep(3_000);
    expect([await scene.deployment('web'), await scene.rollout('web')]).toEqual([undefined, undefined]);
    await cluster.admin.run(['delete', 'validatingwebhookconfiguration', webhook.metadata.name]);
  });
});

describe('two replicas of Rollgate', () => {
  const leads = async (rollgate: Rollgate): Promise<boolean> =>
    /^rollgate_conversion_leader 1$/m.test(await rollgate.metrics());
  it('have one leader; when it is killed, the other takes over', async () => {
    await until('the first one leads', () => leads(cluster.rollgate));
    const second = await cluster.rollgate.second();
    try {
      expect(await leads(cluster.rollgate)).toBe(true);
      expect(await leads(second)).toBe(false);
      const scene = await ConversionScene.open(cluster);
      await scene.developer.apply([deployment(scene.namespace, 'one', { replicas: 1, convert: 'canary' })]);
      await converted(scene, 'one', 1);
      const began = performance.now();
      await cluster.rollgate.program.stop('SIGKILL');
      await until('the other one leads', () => leads(second));
      const took = performance.now() - began;
      console.log(`killed, the other one led after ${Math.round(took / 100) / 10} s`);
      await cluster.rollgate.start();
      expect(await leads(cluster.rollgate)).toBe(false);
      await scene.developer.apply([deployment(scene.namespace, 'two', { replicas: 1, convert: 'canary' })]);
      await converted(scene, 'two', 1);
      // Log lines are written with a short delay.
      await until('the line of the second one about it', () =>
        second.program.output().includes(`Deployment.apps/${scene.namespace}/two`),
      );
      // It releases the Lease when it is stopped.
      const asked = performance.now();
      await second.program.stop('SIGTERM');
      await until('the first one leads again', () => leads(cluster.rollgate));
      console.log(`stopped, the other one led after ${Math.round((performance.now() - asked) / 100) / 10} s`);
    } finally {
      await second.program.stop('SIGKILL');
    }
  });
});
