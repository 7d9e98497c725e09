import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene } from './harness/conversion.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DECISIONS = join('src', 'migration', 'next-action.ts');

// Removes the two protections that conversion.test.ts and conversion-back.test.ts rely on: the Deployment keeps its
// pods until the Rollout is healthy, and the Rollout keeps its pods until those of the Deployment are available.
const PROTECTIONS = [
  /\bserves\(rollout\)(?=\s*\? scaleDeployment\(0)/g,
  /\bisAvailable\(deployment, target\)(?=\s*\? undefined)/g,
];

let copy: string;
let cluster: Cluster;

beforeAll(async () => {
  // Inside the project, so that Node finds its modules.
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  copy = await mkdtemp(join(ROOT, '.cache', 'unprotected-'));
  await cp(join(ROOT, 'src'), join(copy, 'src'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(copy, 'package.json'));
  let text = await readFile(join(copy, DECISIONS), 'utf8');
  for (const protection of PROTECTIONS) {
    if (text.match(protection)?.length !== 1) throw new Error(`${DECISIONS} does not match ${protection} exactly once`);
    text = text.replace(protection, 'true');
  }
  await writeFile(join(copy, DECISIONS), text);
  cluster = await Cluster.start({ sources: join(copy, 'src') });
});
afterAll(async () => {
  await cluster?.stop();
  await rm(copy, { recursive: true, force: true });
});

describe('a Rollgate without the protection of endpoints', () => {
  it('loses all of them in both directions, so the tests that see endpoints kept can fail', async () => {
    const scene = await ConversionScene.open(cluster);
    await scene.running('web', 5, { readyAfter: 8_000 });
    const there = await scene.endpoints('web');
    await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert=canary', '-n', scene.namespace]);
    await scene.healthy('web', 5);
    expect(there.least()).toBe(0);
    there.stop();

    await scene.until(
      'all endpoints',
      async () =>
        (await scene.pods('web')).length === 5 && dig(await scene.deployment('web'), 'spec', 'replicas') === 0,
    );
    await garbageIsCollected(scene);
    const back = await scene.endpoints('web');
    await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert-', '-n', scene.namespace]);
    await scene.until(
      'the pods of the Deployment',
      async () => dig(await scene.deployment('web'), 'status', 'availableReplicas') === 5,
    );
    expect(back.least()).toBeLessThan(5);
    back.stop();
  });
});

// In a new cluster, the garbage collector learns of Rollouts only after half a minute. Pods that it deletes late would
// hide the loss.
async function garbageIsCollected(scene: ConversionScene): Promise<void> {
  const { cluster, namespace } = scene;
  const { admin } = cluster.controlPlane;
  const labels = { app: 'owner' };
  const spec = {
    replicas: 0,
    selector: { matchLabels: labels },
    strategy: { canary: {} },
    template: { metadata: { labels }, spec: { containers: [{ name: 'owner', image: 'owner:1' }] } },
  };
  const { apiVersion, kind, metadata } = await admin.create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'owner', namespace },
    spec,
  });
  await admin.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'owned',
      namespace,
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata['uid'] }],
    },
  });
  await cluster.admin.run(['delete', 'rollout', 'owner', '-n', namespace]);
  await scene.until(
    'what a Rollout owned to be collected',
    async () => (await admin.get('v1', 'ConfigMap', namespace, 'owned')) === undefined,
    120_000,
  );
}
