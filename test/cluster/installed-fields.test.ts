import { describe, expect, it } from 'vitest';
import type { ClusterWorld } from '../../src/cluster/world.ts';
import type { FieldTree } from '../../src/world/field-tree.ts';
import type { JsonObject } from '../../src/world/read.ts';
import type { FakeApiServer } from '../support/fake-apiserver.ts';
import { eventually, FAR, recorder, serve, synced } from './helpers.ts';

const NAME = 'rollouts.argoproj.io';
const PATH = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${NAME}`;

const propertiesOf = (fields: readonly string[]): JsonObject =>
  Object.fromEntries(fields.map((field) => [field, { type: 'string' }]));

function definition(generation: number, properties: JsonObject, more: JsonObject = {}): JsonObject {
  const spec = { type: 'object', properties };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: NAME, generation },
    spec: {
      group: 'argoproj.io',
      names: { kind: 'Rollout', plural: 'rollouts' },
      versions: [{ name: 'v1alpha1', served: true, schema }],
    },
    ...more,
  };
}

function specIn(cluster: ClusterWorld): string[] | undefined {
  const tree: FieldTree | undefined = cluster.world.fields.get('argoproj.io/v1alpha1/Rollout');
  return tree === undefined ? undefined : [...(tree.fields?.get('spec')?.fields?.keys() ?? [])];
}

const reads = (server: FakeApiServer): number => server.requests.filter(({ path }) => path === PATH).length;

describe('the fields of an installed CustomResourceDefinition', () => {
  it('are known, and follow it', async () => {
    const server = await serve();
    server.put(definition(1, propertiesOf(['replicas'])));
    const cluster = await synced(server);
    await eventually(() => expect(specIn(cluster)).toEqual(['replicas']));
    server.put(definition(2, propertiesOf(['replicas', 'quantum'])));
    await eventually(() => expect(specIn(cluster)).toEqual(['replicas', 'quantum']));
    server.uninstall('Rollout.argoproj.io');
    await eventually(() => expect(specIn(cluster)).toBeUndefined());
  });

  it('are read once for each change of the specification, not of the status', async () => {
    const server = await serve();
    server.put(definition(1, propertiesOf(['replicas'])));
    const cluster = await synced(server);
    await eventually(() => expect(specIn(cluster)).toEqual(['replicas']));
    const before = reads(server);
    for (let change = 0; change < 5; change++)
      server.put(definition(1, propertiesOf(['replicas']), { status: { storedVersions: [String(change)] } }));
    // The next change of the specification is seen after all of these.
    server.put(definition(2, propertiesOf(['paused'])));
    await eventually(() => expect(specIn(cluster)).toEqual(['paused']));
    expect(reads(server)).toBe(before + 1);
  });

  it('stay as they were while the definition cannot be read, and follow it later', async () => {
    const server = await serve();
    server.put(definition(1, propertiesOf(['replicas'])));
    const { lines, logger } = recorder();
    const cluster = await synced(server, { logger, timing: { discovery: [150, 150] } });
    await eventually(() => expect(specIn(cluster)).toEqual(['replicas']));
    server.fail('apiextensions.k8s.io/customresourcedefinitions get', 500);
    server.put(definition(2, propertiesOf(['paused'])));
    const before = reads(server);
    await eventually(() => expect(reads(server)).toBeGreaterThan(before + 1));
    expect(specIn(cluster)).toEqual(['replicas']);
    expect(cluster.ready().ok).toBe(true);
    const warnings = lines.filter(({ message }) => message.startsWith('the fields of a CustomResourceDefinition'));
    expect(warnings.filter(({ fields }) => fields['definition'] === NAME)).toHaveLength(1);
    server.fail('apiextensions.k8s.io/customresourcedefinitions get', undefined);
    await eventually(() => expect(specIn(cluster)).toEqual(['paused']));
  });

  it('stay as they were if the definition is too large, which is read once', async () => {
    const server = await serve();
    server.put(definition(1, propertiesOf(['replicas'])));
    const cluster = await synced(server, { timing: { discovery: [150, 150] } });
    await eventually(() => expect(specIn(cluster)).toEqual(['replicas']));
    const before = reads(server);
    server.put(definition(2, propertiesOf(Array.from({ length: 10_001 }, (_, index) => `f${index}`))));
    await eventually(() => expect(reads(server)).toBe(before + 1));
    const discoveries = (): number => server.requests.filter(({ path }) => path === '/apis').length;
    const seen = discoveries();
    await eventually(() => expect(discoveries()).toBeGreaterThan(seen + 3));
    expect(reads(server)).toBe(before + 1);
    expect(specIn(cluster)).toEqual(['replicas']);
  });

  it('of Istio are unknown while its objects may be in another cluster', async () => {
    const server = await serve();
    const istio = definition(1, propertiesOf(['hosts']));
    server.put({
      ...istio,
      metadata: { name: 'virtualservices.networking.istio.io', generation: 1 },
      spec: {
        ...(istio['spec'] as JsonObject),
        group: 'networking.istio.io',
        names: { kind: 'VirtualService', plural: 'virtualservices' },
      },
    });
    server.put({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        namespace: 'argo-rollouts',
        name: 'primary',
        labels: { 'istio.argoproj.io/primary-cluster': 'true' },
      },
    });
    server.put(definition(1, propertiesOf(['replicas'])));
    const cluster = await synced(server);
    await cluster.waitForFields(FAR);
    expect([...cluster.world.fields.keys()]).toEqual(['argoproj.io/v1alpha1/Rollout']);
  });
});
