import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHART, helm } from '../../scripts/helm.ts';
import { dig } from '../../src/world/read.ts';
import { Refused } from './harness/api.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment, service } from './harness/conversion.ts';
import { yamlOf, type Printed } from './harness/kubectl.ts';
import { ROLLGATE } from './harness/rollgate.ts';
import { tenant } from './harness/tenants.ts';

const run = promisify(execFile);
const WHY = (namespace: string): string =>
  `Rollgate may not convert in namespace "${namespace}", which conversion.namespaces does not name`;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: ['conversion.namespaces={inside,leaving}'] });
});
afterAll(() => cluster?.stop());

async function outside(): Promise<ConversionScene> {
  return ConversionScene.open(cluster);
}

/** Changes the list in the policy of Rollgate, as an upgrade of the chart does. */
async function list(...conversionNamespaces: readonly string[]): Promise<void> {
  await cluster.rollgate.policy((policy) => ({ ...policy, conversionNamespaces }));
}

describe('a listed namespace', () => {
  it('has its Deployments converted, scaled and converted back, with events', async () => {
    const scene = ConversionScene.in(cluster, 'inside');
    const apply = (replicas: number): Promise<Printed> =>
      scene.developer.apply([deployment('inside', 'web', { replicas, convert: 'canary' })]);
    expect((await apply(2)).stderr).toContain('becomes Rollout "web" with 2 pods');
    await scene.healthy('web', 2);
    await apply(3);
    await scene.healthy('web', 3);
    const events = await cluster.admin.run(['get', 'events.events.k8s.io', '-n', 'inside', '-o', 'name']);
    expect(events.stdout).not.toBe('');
    await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert-', '-n', 'inside']);
    await scene.until('no Rollout', async () => (await scene.rollout('web')) === undefined);
    await scene.until('no annotations', async () => !('rollgate.io/rollout-uid' in (await scene.annotations('web'))));
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(3);
  });
});

describe('another namespace', () => {
  it('keeps a Deployment that asks for conversion, with its pods and one warning, in a dry run too', async () => {
    const scene = await outside();
    const asked = [
      service(scene.namespace, 'web'),
      deployment(scene.namespace, 'web', { replicas: 2, convert: 'canary' }),
    ];
    const dry = await scene.developer.apply(asked, 'client-side apply', '--dry-run=server');
    const real = await scene.developer.apply(asked);
    for (const { stderr } of [dry, real]) {
      expect(stderr).toContain(`not converted (profile canary): ${WHY(scene.namespace)}`);
      expect(stderr.match(/^Warning: /gm)).toHaveLength(1);
    }
    await scene.until('its pods', async () => dig(await scene.deployment('web'), 'status', 'availableReplicas') === 2);
    const annotations = await scene.annotations('web');
    expect(annotations).toHaveProperty('rollgate.io/convert', 'canary');
    expect(annotations).not.toHaveProperty('rollgate.io/replicas');
    // What the reconciler does in a listed namespace afterwards shows that it had its turn here.
    const inside = ConversionScene.in(cluster, 'inside');
    await inside.developer.apply([deployment('inside', 'after', { replicas: 1, convert: 'canary' })]);
    await inside.healthy('after', 1);
    expect(await scene.rollout('web')).toBeUndefined();
    expect(dig(await scene.deployment('web'), 'spec', 'replicas')).toBe(2);
  });

  it('keeps one that a label of the namespace asks to convert', async () => {
    const scene = await ConversionScene.open(cluster, { 'rollgate.io/convert': 'canary' });
    await scene.until('the label', async () => {
      const { stderr } = await scene.developer.apply(
        [deployment(scene.namespace, 'web', { replicas: 2 })],
        'client-side apply',
        '--dry-run=server',
      );
      return stderr.includes(WHY(scene.namespace));
    });
    await scene.running('web', 2);
    expect(await scene.annotations('web')).not.toHaveProperty('rollgate.io/convert');
  });

  it('is one in which the account of Rollgate has no right to write', async () => {
    const { namespace } = await outside();
    const account = `system:serviceaccount:${ROLLGATE.namespace}:${ROLLGATE.name}`;
    const can = async (verb: string, resource: string, where: string): Promise<string> => {
      const args = ['auth', 'can-i', verb, resource, '-n', where, `--as=${account}`];
      return (await cluster.admin.try(args)).stdout.trim();
    };
    const writes = [
      ['create', 'rollouts.argoproj.io'],
      ['patch', 'rollouts.argoproj.io'],
      ['delete', 'rollouts.argoproj.io'],
      ['patch', 'deployments.apps'],
      ['create', 'events.events.k8s.io'],
    ] as const;
    for (const [verb, resource] of writes) {
      expect(await can(verb, resource, 'inside'), `${verb} ${resource} inside`).toBe('yes');
      expect(await can(verb, resource, namespace), `${verb} ${resource} outside`).toBe('no');
    }
    expect(await can('list', 'deployments.apps', namespace)).toBe('yes');
    const { stdout } = await cluster.admin.run(['auth', 'can-i', '--list', '-n', namespace, `--as=${account}`]);
    const writing = stdout
      .split('\n')
      .filter((line) => /\b(create|update|patch|delete|deletecollection)\b/.test(line.split('[').at(-1) ?? ''));
    expect(writing.filter((line) => !/(reviews|selfsubject)/.test(line))).toEqual([]);
  });

  it('is protected by the conversion policy', async () => {
    const { namespace } = await outside();
    const { api } = await tenant(cluster, namespace, 'without');
    const web = deployment(namespace, 'web', { replicas: 1 });
    await api.create(web);
    const proof = { metadata: { annotations: { 'rollgate.io/replicas': '1' } } };
    await expect(
      api.patch({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web' }, proof, 'status'),
    ).rejects.toSatisfy((error) => error instanceof Refused && error.code === 403);
  });
});

describe('a namespace that is removed from the list', () => {
  const scene = (): ConversionScene => ConversionScene.in(cluster, 'leaving');
  const web = (image: string, replicas = 2): ReturnType<typeof deployment> =>
    deployment('leaving', 'web', { replicas, convert: 'canary', image });
  const count = async (): Promise<unknown> => dig(await scene().deployment('web'), 'spec', 'replicas');

  beforeAll(async () => {
    await scene().developer.apply([service('leaving', 'web'), web('web:1')]);
    await scene().healthy('web', 2);
    // Its last write: what comes later would be refused.
    await scene().until('the Event about the Rollout', async () =>
      (await cluster.controlPlane.admin.list('v1', 'Event', 'leaving')).some(
        (event) => event['reason'] === 'RolloutCreated' && dig(event, 'involvedObject', 'kind') === 'Deployment',
      ),
    );
    await cluster.admin.run(['delete', 'role,rolebinding', 'rollgate-conversion', '-n', 'leaving']);
  });

  it('has no further Deployment stored at 0 while only the rights are gone yet', async () => {
    await scene().until('the warning', async () => {
      const { stderr } = await scene().developer.apply(
        [deployment('leaving', 'early', { replicas: 1, convert: 'canary' })],
        'client-side apply',
        '--dry-run=server',
      );
      return stderr.includes('Rollgate may not create rollouts.argoproj.io in namespace "leaving"');
    });
    await scene().running('early', 1, { convert: 'canary' });
  });

  it('has its converted Deployments named by rollgate scan and the notes of the chart', async () => {
    await list('inside');
    const { kubeconfig } = cluster.admin;
    const policy = join(cluster.controlPlane.folder, 'listed.yaml');
    await writeFile(policy, 'conversionNamespaces: [inside]\n');
    const cli = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
    const scan = await run(
      process.execPath,
      [cli, 'scan', '--kubeconfig', kubeconfig, '--policy', policy, '-n', 'leaving'],
      { maxBuffer: 16 * 1024 * 1024 },
    ).catch((error: unknown) => error as { stdout: string });
    expect(scan.stdout).toContain('so Rollgate no longer changes Rollout "web" and cannot convert back');
    expect(scan.stdout).toContain('add the namespace to conversion.namespaces again; to remove it, convert back first');

    const notes = async (namespaces: string): Promise<string> => {
      const settings = [
        'certificates.mode=existing',
        'certificates.existingSecret=tls',
        'certificates.caBundle=PEM',
        `conversion.namespaces={${namespaces}}`,
      ].flatMap((setting) => ['--set', setting]);
      const args = ['install', 'second', CHART, '--namespace', 'second', '--dry-run=server'];
      const { stdout } = await run(helm(), [...args, '--kubeconfig', kubeconfig, ...settings], {
        maxBuffer: 16 * 1024 * 1024,
      });
      return stdout.slice(stdout.indexOf('NOTES:'));
    };
    expect(await notes('inside')).toContain(
      'WARNING: conversion.namespaces leaves out the namespaces of these converted Deployments: leaving/web.',
    );
    expect(await notes('inside,leaving')).not.toContain('conversion.namespaces leaves out');
  });

  it('has a canary that continues, and a Deployment that stays at 0', async () => {
    const { stderr } = await scene().developer.apply([web('web:2', 3)]);
    expect(stderr).toContain(`${WHY('leaving')}: Rollout "web" runs its pods, and keeps its count and profile`);
    await scene().phase('web', 'Paused');
    // In the middle of it, going back would start the version that is being tested.
    const off = ['annotate', 'deployment', 'web', 'rollgate.io/convert=off', '--overwrite', '-n', 'leaving'];
    const back = await scene().developer.run([...off, '--dry-run=server', '-o', 'jsonpath={.spec.replicas}']);
    expect([back.stdout, back.stderr]).toEqual(['0', expect.stringContaining('Rollout "web" still runs its pods')]);
    await scene().developer.run(['argo', 'rollouts', 'promote', 'web', '--full', '-n', 'leaving']);
    await scene().controllerMakes('web', 'with the new version', async (rollout) => {
      const pods = await scene().pods('web');
      return (
        pods.length === 2 &&
        pods.every((pod) => yamlOf([pod]).includes('image: web:2')) &&
        dig(rollout, 'status', 'phase') === 'Healthy'
      );
    });
    expect(await count()).toBe(0);
    // Nobody had the right to pass the count on.
    expect(dig(await scene().rollout('web'), 'spec', 'replicas')).toBe(2);
  });

  it('continues where it was as soon as it is in the list again', async () => {
    const rules = [
      { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['create', 'patch', 'delete'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['patch'] },
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
    ];
    const metadata = { name: 'rollgate-conversion', namespace: 'leaving' };
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'rollgate-conversion' },
      subjects: [{ kind: 'ServiceAccount', ...ROLLGATE }],
    };
    await cluster.admin.apply([{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules }, binding]);
    await list('inside', 'leaving');
    await scene().healthy('web', 3);
    await list('inside');
    await cluster.admin.run(['delete', 'role,rolebinding', 'rollgate-conversion', '-n', 'leaving']);
  });

  it('gives a Deployment its pods with the next update if its Rollout is gone', async () => {
    await cluster.admin.run(['delete', 'rollout', 'web', '-n', 'leaving', '--wait']);
    const { stderr } = await scene().developer.apply([web('web:2', 3)]);
    expect(stderr).toContain(`${WHY('leaving')}, so the Deployment runs its own pods again`);
    expect(await count()).toBe(3);
    await scene().until(
      'its pods',
      async () => dig(await scene().deployment('web'), 'status', 'availableReplicas') === 3,
    );
  });

  it('was never written to without the right', () => {
    const refused = cluster.rollgate.program
      .lines()
      .filter((line) => /cannot (create|patch|update|delete) resource/.test(line));
    expect(refused).toEqual([]);
  });
});
