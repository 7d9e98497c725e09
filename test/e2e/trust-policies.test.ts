import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment } from './harness/conversion.ts';
import { tenant, whileDown, type Right } from './harness/tenants.ts';
import { write, writable, WRITES } from './support/deployment-writes.ts';
import { at, imageOf } from './support/transitions.ts';

// Most that Kubernetes allows for all annotations of an object, in bytes.
const MOST = 256 * 1024;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.stop());

const OBJECTS = {
  none: undefined,
  empty: {},
  // The deployment controller adds a few of its own.
  many: Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [`example.com/key-${index}`, 'x'.repeat(MOST / 2_000 - 20)]),
  ),
  one: { 'example.com/key': 'x'.repeat(MOST - 2_000) },
};

describe.each<Right>(['without', 'with'])('the admission policies and a user %s the right', (right) => {
  it('let Deployments pass whatever annotations they have', async () => {
    const scene = await ConversionScene.open(cluster);
    const { namespace } = scene;
    const { api } = await tenant(cluster, namespace, right);
    const written = async (name: string, annotations: object | undefined): Promise<void> => {
      const manifest = deployment(namespace, name, { replicas: 1 });
      const metadata = { ...manifest.metadata, ...(annotations === undefined ? {} : { annotations }) };
      await api.create({ ...manifest, metadata });
      // The deployment controller writes the status.
      await scene.until(
        'the status',
        async () => dig(await scene.deployment(name), 'status', 'availableReplicas') === 1,
      );
      await api.patch(at(namespace, name), { metadata: { annotations: { 'example.com/a': 'b' } } });
      await api.patch(at(namespace, name), imageOf('web:2'));
      await scene.until('the status of the update', async () => {
        const found = await scene.deployment(name);
        return (
          dig(found, 'status', 'updatedReplicas') === 1 &&
          dig(found, 'status', 'observedGeneration') === found?.metadata['generation']
        );
      });
      await api.patch(at(namespace, name), { metadata: { annotations: null } });
      await api.patch(at(namespace, name), { metadata: { annotations: {} } });
      await api.patch(at(namespace, name), { status: { conditions: [] } }, 'status');
      await api.patch(at(namespace, name), { spec: { replicas: 0 } }, 'scale');
    };
    const all = async (prefix: string): Promise<void> => {
      await Promise.all(Object.entries(OBJECTS).map(([name, value]) => written(`${prefix}-${name}`, value)));
    };
    await all('up');
    await whileDown(cluster, () => all('down'));
  });
});

describe('the admission policies', () => {
  it('let 1,000 writes of Deployments pass', async () => {
    const { namespace } = await ConversionScene.open(cluster);
    const { api } = await tenant(cluster, namespace, 'without');
    await writable(api, namespace);
    expect(await write(api, namespace, WRITES['an annotation of others'])).toHaveLength(1000);
  });
});
