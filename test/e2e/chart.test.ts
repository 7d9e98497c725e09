import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { dig } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { CHART_FACTORS, valuesOf } from '../support/chart-values.ts';
import { templateValues } from '../support/helm.ts';
import { pairwise } from '../support/pairwise.ts';
import { platformValues } from '../support/platform-values.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { objectsOf } from './harness/objects.ts';
import { until } from './harness/program.ts';

const PLATFORMS = platformValues();
// The first rows that together contain each level.
const ROWS = pairwise(CHART_FACTORS).filter((row, index, rows) => {
  const before = rows.slice(0, index);
  return Object.entries(row).some(([factor, level]) => before.every((other) => other[factor] !== level));
});
const LEVEL = 'pod-security.kubernetes.io';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none', argoRollouts: 'none' });
  for (const name of ['shop', 'web']) await create('v1', 'Namespace', { name });
});

afterAll(() => cluster?.stop());

const namespaceOf = (file: string): string => file.replace('.yaml', '');

function create(apiVersion: string, kind: string, metadata: KubeObject['metadata']): Promise<KubeObject> {
  return cluster.controlPlane.admin.create({ apiVersion, kind, metadata });
}

/** Renders the chart for a namespace of its own, which refuses pods below a level of Pod Security. */
async function rendered(values: string, namespace: string): Promise<KubeObject[]> {
  const { stdout, stderr } = await templateValues(values, '--namespace', namespace);
  expect(stderr).toBe('');
  // The operators that define the other kinds are not installed here.
  const objects = objectsOf(stdout).filter(
    ({ apiVersion }) => !/^(cert-manager\.io|monitoring\.coreos\.com)\//.test(apiVersion),
  );
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  const isOnNode = dig(deployment, 'spec', 'template', 'spec', 'hostNetwork') === true;
  const level = isOnNode ? 'privileged' : 'restricted';
  await create('v1', 'Namespace', {
    name: namespace,
    labels: { [`${LEVEL}/enforce`]: level, [`${LEVEL}/warn`]: level },
  });
  return objects;
}

describe('the API server accepts what the chart renders, without a warning', () => {
  it('for each structural value', async () => {
    const objects: KubeObject[] = [];
    for (const [index, row] of ROWS.entries())
      objects.push(...(await rendered(stringify(valuesOf(row), { version: '1.1' }), `row-${index}`)));
    const { code, stderr } = await cluster.admin.try(['apply', '--dry-run=server', '-f', '-'], yamlOf(objects));
    expect([code, stderr]).toEqual([0, '']);
  });

  it('for each platform of docs/platforms.md, and creates the pods', async () => {
    const objects: KubeObject[] = [];
    for (const [file, values] of PLATFORMS) objects.push(...(await rendered(values, namespaceOf(file))));
    await create('v1', 'ServiceAccount', { namespace: namespaceOf('own-account.yaml'), name: 'rollgate-gate' });
    const { code, stderr } = await cluster.admin.try(['apply', '-f', '-'], yamlOf(objects));
    expect([code, stderr]).toEqual([0, '']);
    // Pod Security and the account decide when the pods are created, not before.
    for (const file of PLATFORMS.keys())
      await until(
        `the pods of ${file}`,
        async () => (await cluster.controlPlane.admin.list('v1', 'Pod', namespaceOf(file))).length === 2,
      );
  });
});
