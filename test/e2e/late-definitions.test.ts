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

/** Resolves when Istio's definitions are installed; whoever needs them may have to try a few times yet. */
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

/** A Rollout whose VirtualService cannot be known: that is no reason to refuse it, nor to say that it is missing. */
async function isNotJudged(name: string): Promise<void> {
  const { code, stderr } = await cluster.developer.try(
    ['apply', '--dry-run=server', '-f', '-'],
    yamlOf(shop(namespace, name).filter(({ kind }) => kind !== 'VirtualService')),
  );
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('VirtualService')]);
}

describe('definitions that come later', () => {
  it('are not missed while they are not there', async () => {
    await isNotJudged('early');
    await cluster.admin.apply(shop(namespace, 'early').filter(({ kind }) => kind !== 'VirtualService'));
  });

  it('are watched within seconds', async () => {
    await install();
    await isRightSoon('Istio installed', 'late');
  });

  it('and when they go and come again', async () => {
    await cluster.admin.run(['delete', 'crd', 'virtualservices.networking.istio.io']);
    await until('VirtualServices to be unknown', () => isNotJudged('early').then(() => true), { within: SECONDS });
    await install();
    await isRightSoon('Istio installed again', 'again');
  });
});
