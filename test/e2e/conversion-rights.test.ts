import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runConvert } from '../../src/commands/convert.ts';
import { asArray, dig, asObject } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment } from './harness/conversion.ts';
import { inNamespace, objectsOf } from './harness/objects.ts';
import { namedTenant } from './harness/tenants.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
  const { profiles } = parse(await readFile(join(EXAMPLES, 'conversion', 'rollgate.yaml'), 'utf8')) as {
    profiles: object;
  };
  await cluster.rollgate.policy((policy) => ({ ...policy, profiles }));
});
afterAll(() => cluster?.stop());

describe('a user who may edit Deployments but not create Rollouts', () => {
  it('is denied the conversion with that reason, and nothing else', async () => {
    const scene = await ConversionScene.open(cluster);
    const { kubectl } = await namedTenant(cluster, scene.namespace, 'deployer');
    const refused = await kubectl.try(
      ['apply', '-f', '-'],
      JSON.stringify(deployment(scene.namespace, 'web', { replicas: 2, convert: 'canary' })),
    );
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(
      `"system:serviceaccount:${scene.namespace}:deployer" may not create rollouts.argoproj.io in namespace "${scene.namespace}"`,
    );
    expect(await scene.deployment('web')).toBeUndefined();
    await kubectl.run(['apply', '-f', '-'], JSON.stringify(deployment(scene.namespace, 'web', { replicas: 2 })));
    expect(
      (await kubectl.try(['annotate', 'deployment', 'web', 'rollgate.io/convert=canary', '-n', scene.namespace]))
        .stderr,
    ).toContain('may not create rollouts.argoproj.io');

    await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert=canary', '-n', scene.namespace]);
    await scene.healthy('web', 2);
    await scene.until('the Deployment at 0', async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 0);
    await kubectl.run(['rollout', 'restart', 'deployment/web', '-n', scene.namespace]);
    await kubectl.run(['set', 'image', 'deployment/web', 'web=web:2', '-n', scene.namespace]);
    await scene.phase('web', 'Paused');
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(0);
    // A new count of this user reaches the Rollout as well.
    await kubectl.run(['scale', 'deployment/web', '--replicas=4', '-n', scene.namespace]);
    await scene.until('the count passed on', async () => dig(await scene.rollout('web'), 'spec', 'replicas') === 4);
  });
});

describe('a labelled namespace', () => {
  it('converts new Deployments only', async () => {
    const scene = await ConversionScene.open(cluster);
    await scene.running('old', 1);
    await cluster.admin.run(['label', 'namespace', scene.namespace, 'rollgate.io/convert=canary']);
    // Rollgate learns of the label by a watch.
    await scene.until('the label', async () => {
      const probe = [deployment(scene.namespace, 'probe', { replicas: 1 })];
      const { stderr } = await scene.developer.apply(probe, 'client-side apply', '--dry-run=server');
      return stderr.includes('Deployment "probe" becomes Rollout "probe"');
    });
    await scene.developer.run(['set', 'image', 'deployment/old', 'web=web:2', '-n', scene.namespace]);
    await scene.developer.apply([
      deployment(scene.namespace, 'new', { replicas: 2 }),
      deployment(scene.namespace, 'not', { replicas: 1, convert: 'off' }),
    ]);
    await scene.healthy('new', 2);
    expect(await scene.annotations('new')).toMatchObject({ 'rollgate.io/convert': 'canary' });
    expect(dig(await scene.deployment('old'), 'spec', 'replicas')).toBe(1);
    expect(dig(await scene.deployment('not'), 'spec', 'replicas')).toBe(1);
    await sleep(1_000);
    expect([await scene.rollout('old'), await scene.rollout('not')]).toEqual([undefined, undefined]);
  });
});

describe('a profile whose VirtualService lacks the route', () => {
  it('is denied, and the message names the profile', async () => {
    const scene = await ConversionScene.open(cluster);
    const route = [
      { destination: { host: 'web' }, weight: 100 },
      { destination: { host: 'web-canary' }, weight: 0 },
    ];
    const { namespace } = scene;
    await scene.developer.apply([
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: { name: 'web', namespace },
        spec: { hosts: ['web'], http: [{ name: 'main', route }] },
      },
    ]);
    const { code, stderr } = await scene.developer.try(
      ['apply', '-f', '-'],
      JSON.stringify(deployment(namespace, 'web', { replicas: 2, convert: 'istio-hosts' })),
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      'profile "istio-hosts" makes Rollout "web": VirtualService "web" has no http route "primary" (it has "main")',
    );
    expect(await scene.deployment('web')).toBeUndefined();
  });
});

describe('the bookinfo reviews of the workloadRef write-up', () => {
  it('become reviews-rollout as shown there, with unchanged arguments', async () => {
    const scene = await ConversionScene.open(cluster);
    const folder = join(EXAMPLES, 'workloadref-skywalking', 'as-written');
    const read = async (name: string): Promise<KubeObject[]> => objectsOf(await readFile(join(folder, name), 'utf8'));
    const objects = [...(await read('bookinfo.yaml')), ...(await read('analysis.yaml'))]
      .filter(({ kind }) => kind !== 'Namespace')
      .map((each) => inNamespace(each, scene.namespace));
    await cluster.admin.apply(objects);
    await scene.until(
      'reviews',
      async () => dig(await scene.deployment('reviews'), 'status', 'availableReplicas') === 5,
    );
    await scene.serves('reviews', 5);
    const watch = await scene.endpoints('reviews');
    await scene.developer.run([
      'annotate',
      'deployment',
      'reviews',
      'rollgate.io/convert=istio-subsets',
      '-n',
      scene.namespace,
    ]);
    const rollout = await scene.healthy('reviews-rollout', 5);
    await scene.until(
      'the Deployment at 0',
      async () => dig(await scene.deployment('reviews'), 'spec', 'replicas') === 0,
    );
    const shown = (await read('rollout.yaml'))[0] as KubeObject;
    const strategy = JSON.parse(
      JSON.stringify(dig(shown, 'spec', 'strategy')).replace('|bookinfo|', `|${scene.namespace}|`),
    ) as object;
    expect(dig(rollout, 'spec', 'strategy')).toEqual(strategy);
    expect(dig(rollout, 'spec', 'selector')).toEqual(dig(shown, 'spec', 'selector'));
    expect(dig(rollout, 'spec', 'workloadRef')).toEqual({
      ...asObject(dig(shown, 'spec', 'workloadRef')),
      scaleDown: 'onsuccess',
    });
    expect(dig(rollout, 'spec', 'replicas')).toBe(5);
    expect(watch.least()).toBeGreaterThanOrEqual(5);
    await scene.developer.run([
      'set',
      'image',
      'deployment/reviews',
      'reviews=docker.io/istio/examples-bookinfo-reviews-v2:1.16.4',
      '-n',
      scene.namespace,
    ]);
    await scene.until('10 % on the canary', async () => {
      const found = await cluster.controlPlane.admin.get(
        'networking.istio.io/v1beta1',
        'VirtualService',
        scene.namespace,
        'reviews',
      );
      return (
        asArray(dig(asArray(dig(found, 'spec', 'http'))[0], 'route'))
          .map((entry) => dig(entry, 'weight'))
          .join() === '90,10'
      );
    });
  });
});

describe('convert --plan over a cluster', () => {
  it('is right for each of fifty Deployments', async () => {
    const scene = await ConversionScene.open(cluster);
    const { namespace } = scene;
    const claim = (name: string, mode: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace },
      spec: { accessModes: [mode], resources: { requests: { storage: '1Gi' } } },
    });
    await cluster.admin.apply([claim('once', 'ReadWriteOnce'), claim('many', 'ReadWriteMany')]);
    const mounting = (claimName: string): object => ({
      template: {
        metadata: { labels: { app: 'x' } },
        spec: {
          containers: [{ name: 'web', image: 'web:1' }],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
        },
      },
      selector: { matchLabels: { app: 'x' } },
    });
    const kinds: readonly (readonly [string, string, object | undefined, object | undefined])[] = [
      ['plain', 'yes', undefined, undefined],
      ['recreate', 'no', { strategy: { type: 'Recreate' } }, undefined],
      ['once', 'no', mounting('once'), undefined],
      ['many', 'yes', mounting('many'), undefined],
      ['paused', 'no', { paused: true }, undefined],
      ['off', 'off', undefined, { annotations: { 'rollgate.io/convert': 'off' } }],
      [
        'owned',
        'no',
        undefined,
        {
          ownerReferences: [
            {
              apiVersion: 'v1',
              kind: 'ConfigMap',
              name: 'x',
              uid: '00000000-0000-0000-0000-000000000000',
              controller: true,
            },
          ],
        },
      ],
      ['hosts', 'yes', undefined, { annotations: { 'rollgate.io/convert': 'istio-hosts' } }],
      ['unknown', 'mistake', undefined, { annotations: { 'rollgate.io/convert': 'no-such-profile' } }],
      ['nearly', 'yes', undefined, { labels: { 'app.kubernetes.io/name': 'argo-rollouts-not', x: 'y' } }],
      [
        'done',
        'converted',
        undefined,
        {
          annotations: { 'rollgate.io/convert': 'canary', 'rollgate.io/replicas': '0', 'rollgate.io/rollout-uid': 'r' },
        },
      ],
      [
        'late',
        'suspended',
        undefined,
        {
          annotations: {
            'rollgate.io/convert': 'canary',
            'rollgate.io/replicas': '0',
            'rollgate.io/convert-suspended': 'refused: quota',
          },
        },
      ],
      ['leaving', 'back', undefined, { annotations: { 'rollgate.io/replicas': '0', 'rollgate.io/rollout-uid': 'r' } }],
      ['scaled', 'yes', undefined, undefined],
      [
        'spread',
        'yes',
        {
          template: {
            metadata: { labels: { app: 'x' } },
            spec: { containers: [{ name: 'web', image: 'web:1' }], topologySpreadConstraints: [SPREAD] },
          },
          selector: { matchLabels: { app: 'x' } },
        },
        undefined,
      ],
    ];
    const advised: Readonly<Record<string, string>> = {
      scaled: 'HorizontalPodAutoscaler',
      spread: 'matchLabelKeys: pod-template-hash',
    };
    const expected = new Map<string, string>();
    const objects = Array.from({ length: 50 }, (_, index) => {
      const [kind, verdict, spec, metadata] = kinds[index % kinds.length] as (typeof kinds)[number];
      const name = `${kind}-${index}`;
      expected.set(name, verdict);
      const made = deployment(namespace, name, { replicas: 0 });
      return { ...made, metadata: { ...made.metadata, ...metadata }, spec: { ...asObject(made['spec']), ...spec } };
    });
    // Rollgate would reject or convert some of them at admission.
    await cluster.rollgate.policy((policy) => ({ ...policy, exemptions: { namespaces: ['*'] } }));
    await cluster.admin.apply(objects.filter(({ metadata }) => !metadata.name.startsWith('owned')));
    for (const owned of objects.filter(({ metadata }) => metadata.name.startsWith('owned')))
      await cluster.controlPlane.admin.create(owned);
    await cluster.admin.apply(
      [...expected.keys()].filter((name) => name.startsWith('scaled')).map((name) => autoscaler(namespace, name)),
    );
    let out = '';
    const io = {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (out += text) },
      stdin: noInput(),
      cwd: EXAMPLES,
      isTTY: false,
      pause: (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms)),
      env: {},
    };
    const began = performance.now();
    const code = await runConvert(
      {
        paths: [],
        plan: true,
        cluster: true,
        profile: 'canary',
        policy: 'conversion/rollgate.yaml',
        namespace,
        kubeconfig: cluster.admin.kubeconfig,
        output: 'json',
      },
      io,
    );
    console.log(`a plan over ${objects.length} Deployments: ${Math.round(performance.now() - began)} ms`);
    expect(code).toBe(0);
    const plan = JSON.parse(out) as { name: string; verdict: string; reasons: string[]; advice: string[] }[];
    const wrong = plan.filter(({ name, verdict }) => !name.startsWith('owned') && expected.get(name) !== verdict);
    expect(wrong).toEqual([]);
    for (const [kind, advice] of Object.entries(advised)) {
      const lines = plan.filter(({ name }) => name.startsWith(kind)).map((forecast) => forecast.advice.join());
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.filter((line) => !line.includes(advice))).toEqual([]);
    }
    // Garbage collection deletes those whose owner does not exist.
    expect(plan.filter(({ name, verdict }) => name.startsWith('owned') && verdict !== 'no')).toEqual([]);
    expect(plan.length).toBeGreaterThanOrEqual(46);
  });
});

async function* noInput(): AsyncGenerator<string> {
  await Promise.resolve();
  yield '';
}

const SPREAD = {
  maxSkew: 1,
  topologyKey: 'zone',
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: { matchLabels: { app: 'x' } },
  matchLabelKeys: ['pod-template-hash'],
};

function autoscaler(namespace: string, name: string): KubeObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace },
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } },
  };
}
