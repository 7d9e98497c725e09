import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { meshDefinitions, textOf } from './harness/definitions.ts';
import { yamlOf } from './harness/kubectl.ts';
import { Outsider } from './harness/outsider.ts';
import { pathOf } from './harness/paths.ts';
import { until } from './harness/program.ts';
import { learns, shop } from './harness/shop.ts';

const SECONDS = 30_000;
const isIstio = (name: string): boolean => name.endsWith('.istio.io');

let cluster: Cluster;
let namespace: string;
let pid: number | undefined;

beforeAll(async () => {
  cluster = await Cluster.start({ served: (name) => !isIstio(name), rollgate: ['policy.crossObjectUpdates=deny'] });
  ({ pid } = cluster.rollgate.program);
  namespace = await cluster.namespace('late');
});

afterAll(() => cluster?.stop());

/** Installs Istio's CustomResourceDefinitions. Clients may still have to retry for a moment. */
async function install(): Promise<void> {
  await cluster.admin.run(
    ['apply', '--server-side', '-f', '-'],
    textOf((await meshDefinitions()).filter(({ name }) => isIstio(name))),
  );
}

async function isRightSoon(what: string, name: string): Promise<void> {
  const { came, went } = await learns(cluster.controlPlane.admin, namespace, name);
  console.log(`${what}: a Rollout that came was known after ${came} ms, one that went after ${went} ms`);
  expect(came).toBeLessThan(SECONDS);
  expect(went).toBeLessThan(SECONDS);
  await cluster.rollgate.ready();
  expect(cluster.rollgate.program.pid).toBe(pid);
}

/** Asserts that a Rollout is neither rejected nor reported as broken while its VirtualService is unknown. */
async function isNotJudged(name: string): Promise<void> {
  const { code, stderr } = await cluster.developer.try(
    ['apply', '--dry-run=server', '-f', '-'],
    yamlOf(shop(namespace, name).filter(({ kind }) => kind !== 'VirtualService')),
  );
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('VirtualService')]);
}

describe('CustomResourceDefinitions that are installed later', () => {
  it('are not reported as missing before they are installed', async () => {
    await isNotJudged('early');
    await cluster.admin.apply(shop(namespace, 'early').filter(({ kind }) => kind !== 'VirtualService'));
  });

  it('are watched within seconds', async () => {
    await install();
    await isRightSoon('Istio installed', 'late');
  });

  it('are watched again after they were deleted and installed', async () => {
    await cluster.admin.run(['delete', 'crd', 'virtualservices.networking.istio.io']);
    await until('VirtualServices to be unknown', () => isNotJudged('early').then(() => true), { within: SECONDS });
    await install();
    await isRightSoon('Istio installed again', 'again');
  });
});

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  namespace: '',
  name: 'destinationrules.networking.istio.io',
};
const IN_DEFINITION = '/schema/openAPIV3Schema/properties/spec/properties/trafficPolicy/properties/outlierDetection';

/** Changes the fields of outlierDetection in every version of the installed CustomResourceDefinition. */
async function change(op: 'add' | 'remove', field: string): Promise<void> {
  const { admin } = cluster.controlPlane;
  const { apiVersion, kind, name } = DEFINITION;
  const versions = asArray(dig(await admin.get(apiVersion, kind, '', name), 'spec', 'versions'));
  const value = op === 'add' ? { value: { type: 'integer' } } : {};
  const patch = versions.map((_, index) => ({
    op,
    path: `/spec/versions/${index}${IN_DEFINITION}/properties/${field}`,
    ...value,
  }));
  expect(patch).not.toEqual([]);
  await admin.call('PATCH', pathOf(DEFINITION), patch, 'application/json-patch+json');
}

describe('the fields of an installed CustomResourceDefinition', () => {
  const BEFORE = 'spec.trafficPolicy.outlierDetection.';
  const RULE = yamlOf([
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { namespace: 'late', name: 'fields' },
      spec: {
        host: 'fields',
        // One that Istio has, one that only newer versions than the installed one have, and one that none has.
        trafficPolicy: {
          outlierDetection: { consecutive5xxErrors: 5, failurePercentageThreshold: 80, quantumEntanglement: 1 },
        },
      },
    },
  ]);
  let developer: Outsider;

  beforeAll(async () => {
    developer = await Outsider.at(cluster, '127.0.0.5');
  });

  afterAll(() => developer?.leave());

  /** Returns the fields that the dry run of Rollgate in the cluster does not know, and whether newer versions have them. */
  async function unknown(): Promise<string[]> {
    const { code, body } = await developer.dryRun(cluster.controlPlane.person('admin').token, RULE);
    if (code !== 200) throw new Error(`${code} ${body}`);
    return asArray(dig(JSON.parse(body), 'findings'))
      .filter((finding) => dig(finding, 'rule') === 'unknown-field')
      .map((finding) => {
        const isInNewer = asString(dig(finding, 'fix')).startsWith('install a version that has it, such as Istio ');
        return `${asString(dig(finding, 'path')).replace(BEFORE, '')}${isInNewer ? ' of newer versions' : ''}`;
      });
  }

  async function soon(...fields: readonly string[]): Promise<void> {
    await until(`the unknown fields ${fields.join(', ')}`, async () => {
      const found = await unknown();
      if (found.join() === fields.join()) return true;
      throw new Error(`found ${found.join(', ')}`);
    });
  }

  it('are those that Rollgate compares with: what only newer versions have is reported', async () => {
    await soon('failurePercentageThreshold of newer versions', 'quantumEntanglement');
  });

  it('are read again when it changes: a field that only the installed one has is no finding', async () => {
    await change('add', 'quantumEntanglement');
    await soon('failurePercentageThreshold of newer versions');
    await change('add', 'failurePercentageThreshold');
    await soon();
    await change('remove', 'consecutive5xxErrors');
    await soon('consecutive5xxErrors of newer versions');
  });
});
