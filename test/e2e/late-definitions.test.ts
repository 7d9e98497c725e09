import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, meshDefinitions } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
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
    yamlOf((await meshDefinitions()).filter(({ metadata }) => isIstio(metadata.name))),
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
