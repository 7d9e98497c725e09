import { execFile } from 'node:child_process';
import { copyFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART, helm, templateArguments } from '../../scripts/helm.ts';
import { readCluster } from '../../src/commands/cluster.ts';
import { scanWorld } from '../../src/commands/scan.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { asString, dig } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment } from './harness/conversion.ts';
import { yamlOf, type Kubectl } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { namedTenant, whileDown } from './harness/tenants.ts';

const POLICY = 'rollgate-conversion';
const KINDS = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'] as const;
const NOTE = 'rollgate.io/conversion-policy';

let cluster: Cluster;
/** Converted before the policy was installed again. */
let converted: ConversionScene;
/** Has Deployments with annotations from before that. */
let scene: ConversionScene;
/** May edit Deployments in `scene`, and not create Rollouts. */
let tenant: Kubectl;

/** Returns the uids of the policy and its binding, as they are noted on Deployments. */
async function uids(): Promise<string> {
  const found = await Promise.all(
    KINDS.map((kind) => cluster.controlPlane.admin.get('admissionregistration.k8s.io/v1', kind, '', POLICY)),
  );
  return found.map((object) => asString(object?.metadata['uid'])).join('/');
}

async function deployer(namespace: string): Promise<Kubectl> {
  return (await namedTenant(cluster, namespace, 'deployer')).kubectl;
}

function annotated(name: string, replicas: number, annotations: Readonly<Record<string, string>>): KubeObject {
  const object = deployment(scene.namespace, name, { replicas });
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function asked(replicas: string): Readonly<Record<string, string>> {
  return { 'rollgate.io/convert': 'canary', 'rollgate.io/replicas': replicas };
}

/** Deletes the policy and its binding, runs something, and creates them again. */
async function withoutPolicy(work: () => Promise<void>): Promise<void> {
  const { admin } = cluster.controlPlane;
  const kept: KubeObject[] = [];
  for (const kind of KINDS) {
    const object = await admin.get('admissionregistration.k8s.io/v1', kind, '', POLICY);
    if (object === undefined) throw new Error(`${kind} ${POLICY} does not exist`);
    const { apiVersion, metadata, ...rest } = object;
    const { status: _, ...spec } = rest as Record<string, unknown>;
    kept.push({
      apiVersion,
      kind,
      metadata: { name: metadata.name, labels: metadata['labels'] },
      ...spec,
    });
    await cluster.admin.run(['delete', kind, POLICY]);
  }
  const probe = (name: string): Promise<{ code: number; stderr: string }> =>
    tenant.try(['create', '--dry-run=server', '-f', '-'], yamlOf([annotated(name, 0, asked('1'))]));
  await until('the end of the policy', async () => (await probe('probe')).code === 0);
  await work();
  for (const object of kept) await cluster.controlPlane.admin.create(object);
  await until('the policy', async () => (await probe('probe')).stderr.includes('may not create rollouts'));
}

beforeAll(async () => {
  cluster = await Cluster.start();
  converted = await ConversionScene.open(cluster);
  await converted.running('web', 2);
  await converted.developer.run([
    'annotate',
    'deployment',
    'web',
    'rollgate.io/convert=canary',
    '-n',
    converted.namespace,
  ]);
  await converted.healthy('web', 2);
  await converted.until(
    'the Deployment at 0',
    async () => dig(await converted.deployment('web'), 'spec', 'replicas') === 0,
  );
  scene = await ConversionScene.open(cluster);
  tenant = await deployer(scene.namespace);
  const earlier = await uids();
  await whileDown(cluster, () =>
    withoutPolicy(async () => {
      await tenant.run(
        ['create', '-f', '-'],
        yamlOf([
          annotated('web', 0, asked('2')),
          annotated('guessed', 0, { ...asked('1'), [NOTE]: earlier }),
          annotated('replaced', 0, asked('3')),
          annotated('back', 0, asked('2')),
        ]),
      );
    }),
  );
});
afterAll(() => cluster?.stop());

/** Waits until Rollgate has given a Deployment its pods, and noted why it has no Rollout. */
async function waits(name: string, replicas: number): Promise<void> {
  await scene.until(`${name} to wait`, async () =>
    asString((await scene.annotations(name))['rollgate.io/convert-suspended']).startsWith('not-proven: '),
  );
  await scene.until(
    `the pods of ${name}`,
    async () => dig(await scene.deployment(name), 'status', 'availableReplicas') === replicas,
  );
  expect(await scene.rollout(name)).toBeUndefined();
}

async function scanned(): Promise<string[]> {
  const read = await readCluster({ kubeconfig: cluster.admin.kubeconfig }, DEFAULT_POLICY);
  try {
    return scanWorld(read.world, [], DEFAULT_POLICY, scene.namespace)
      .findings.map(({ object }) => object.name)
      .sort();
  } finally {
    await read.stop();
  }
}

/** Returns NOTES.txt as Helm prints it for this cluster. */
async function chartNotes(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'rollgate-chart-'));
  try {
    await cp(CHART, copy, { recursive: true });
    // `helm template` prints no notes, and `helm install` refuses objects that exist.
    await copyFile(join(CHART, 'templates', 'NOTES.txt'), join(copy, 'files', 'notes.txt'));
    await writeFile(
      join(copy, 'templates', 'notes.yaml'),
      'text: {{ tpl (.Files.Get "files/notes.txt") . | toJson }}\n',
    );
    const asked = ['--dry-run=server', '--kubeconfig', cluster.admin.kubeconfig];
    const args = templateArguments({ chart: copy }, ...asked, '--show-only', 'templates/notes.yaml');
    const { stdout } = await promisify(execFile)(helm(), args);
    return asString(dig(parse(stdout), 'text'));
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

describe('annotations from before the conversion policy', () => {
  it('make no Rollout; the Deployments run their pods, and scan, notes and an event name them', async () => {
    for (const [name, replicas] of [
      ['web', 2],
      ['guessed', 1],
      ['replaced', 3],
      ['back', 2],
    ] as const)
      await waits(name, replicas);
    expect(await scanned()).toEqual(['back', 'guessed', 'replaced', 'web']);
    const notes = await chartNotes();
    expect(notes).toContain('Nothing shows that a user who may create Rollouts asked for it');
    for (const name of ['web', 'guessed', 'replaced', 'back'])
      expect(notes).toContain(`  ${scene.namespace}/${name}\n`);
    expect(notes).not.toContain(`${converted.namespace}/web`);
    const told = async (): Promise<unknown[]> =>
      (await cluster.controlPlane.admin.list('events.k8s.io/v1', 'Event', scene.namespace))
        .filter((event) => dig(event, 'reason') === 'ConversionSuspended')
        .map((event) => dig(event, 'regarding', 'name'));
    // An Event comes after the annotation that it is about.
    await until('the Events', async () => (await told()).length >= 4);
    expect((await told()).sort()).toEqual(['back', 'guessed', 'replaced', 'web']);
  });

  it('are not made a proof by a user without the right, who can still edit and go back', async () => {
    const { namespace } = scene;
    const current = await uids();
    const annotate = (...args: string[]): Promise<{ code: number; stderr: string }> =>
      tenant.try(['annotate', 'deployment', 'guessed', '-n', namespace, '--overwrite', ...args]);
    const edit = async (up: boolean): Promise<void> => {
      await tenant.run(['set', 'env', 'deployment/guessed', `UP=${up}`, '-n', namespace]);
      await tenant.run(['scale', 'deployment/guessed', '--replicas=2', '-n', namespace]);
      expect((await annotate('rollgate.io/convert=canary')).code).toBe(0);
      expect((await annotate('rollgate.io/convert-suspended-')).code).toBe(0);
    };
    await edit(true);
    // Rollgate restores what it noted.
    expect((await annotate(`${NOTE}=${current}`)).code).toBe(0);
    await whileDown(cluster, async () => {
      await edit(false);
      expect((await annotate(`${NOTE}=${current}`)).stderr).toContain('may set the annotations');
      const patch = JSON.stringify({ metadata: { annotations: { [NOTE]: current } } });
      const status = [
        'patch',
        'deployment',
        'guessed',
        '-n',
        namespace,
        '--subresource=status',
        '--type=merge',
        '-p',
        patch,
      ];
      expect((await tenant.try(status)).stderr).toContain('may set the annotations');
      expect((await annotate(`${NOTE}-`)).code).toBe(0);
    });
    await waits('guessed', 2);
    await tenant.run(['annotate', 'deployment', 'back', 'rollgate.io/convert=off', '--overwrite', '-n', namespace]);
    await scene.until('a plain Deployment', async () => !('rollgate.io/replicas' in (await scene.annotations('back'))));
    expect(dig(await scene.deployment('back'), 'spec', 'replicas')).toBe(2);
  });

  it('count once a user with the right annotates the Deployment again', async () => {
    await scene.developer.run([
      ...['annotate', 'deployment', 'web', 'rollgate.io/convert=canary', '--overwrite', '-n', scene.namespace],
    ]);
    await scene.healthy('web', 2);
    await scene.until('the Deployment at 0', async () => dig(await scene.deployment('web'), 'spec', 'replicas') === 0);
    const annotations = await scene.annotations('web');
    expect(annotations).toMatchObject({ [NOTE]: await uids() });
    expect(annotations).not.toHaveProperty('rollgate.io/convert-suspended');
    expect(await scanned()).toEqual(['guessed', 'replaced']);
  });

  it('count once a user with the right replaces it by an old export, and its count stays', async () => {
    const stored = await scene.deployment('replaced');
    if (stored === undefined) throw new Error('there is no such Deployment');
    const { resourceVersion: _, ...metadata } = stored.metadata as Record<string, unknown>;
    const annotations = { ...asked('3'), [NOTE]: 'earlier/earlier' };
    const exported = {
      ...stored,
      metadata: { ...metadata, annotations },
      spec: { ...(stored['spec'] as object), replicas: 0 },
    };
    const { stdout } = await scene.developer.run(['replace', '-o', 'json', '-f', '-'], JSON.stringify(exported));
    expect(dig(JSON.parse(stdout), 'spec', 'replicas')).toBe(3);
    await scene.healthy('replaced', 3);
    expect(await scene.annotations('replaced')).toMatchObject({ [NOTE]: await uids(), 'rollgate.io/replicas': '3' });
  });
});

describe('a Deployment that was converted before the policy was installed again', () => {
  it('goes on, and gets another Rollout if that is deleted and wanted again', async () => {
    const { namespace } = converted;
    await converted.until(
      'the uids of the policy',
      async () => (await converted.annotations('web'))[NOTE] === (await uids()),
    );
    const before = (await converted.rollout('web'))?.metadata['uid'];
    await converted.developer.run(['set', 'image', 'deployment/web', 'web=web:2', '-n', namespace]);
    await converted.phase('web', 'Paused');
    expect((await converted.rollout('web'))?.metadata['uid']).toBe(before);
    await cluster.admin.run(['delete', 'rollout', 'web', '-n', namespace]);
    await converted.until('the suspension', async () =>
      asString((await converted.annotations('web'))['rollgate.io/convert-suspended']).startsWith('rollout-deleted'),
    );
    const deployers = await deployer(namespace);
    await deployers.run(['annotate', 'deployment', 'web', 'rollgate.io/convert-suspended-', '-n', namespace]);
    await converted.healthy('web', 2);
    await converted.until(
      'the Deployment at 0',
      async () => dig(await converted.deployment('web'), 'spec', 'replicas') === 0,
    );
  });

  it('goes on if it has no uids, as after an upgrade from a chart without them', async () => {
    const { namespace } = converted;
    await whileDown(cluster, async () => {
      await cluster.admin.run(['annotate', 'deployment', 'web', `${NOTE}-`, '-n', namespace]);
    });
    await converted.until(
      'the uids of the policy',
      async () => (await converted.annotations('web'))[NOTE] === (await uids()),
    );
    await sleep(500);
    expect(await converted.annotations('web')).not.toHaveProperty('rollgate.io/convert-suspended');
    expect(dig(await converted.deployment('web'), 'spec', 'replicas')).toBe(0);
  });
});
