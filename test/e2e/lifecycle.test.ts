import { cp, mkdtemp, rm } from 'node:fs/promises';
import { globSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { objectsOf } from './harness/objects.ts';
import { pathOf } from './harness/paths.ts';
import { until } from './harness/program.ts';
import { shop, virtualService } from './harness/shop.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const ROLLOUT = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' };
// With failurePolicy Fail, a lost call is noticed, too.
const FAIL = ['argoproj', 'istio', 'gateway', 'services', 'workloads', 'ingresses', 'routers', 'autoscalers'].map(
  (group) => `webhooks.failurePolicy.${group}=Fail`,
);

let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: FAIL });
  folder = await mkdtemp(join(tmpdir(), 'rollgate-examples-'));
  // kubectl would also read the JSON files and the policies next to the manifests.
  for (const name of globSync('**/*.yaml', { cwd: EXAMPLES, exclude: ['**/rollgate.yaml'] }))
    await cp(join(EXAMPLES, name), join(folder, name));
});

afterAll(async () => {
  await cluster?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

let usual = true;

// So that one failure does not cause others.
afterEach(async () => {
  if (!usual) await changed({ mode: 'enforce', onDelete: 'warn' });
  usual = true;
});

/** Runs an action. Returns the decisions in which Rollgate rejected a request of it. */
async function refusedIn(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const since = new Date().toISOString();
  await work();
  // The log is written in blocks, with a small delay.
  await sleep(1_000);
  return cluster.rollgate.decisions().filter(({ time, verdict }) => verdict === 'deny' && String(time) >= since);
}

function changed(policy: Record<string, unknown>): Promise<void> {
  usual = false;
  return cluster.rollgate.policy((current) => ({ ...current, ...policy }));
}

async function isGone(apiVersion: string, kind: string, namespace: string, name: string): Promise<void> {
  await until(
    `${kind} ${name} to be gone`,
    async () => (await cluster.controlPlane.admin.get(apiVersion, kind, namespace, name)) === undefined,
    { within: 150_000 },
  );
}

async function deleteNamespaces(names: readonly string[]): Promise<void> {
  await cluster.admin.run(['delete', 'namespace', '--ignore-not-found', '--wait=false', ...names]);
  await Promise.all(names.map((name) => isGone('v1', 'Namespace', '', name)));
}

/** Returns a namespace with a canary in progress: hashes in the Services, weights in the VirtualService. */
async function midCanary(name: string): Promise<string> {
  const namespace = await cluster.namespace(name);
  await cluster.admin.apply(shop(namespace, name));
  const phase = (wanted: string): Promise<unknown> =>
    until(
      `a ${wanted} Rollout`,
      async () =>
        dig(
          await cluster.controlPlane.admin.get(ROLLOUT.apiVersion, ROLLOUT.kind, namespace, name),
          'status',
          'phase',
        ) === wanted,
    );
  await phase('Healthy');
  await cluster.admin.run(['argo', 'rollouts', 'set', 'image', name, 'app=shop:2', '-n', namespace]);
  await phase('Paused');
  return namespace;
}

describe('never blocked:', () => {
  it('`kubectl delete -R -f` of all examples, including inconsistent ones', async () => {
    const objects = globSync('**/*.yaml', { cwd: folder }).flatMap((name) =>
      objectsOf(readFileSync(join(folder, name), 'utf8')),
    );
    const namespaces = [
      ...new Set(objects.map(({ metadata }) => metadata.namespace).filter((name) => typeof name === 'string')),
    ].filter((name) => name !== 'argo-rollouts');
    for (const name of namespaces) await cluster.admin.run(['create', 'namespace', name]);
    await changed({ mode: 'audit' });
    await cluster.admin.run(['apply', '-R', '-f', folder]);
    await changed({ mode: 'enforce' });
    // The examples contain the Deployment and the settings of the controller.
    const refused = await refusedIn(() =>
      cluster.admin.run(['delete', '-R', '-f', folder, '--ignore-not-found', '--timeout=200s']),
    );
    expect(refused).toEqual([]);
    for (const object of objects)
      await isGone(
        object.apiVersion,
        object.kind,
        typeof object.metadata.namespace === 'string'
          ? object.metadata.namespace
          : ['Namespace', 'ClusterAnalysisTemplate'].includes(object.kind)
            ? ''
            : 'default',
        object.metadata.name,
      );
  });

  it('the deletion of a namespace in the middle of a canary, although the policy denies deletions', async () => {
    const namespace = await midCanary('ending');
    await changed({ onDelete: 'deny' });
    const { code, stderr } = await cluster.developer.try(['delete', 'virtualservice', 'ending', '-n', namespace]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('Rollout "ending"')]);
    expect(await refusedIn(() => deleteNamespaces([namespace]))).toEqual([]);
  });

  it('garbage collection, although the policy denies deletions', async () => {
    const namespace = await cluster.namespace('collected');
    const owner = await cluster.controlPlane.admin.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: 'owner' },
    });
    const owned = shop(namespace, 'collected').map((object) => ({
      ...object,
      metadata: {
        ...object.metadata,
        ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata['uid'] }],
      },
    }));
    for (const object of owned) await cluster.controlPlane.admin.create(object);
    await changed({ onDelete: 'deny' });
    const refused = await refusedIn(async () => {
      await cluster.developer.run(['delete', 'configmap', 'owner', '-n', namespace, '--cascade=background']);
      for (const { apiVersion, kind, metadata } of owned) await isGone(apiVersion, kind, namespace, metadata.name);
      await until(
        'the pods to be gone',
        async () => (await cluster.controlPlane.admin.list('v1', 'Pod', namespace)).length === 0,
      );
    });
    expect(refused).toEqual([]);
  });

  it('changes of labels and finalizers, and the deletion, of objects that were broken before Rollgate was installed', async () => {
    const namespace = await cluster.namespace('inherited');
    const [rollout] = shop(namespace, 'wrong').toReversed();
    if (rollout === undefined) throw new Error('a shop has no Rollout');
    const wrong = { ...rollout, metadata: { ...rollout.metadata, finalizers: ['e2e.rollgate.io/hold'] } };
    await changed({ mode: 'audit' });
    await cluster.admin.apply([
      ...shop(namespace, 'wrong').slice(0, 2),
      virtualService(namespace, 'wrong', 'renamed'),
      wrong,
    ]);
    await changed({ mode: 'enforce' });
    const { code, stderr } = await cluster.developer.try(
      ['apply', '--dry-run=server', '-f', '-'],
      yamlOf([{ ...wrong, metadata: { namespace, name: 'another' } }]),
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining('[rollgate/virtualservice-route-exists]')]);
    const refused = await refusedIn(async () => {
      await cluster.developer.run(['label', 'rollout', 'wrong', '-n', namespace, 'team=shop']);
      await cluster.developer.run(['annotate', 'virtualservice', 'wrong', '-n', namespace, 'note=seen']);
      await cluster.developer.run(['delete', 'rollout', 'wrong', '-n', namespace, '--wait=false']);
      await cluster.developer.run(['annotate', 'rollout', 'wrong', '-n', namespace, 'note=ending']);
      await cluster.developer.run([
        'patch',
        'rollout',
        'wrong',
        '-n',
        namespace,
        '--type=merge',
        '-p',
        '{"metadata":{"finalizers":null}}',
      ]);
      await isGone(ROLLOUT.apiVersion, ROLLOUT.kind, namespace, 'wrong');
      await deleteNamespaces([namespace]);
    });
    expect(refused).toEqual([]);
  });

  for (const [way, args, env] of [
    [
      'a selector',
      [
        '-l',
        'part-of=shop',
        ...['core/v1/Service', 'networking.istio.io/v1/VirtualService', 'argoproj.io/v1alpha1/Rollout'].map(
          (kind) => `--prune-allowlist=${kind}`,
        ),
      ],
      {},
    ],
    ['an ApplySet', ['--applyset=shop'], { KUBECTL_APPLYSET: 'true' }],
  ] as const) {
    it(`\`kubectl apply --prune\` by ${way}, in the middle of a canary, of what Rollouts need and of Rollouts`, async () => {
      const namespace = await midCanary('pruned');
      await cluster.admin.run(['delete', 'rollout,virtualservice,service', '--all', '-n', namespace]);
      Object.assign(process.env, env);
      const labelled = (name: string): KubeObject[] =>
        shop(namespace, name).map((object) => ({
          ...object,
          metadata: { ...object.metadata, labels: { 'part-of': 'shop' } },
        }));
      const apply = (objects: readonly KubeObject[]): Promise<{ stdout: string }> =>
        cluster.admin.run(['apply', '-n', namespace, '--prune', ...args, '-f', '-'], yamlOf(objects));
      const refused = await refusedIn(async () => {
        await apply([...labelled('kept'), ...labelled('pruned')]);
        // This also deletes the VirtualService of a Rollout that stays.
        const { stdout } = await apply(labelled('kept').filter(({ kind }) => kind !== 'VirtualService'));
        expect(stdout).toMatch(/virtualservice\.networking\.istio\.io\/kept pruned/);
        expect(stdout).toMatch(/rollout\.argoproj\.io\/pruned pruned/);
        await apply(
          labelled('kept')
            .filter(({ kind }) => kind === 'Service')
            .slice(0, 1),
        );
        await isGone(ROLLOUT.apiVersion, ROLLOUT.kind, namespace, 'kept');
      });
      for (const name of Object.keys(env)) delete process.env[name];
      expect(refused).toEqual([]);
    });
  }
});

/** Returns a stored object as a backup tool restores it. */
function asBackedUp(object: KubeObject): KubeObject {
  const { name, namespace, labels, annotations } = object.metadata;
  const { status: _, ...rest } = object;
  const spec = { ...(object['spec'] as Record<string, unknown> | undefined) };
  if (object.kind === 'Service') for (const own of ['clusterIP', 'clusterIPs']) delete spec[own];
  return {
    ...rest,
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace, labels, annotations } as KubeObject['metadata'],
    ...(object['spec'] === undefined ? {} : { spec }),
  };
}

/** Waits until objects are gone, except namespaces, which are deleted only after their pods. */
async function removed(objects: readonly KubeObject[]): Promise<void> {
  const { admin } = cluster.controlPlane;
  const places = objects.map(({ apiVersion, kind, metadata }) => ({
    apiVersion,
    kind,
    namespace: String(metadata.namespace),
    name: metadata.name,
  }));
  for (const place of places) await admin.call('DELETE', pathOf(place));
  for (const { apiVersion, kind, namespace, name } of places) await isGone(apiVersion, kind, namespace, name);
}

/** Returns items in an order that depends only on a seed. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

describe('a restore of whole namespaces', () => {
  const SETS = [
    'istio-subset-level/fixed',
    'aks-gateway-api/fixed',
    'multi-primary',
    'workloadref-skywalking/as-written',
    'plain-canary/as-written',
  ];
  let namespaces: string[];
  let backup: KubeObject[];

  beforeAll(async () => {
    const objects = SETS.flatMap((set) =>
      globSync('*.yaml', { cwd: join(EXAMPLES, set) }).flatMap((name) =>
        objectsOf(readFileSync(join(EXAMPLES, set, name), 'utf8')),
      ),
    );
    const mine = objects.filter(
      ({ kind, metadata }) =>
        kind !== 'Namespace' && typeof metadata.namespace === 'string' && metadata.namespace !== 'argo-rollouts',
    );
    const canary = await midCanary('restored');
    namespaces = [...new Set(mine.map(({ metadata }) => String(metadata.namespace)))];
    for (const name of namespaces) await cluster.admin.try(['create', 'namespace', name]);
    await cluster.admin.run(['apply', '-f', '-'], yamlOf(mine));
    namespaces.push(canary);
    await until('the canaries of the examples', async () =>
      (await cluster.controlPlane.admin.list(ROLLOUT.apiVersion, ROLLOUT.kind)).every(
        (rollout) => dig(rollout, 'status', 'currentPodHash') !== undefined,
      ),
    );
    const stored = [...mine, ...shop(canary, 'restored')].map(({ apiVersion, kind, metadata }) =>
      cluster.controlPlane.admin.get(apiVersion, kind, String(metadata.namespace), metadata.name),
    );
    backup = (await Promise.all(stored)).filter((object) => object !== undefined).map(asBackedUp);
  });

  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`object by object in random order ${seed}`, async () => {
      if (seed === 1) {
        await deleteNamespaces(namespaces);
        for (const name of namespaces) await cluster.admin.run(['create', 'namespace', name]);
      } else {
        await removed(backup);
      }
      const errors: string[] = [];
      const refused = await refusedIn(async () => {
        for (const object of shuffled(backup, seed)) {
          await cluster.controlPlane.admin
            .create(object)
            .catch((error: unknown) => errors.push(`${object.kind} ${object.metadata.name}: ${String(error)}`));
        }
      });
      expect(refused).toEqual([]);
      expect(errors).toEqual([]);
      expect(backup.length).toBeGreaterThan(20);
    });
  }
});
