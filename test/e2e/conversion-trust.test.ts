import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, asString, dig } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { Api } from './harness/api.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment } from './harness/conversion.ts';
import { pathOf } from './harness/paths.ts';
import { until } from './harness/program.ts';
import { ROLLGATE } from './harness/rollgate.ts';
import { refusal, tenant, whileDown, type Tenant } from './harness/tenants.ts';
import { at } from './support/transitions.ts';
import { annotated, inAudit, notes, rolloutsIn, upAndDown } from './support/trust.ts';

const MERGE = 'application/merge-patch+json';
const EXCLUDED = 'legacy';
const DENIED = 'may not create rollouts.argoproj.io';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: [`webhooks.excludedNamespaces={kube-system,${EXCLUDED}}`] });
  await cluster.controlPlane.admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: EXCLUDED } });
  await inEffect();
});
afterAll(() => cluster?.stop());

/** A tenant who may not create Rollouts. */
function withoutRight({ namespace }: { readonly namespace: string }): Promise<Tenant> {
  return tenant(cluster, namespace, 'without');
}

/** A tenant who may create Rollouts. */
function withRight({ namespace }: { readonly namespace: string }): Promise<Tenant> {
  return tenant(cluster, namespace, 'with');
}

/** Waits until the API server has learnt of the policies: it reloads them a moment after they are written. */
async function inEffect(): Promise<void> {
  const namespace = await cluster.namespace('effect');
  const { api } = await withoutRight({ namespace });
  await api.create(deployment(namespace, 'web', { replicas: 0 }));
  const path = `${pathOf(at(namespace, 'web'))}/status?dryRun=All`;
  const patch = { metadata: { annotations: notes({ 'rollout-uid': 'x' }) } };
  await until('the conversion policy', async () =>
    (await refusal(api.call('PATCH', path, patch, MERGE))).startsWith('403'),
  );
}

describe('the policies', () => {
  it('have no type-checking warnings', async () => {
    const { admin } = cluster.controlPlane;
    const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
    const policies = await until('the type check', async () => {
      const { items } = (await admin.call('GET', path)) as { items: KubeObject[] };
      const own = items.filter(({ metadata }) => metadata.name.startsWith('rollgate-'));
      const checked = own.filter((policy) => dig(policy, 'status', 'observedGeneration') === 1);
      return checked.length === 4 ? checked : undefined;
    });
    expect(policies.flatMap((policy) => asArray(dig(policy, 'status', 'typeChecking', 'expressionWarnings')))).toEqual(
      [],
    );
  });

  it('are what Rollgate expects them to be', async () => {
    // It has no value until Rollgate has read the policy.
    const value = async (): Promise<string | undefined> =>
      /^rollgate_conversion_policy_ok (\S+)$/m.exec(await cluster.rollgate.metrics())?.[1];
    expect(await until('the metric', value)).toBe('1');
  });
});

describe('a user who may edit Deployments but not create Rollouts', () => {
  it('gets no Rollout by a Deployment that is too large for Rollgate to look at', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const { api } = await withoutRight({ namespace });
    // Each of these characters is six in a review.
    const env = [{ name: 'LARGE', value: '<'.repeat(1_250_000) }];
    const large = (name: string, annotations: Readonly<Record<string, string>>): KubeObject =>
      annotated(
        deployment(namespace, name, {
          replicas: 1,
          spec: {
            template: {
              metadata: { labels: { app: name } },
              spec: { containers: [{ name: 'web', image: 'web:1', env }] },
            },
          },
        }),
        annotations,
      );
    const attempt = async (name: string): Promise<void> => {
      expect(await refusal(api.create(large(`${name}-proof`, notes({ convert: 'canary', replicas: '1' }))))).toContain(
        DENIED,
      );
      // A wish alone is free, and nothing comes of it.
      expect(await refusal(api.create(large(`${name}-wish`, notes({ convert: 'canary' }))))).toBe('');
      const proof = { metadata: { annotations: notes({ replicas: '1' }) } };
      expect(await refusal(api.patch(at(namespace, `${name}-wish`), proof))).toContain(DENIED);
      expect(await refusal(api.patch(at(namespace, `${name}-wish`), proof, 'status'))).toContain(DENIED);
    };
    await upAndDown(cluster, (up) => attempt(up ? 'up' : 'down'));
    await inAudit(cluster, () => attempt('audited'));
    expect(await rolloutsIn(cluster, namespace)).toEqual([]);
  });

  it('gets no Rollout by the status subresource', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const { api } = await withoutRight({ namespace });
    await api.create(deployment(namespace, 'web', { replicas: 1 }));
    await upAndDown(cluster, async () => {
      for (const values of [
        { convert: 'canary', replicas: '1' },
        { replicas: '1' },
        { replicas: '' },
        { 'rollout-uid': 'x' },
        { 'rollout-uid': '' },
        { 'convert-suspended': 'refused: x' },
      ])
        expect(
          await refusal(api.patch(at(namespace, 'web'), { metadata: { annotations: notes(values) } }, 'status')),
        ).toMatch(/^403 .*create rollouts\.argoproj\.io/);
      const wish = { metadata: { annotations: notes({ convert: 'canary' }) } };
      expect(await refusal(api.patch(at(namespace, 'web'), wish, 'status'))).toBe('');
    });
    expect(await rolloutsIn(cluster, namespace)).toEqual([]);
  });

  it('gets no Rollout in a namespace that only the chart excludes, and neither does anybody else', async () => {
    const { api } = await withoutRight({ namespace: EXCLUDED });
    const asked = annotated(deployment(EXCLUDED, 'web', { replicas: 1 }), notes({ convert: 'canary', replicas: '1' }));
    await upAndDown(cluster, async () => expect(await refusal(api.create(asked))).toContain(DENIED));
    await cluster.controlPlane.admin.create(asked);
    expect(await rolloutsIn(cluster, EXCLUDED)).toEqual([]);
  });

  it('is told by Rollgate while it answers, and stores only a wish while it does not', async () => {
    const scene = await ConversionScene.open(cluster);
    const { namespace } = scene;
    const { kubectl } = await withoutRight(scene);
    const asks = (name: string): Promise<{ code: number; stderr: string }> =>
      kubectl.try(
        ['create', '-f', '-'],
        JSON.stringify(deployment(namespace, name, { replicas: 1, convert: 'canary' })),
      );
    const up = await asks('up');
    expect([up.code, up.stderr]).toEqual([1, expect.stringContaining('deployment-convert')]);
    await whileDown(cluster, async () => expect((await asks('down')).code).toBe(0));
    await inAudit(cluster, async () => {
      const audited = await asks('audited');
      expect([audited.code, audited.stderr]).toEqual([0, expect.stringContaining(DENIED)]);
    });
    expect(await rolloutsIn(cluster, namespace)).toEqual([]);
    expect(await scene.annotations('down')).not.toHaveProperty('rollgate.io/replicas');
  });

  it('can edit a converted Deployment and go back, but not choose another profile', async () => {
    const scene = await ConversionScene.open(cluster);
    const { namespace } = scene;
    const { api, kubectl } = await withoutRight(scene);
    await scene.running('web', 2);
    await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert=canary', '-n', namespace]);
    await scene.healthy('web', 2);
    await scene.until('the Deployment at 0', async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 0);
    const annotate = (values: object): Promise<string> =>
      refusal(
        api.call('PATCH', `${pathOf(at(namespace, 'web'))}?dryRun=All`, { metadata: { annotations: values } }, MERGE),
      );
    await upAndDown(cluster, async (up) => {
      expect(await annotate({ 'rollgate.io/convert': 'blue-green' })).toContain(DENIED);
      // While Rollgate answers it restores its annotations.
      expect(await annotate(notes({ 'rollout-uid': 'other' }))).toContain(up ? '' : 'may set the annotations');
      for (const free of [
        { 'rollgate.io/convert': 'off' },
        { 'rollgate.io/convert': null },
        { 'rollgate.io/convert': null, 'rollgate.io/replicas': null, 'rollgate.io/rollout-uid': null },
        { 'rollgate.io/replicas': '7' },
        { 'example.com/other': 'x' },
      ])
        expect(await annotate(free)).toBe('');
      await kubectl.run(['set', 'env', 'deployment/web', `A=${up}`, '-n', namespace]);
      await kubectl.run(['scale', 'deployment/web', `--replicas=${up ? 3 : 4}`, '-n', namespace]);
    });
    // Rollgate restores the profile and warns.
    await inAudit(cluster, async () => expect(await annotate({ 'rollgate.io/convert': 'blue-green' })).toBe(''));
    await kubectl.run(['annotate', 'deployment', 'web', 'rollgate.io/convert=off', '--overwrite', '-n', namespace]);
    await scene.until('the profile off', async () => (await scene.annotations('web'))['rollgate.io/convert'] === 'off');
  });
});

describe('a user who may create Rollouts', () => {
  it('may write every annotation, as a restored backup does', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const { api } = await withRight({ namespace });
    const all = notes({ convert: 'canary', replicas: '2', 'rollout-uid': 'x', 'convert-suspended': 'refused: x' });
    await whileDown(cluster, async () => {
      expect(await refusal(api.create(annotated(deployment(namespace, 'restored', { replicas: 0 }), all)))).toBe('');
      expect(
        await refusal(
          api.patch(at(namespace, 'restored'), { metadata: { annotations: notes({ 'rollout-uid': 'y' }) } }, 'status'),
        ),
      ).toBe('');
    });
  });

  it('converts and reverts with the policies on', async () => {
    const scene = await ConversionScene.open(cluster);
    const { kubectl } = await withRight(scene);
    await kubectl.run(
      ['apply', '-f', '-'],
      JSON.stringify(deployment(scene.namespace, 'web', { replicas: 2, convert: 'canary' })),
    );
    await scene.healthy('web', 2);
    await kubectl.run(['annotate', 'deployment', 'web', 'rollgate.io/convert-', '-n', scene.namespace]);
    await scene.until('a plain Deployment', async () => {
      const annotations = await scene.annotations('web');
      return !('rollgate.io/replicas' in annotations) && !('rollgate.io/rollout-uid' in annotations);
    });
    expect(await scene.rollout('web')).toBeUndefined();
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(2);
  });
});

describe('Deployments without conversion', () => {
  it('are written as before, whatever annotations they have', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const { api } = await withoutRight({ namespace });
    const many = Object.fromEntries(
      Array.from({ length: 2_000 }, (_, index) => [`example.com/key-${index}`, 'x'.repeat(100)]),
    );
    for (const [name, annotations] of [
      ['none', undefined],
      ['empty', {}],
      ['many', many],
    ] as const) {
      const plain = deployment(namespace, name, { replicas: 1 });
      await api.create(annotations === undefined ? plain : annotated(plain, annotations));
      // The deployment controller writes the status.
      await until(
        `the status of ${name}`,
        async () =>
          dig(
            await cluster.controlPlane.admin.get('apps/v1', 'Deployment', namespace, name),
            'status',
            'availableReplicas',
          ) === 1,
      );
      await api.patch(at(namespace, name), { metadata: { annotations: { 'example.com/a': 'b' } } });
      await api.patch(at(namespace, name), { metadata: { annotations: null } });
      await api.patch(at(namespace, name), { spec: { paused: true } });
    }
  });
});

describe('a stolen token of Rollgate', () => {
  async function stolen(): Promise<Api> {
    return new Api(await cluster.controlPlane.account(ROLLGATE));
  }

  it('cannot change a Deployment that takes no part in conversion', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const api = await stolen();
    await cluster.controlPlane.admin.create(deployment(namespace, 'foreign', { replicas: 1 }));
    for (const patch of [
      { spec: { replicas: 0 } },
      { spec: { template: { spec: { hostNetwork: true } } } },
      { metadata: { annotations: notes({ replicas: '1' }) } },
      { metadata: { labels: { a: 'b' } } },
    ])
      expect(await refusal(api.patch(at(namespace, 'foreign'), patch))).toMatch(
        /^403 .*Rollgate writes only Deployments that have one of its conversion annotations/,
      );
    expect(await refusal(api.patch(at(namespace, 'foreign'), { spec: { replicas: 0 } }, 'scale'))).toMatch(
      /^403 .*cannot patch resource "deployments\/scale"/,
    );
    expect(await refusal(api.patch(at(namespace, 'foreign'), { metadata: { labels: { a: 'b' } } }, 'status'))).toMatch(
      /^403 .*cannot patch resource "deployments\/status"/,
    );
    expect(await refusal(api.patch(at('kube-system', 'absent'), { spec: { replicas: 0 } }))).toMatch(/^404 /);
  });

  it('can change only the count and the annotations of Rollgate in one that does', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const api = await stolen();
    // Without a profile nothing is converted; Rollgate removes its annotations if they say nothing.
    await whileDown(cluster, async () => {
      await cluster.controlPlane.admin.create(
        annotated(deployment(namespace, 'web', { replicas: 1 }), {
          ...notes({ convert: 'canary', replicas: '1' }),
          'example.com/a': 'b',
        }),
      );
      for (const patch of [
        { spec: { template: { spec: { hostNetwork: true } } } },
        { spec: { template: { spec: { containers: [{ name: 'web', image: 'evil:1' }] } } } },
        { spec: { paused: true } },
        { spec: { minReadySeconds: 5 } },
        { spec: { revisionHistoryLimit: 5 } },
        { spec: { progressDeadlineSeconds: 5 } },
        { spec: { strategy: { type: 'Recreate', rollingUpdate: null } } },
      ])
        expect(await refusal(api.patch(at(namespace, 'web'), patch)), JSON.stringify(patch)).toMatch(
          /^403 .*may change only the replica count/,
        );
      for (const metadata of [
        { labels: { a: 'b' } },
        { finalizers: ['example.com/x'] },
        { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x' }] },
        { annotations: { 'example.com/a': 'c' } },
        { annotations: { 'example.com/a': null } },
        { annotations: { 'example.com/new': 'c' } },
        { annotations: { 'deployment.kubernetes.io/revision': '9' } },
        { annotations: { 'rollgate.io/convert': 'blue-green' } },
        { annotations: { 'rollgate.io/break-glass': '2099-01-01T00:00:00Z x' } },
      ])
        expect(await refusal(api.patch(at(namespace, 'web'), { metadata })), JSON.stringify(metadata)).toMatch(
          /^403 .*may change only its own conversion annotations/,
        );
      expect(await refusal(api.patch(at(namespace, 'web'), { spec: { replicas: 2 } }))).toBe('');
      expect(
        await refusal(
          api.patch(at(namespace, 'web'), { metadata: { annotations: notes({ replicas: '2', 'rollout-uid': 'x' }) } }),
        ),
      ).toBe('');
      expect(await refusal(api.call('DELETE', pathOf(at(namespace, 'web'))))).toMatch(/^403 /);
    });
  });

  it('cannot create, change or delete a Rollout that was not made from a Deployment', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const api = await stolen();
    const place = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', namespace };
    const spec = {
      replicas: 1,
      selector: { matchLabels: { app: 'x' } },
      strategy: { canary: {} },
      template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'x', image: 'x:1' }] } },
    };
    const rollout = (name: string, metadata: object, more: object): KubeObject => ({
      apiVersion: place.apiVersion,
      kind: place.kind,
      metadata: { name, namespace, ...metadata },
      spec: { ...spec, ...more },
    });
    const workloadRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const from = { annotations: { 'rollgate.io/converted-from': 'web' } };
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u', controller: true };
    const made = { ...from, ownerReferences: [owner] };
    await cluster.controlPlane.admin.create(rollout('foreign', {}, {}));
    for (const patch of [{ spec: { replicas: 0 } }, { metadata: from }, { metadata: made, spec: { workloadRef } }])
      expect(await refusal(api.patch({ ...place, name: 'foreign' }, patch)), JSON.stringify(patch)).toMatch(/^403 /);
    expect(await refusal(api.call('DELETE', pathOf({ ...place, name: 'foreign' })))).toMatch(
      /^403 .*Rollgate writes only Rollouts/,
    );
    expect(await refusal(api.patch({ ...place, name: 'foreign' }, { spec: { replicas: 0 } }, 'scale'))).toMatch(
      /^403 .*cannot patch resource "rollouts\/scale"/,
    );
    for (const [metadata, more] of [
      [{}, {}],
      [from, { workloadRef, template: undefined }],
      [made, { workloadRef: { ...workloadRef, name: 'other' }, template: undefined }],
      [made, { workloadRef: { ...workloadRef, kind: 'ReplicaSet' }, template: undefined }],
      [
        { ...from, ownerReferences: [{ ...owner, name: 'other' }] },
        { workloadRef, template: undefined },
      ],
      [
        { ...from, ownerReferences: [{ ...owner, kind: 'StatefulSet' }] },
        { workloadRef, template: undefined },
      ],
      [made, { workloadRef }],
      [made, { template: undefined }],
    ] as const)
      expect(await refusal(api.create(rollout('new', metadata, more))), JSON.stringify([metadata, more])).toMatch(
        /^403 .*Rollgate writes/,
      );
    await sleep(500);
    const left = await cluster.controlPlane.admin.list(place.apiVersion, place.kind, namespace);
    expect(left.map(({ metadata }) => metadata.name)).toEqual(['foreign']);
  });
});

describe('a cluster whose conversion policy was changed', () => {
  it('gets no Rollouts until it is restored, and the Deployments say why', async () => {
    const scene = await ConversionScene.open(cluster);
    const { admin } = cluster.controlPlane;
    const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/rollgate-conversion';
    // Has what proves a conversion in this cluster, and no Rollout yet.
    await scene.developer.apply([deployment(scene.namespace, 'done', { replicas: 1, convert: 'canary' })]);
    await scene.healthy('done', 1);
    const uids = asString((await scene.annotations('done'))['rollgate.io/conversion-policy']);
    await whileDown(cluster, async () => {
      await admin.call('PATCH', path, { spec: { validationActions: ['Warn'] } }, MERGE);
      const accepted = notes({ convert: 'canary', replicas: '2', 'conversion-policy': uids });
      await admin.create(annotated(deployment(scene.namespace, 'web', { replicas: 0 }), accepted));
    });
    await scene.until('the event', async () =>
      (await admin.list('events.k8s.io/v1', 'Event', scene.namespace)).some(
        (event) => dig(event, 'reason') === 'ConversionPolicyMissing',
      ),
    );
    expect(await cluster.rollgate.metrics()).toMatch(/^rollgate_conversion_policy_ok 0$/m);
    // What is applied now stays a Deployment, and runs its pods at once.
    const late = await scene.developer.apply([deployment(scene.namespace, 'late', { replicas: 1, convert: 'canary' })]);
    expect(late.stderr).toContain('does not deny everywhere what the policy denies: install the chart again');
    expect(dig(await scene.deployment('late'), 'spec', 'replicas')).toBe(1);
    expect(await scene.rollout('web')).toBeUndefined();
    await scene.until(
      'the pods of the Deployment',
      async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 2,
      90_000,
    );
    await admin.call('PATCH', path, { spec: { validationActions: ['Deny'] } }, MERGE);
    // Once Rollgate has noticed, the wish of the late one is heard by the next write.
    await scene.until('the conversion', async () => {
      await scene.developer.run([
        ...['annotate', 'deployment', 'late', 'rollgate.io/convert=canary', '--overwrite', '-n', scene.namespace],
      ]);
      return 'rollgate.io/replicas' in (await scene.annotations('late'));
    });
    await scene.healthy('late', 1);
    expect(await cluster.rollgate.metrics()).toMatch(/^rollgate_conversion_policy_ok 1$/m);
  });
});
