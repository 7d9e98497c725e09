import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TIMING } from '../../src/cluster/timing.ts';
import { dig, asString } from '../../src/world/read.ts';
import { Forwarder } from '../support/forwarder.ts';
import { Api, Refused, type WatchEvent } from './harness/api.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { pathOf } from './harness/paths.ts';
import { until } from './harness/program.ts';
import { ROLLGATE } from './harness/rollgate.ts';
import { learns, shop, virtualService, whyNotRenamed } from './harness/shop.ts';

// The longest pause between two attempts of a watch, and the meaning of "within seconds" on a machine with other load.
const SECONDS = TIMING.backoff[1] + 30_000;
const ROLLOUT = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' };

let cluster: Cluster;
let between: Forwarder;
let open = true;
let namespace: string;
let pid: number | undefined;
let shops = 0;

beforeAll(async () => {
  cluster = await Cluster.start({
    // Short enough that a watch from before an outage is too old afterwards.
    forgetsAfter: 5,
    rollgate: ['policy.crossObjectUpdates=deny'],
    async between(server) {
      const { hostname, port } = new URL(server);
      between = await Forwarder.start({ host: '127.0.0.1', port: 0 }, () =>
        open ? { host: hostname, port: Number(port) } : undefined,
      );
      return `https://127.0.0.1:${between.port}`;
    },
  });
  namespace = await cluster.namespace('shop');
  await cluster.admin.apply(shop(namespace, 'reviews'));
  await until(
    'the first revision',
    async () => hashOf(await cluster.controlPlane.admin.get('v1', 'Service', namespace, 'reviews-stable')) !== '',
  );
  await until(
    'a healthy Rollout',
    async () =>
      dig(
        await cluster.controlPlane.admin.get(ROLLOUT.apiVersion, ROLLOUT.kind, namespace, 'reviews'),
        'status',
        'phase',
      ) === 'Healthy',
  );
  // It would end when the API server is down; the objects that it wrote are enough.
  await cluster.argo.program.stop();
});

afterAll(async () => {
  await cluster?.stop();
  await between?.stop();
});

beforeEach(() => {
  ({ pid } = cluster.rollgate.program);
});

afterEach(() => {
  open = true;
});

function hashOf(service: unknown): string {
  return asString(dig(service, 'spec', 'selector', 'rollouts-pod-template-hash'));
}

/** Asserts that verdicts are right within seconds, that preservers work, and that the process was not restarted. */
async function isRightAgain(fault: string): Promise<void> {
  const { came, went } = await learns(cluster.controlPlane.admin, namespace, `after-${++shops}`);
  console.log(`${fault}: a Rollout that came was known after ${came} ms, one that went after ${went} ms`);
  expect(came).toBeLessThan(SECONDS);
  expect(went).toBeLessThan(SECONDS);
  const refused = await cluster.developer.try(
    ['apply', '--dry-run=server', '-f', '-'],
    yamlOf([virtualService(namespace, 'reviews', 'renamed')]),
  );
  expect(refused.stderr).toContain('VirtualService "reviews" has no http route "primary"');
  const service = shop(namespace, 'reviews')[0];
  if (service === undefined) throw new Error('a shop has no Service');
  const { stdout } = await cluster.developer.apply([service], 'server-side dry run', '-o', 'json');
  expect(hashOf(JSON.parse(stdout))).not.toBe('');
  await cluster.rollgate.ready();
  expect(cluster.rollgate.program.pid).toBe(pid);
}

/**
 * Returns whether the API server reports that a version of the Rollouts is too old for a watch. Rejects while the API
 * server cannot answer.
 */
async function isForgotten(version: string): Promise<boolean> {
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  try {
    await cluster.controlPlane.admin.watch(
      `${pathOf({ ...ROLLOUT, namespace })}?resourceVersion=${version}`,
      (event) => events.push(event),
      stop.signal,
    );
    await sleep(1_000);
    return events.some(({ type, object }) => type === 'ERROR' && dig(object, 'code') === 410);
  } catch (error) {
    if (error instanceof Refused && error.code === 410) return true;
    throw error;
  } finally {
    stop.abort();
  }
}

describe('Rollgate recovers without help', () => {
  it('if nothing is wrong', () => isRightAgain('nothing'));

  it('after the API server was restarted', async () => {
    await cluster.controlPlane.apiserver.stop();
    await sleep(3_000);
    cluster.controlPlane.apiserver.start();
    await cluster.controlPlane.answers();
    await isRightAgain('API server restarted');
  });

  it('after the API server was killed', async () => {
    await cluster.controlPlane.apiserver.stop('SIGKILL');
    cluster.controlPlane.apiserver.start();
    await cluster.controlPlane.answers();
    await isRightAgain('API server killed');
  });

  it('after etcd was paused for 20 s', async () => {
    cluster.controlPlane.etcd.pause();
    await sleep(20_000);
    cluster.controlPlane.etcd.resume();
    await isRightAgain('etcd paused');
  });

  it('after its connections were broken', async () => {
    between.cut();
    await isRightAgain('connections broken');
  });

  it('after its connections were silently dropped', async () => {
    between.freeze();
    await isRightAgain('connections forgotten');
  });

  it('after the network was interrupted for 20 s, for old and new connections', async () => {
    between.swallow(true);
    await sleep(20_000);
    between.swallow(false);
    await isRightAgain('network swallowed everything for 20 s');
  });

  it('after its token was rejected, once there is a new one', async () => {
    const { controlPlane } = cluster;
    const old = new Api(await controlPlane.account(ROLLGATE));
    const { metadata } =
      (await controlPlane.admin.get('v1', 'ServiceAccount', ROLLGATE.namespace, ROLLGATE.name)) ?? {};
    await controlPlane.admin.call('DELETE', pathOf({ apiVersion: 'v1', kind: 'ServiceAccount', ...ROLLGATE }));
    await controlPlane.admin.create({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { ...ROLLGATE, labels: metadata?.['labels'] },
    });
    await until('the refusal of the old token', async () => {
      const refusal: unknown = await old.get('v1', 'Namespace', '', namespace).catch((error: unknown) => error);
      return refusal instanceof Refused && refusal.code === 401;
    });
    // The API server does not end watches of an expired token at once; they end later.
    between.cut();
    await sleep(8_000);
    await writeFile(join(controlPlane.folder, 'rollgate.token'), (await controlPlane.account(ROLLGATE)).token);
    await isRightAgain('token refused for 8 s');
  });

  it('after the changes in the meantime were compacted', async () => {
    const { admin, apiserver } = cluster.controlPlane;
    for (const object of shop(namespace, 'gone')) await admin.create(object);
    await until('the Rollout to be known', async () => (await whyNotRenamed(admin, namespace, 'gone')) !== '');
    open = false;
    between.cut();
    const version = asString(
      dig(await admin.call('GET', pathOf({ ...ROLLOUT, namespace })), 'metadata', 'resourceVersion'),
    );
    await admin.call('DELETE', pathOf({ ...ROLLOUT, namespace, name: 'gone' }));
    for (const object of shop(namespace, 'new')) await admin.create(object);
    await sleep(15_000);
    await apiserver.stop();
    apiserver.start();
    await cluster.controlPlane.answers();
    await until('the 410', () => isForgotten(version));
    open = true;
    await until('the verdict on what came', async () => (await whyNotRenamed(admin, namespace, 'new')) !== '', {
      within: SECONDS,
    });
    await until('the verdict on what went', async () => (await whyNotRenamed(admin, namespace, 'gone')) === '', {
      within: SECONDS,
    });
    await isRightAgain('410');
  });
});

describe('a gate that is down', () => {
  it('lets writes through, and checks again once it is back', async () => {
    const { admin, rollgate } = cluster;
    await rollgate.program.stop('SIGKILL');
    const [wrong, ...others] = shop(namespace, 'unjudged').toReversed();
    if (wrong === undefined) throw new Error('a shop has no Rollout');
    await admin.apply([...others, wrong]);
    await admin.apply([virtualService(namespace, 'unjudged', 'renamed')]);
    await rollgate.start();
    ({ pid } = rollgate.program);
    await isRightAgain('Rollgate killed and restarted');
    // Objects that were let through can be edited, and fixed.
    await cluster.developer.run(['label', 'virtualservice', 'unjudged', '-n', namespace, 'still=editable']);
    await cluster.developer.apply([virtualService(namespace, 'unjudged')]);
    const refused = await cluster.developer.try(
      ['apply', '-f', '-'],
      yamlOf([virtualService(namespace, 'unjudged', 'renamed')]),
    );
    expect(refused.stderr).toContain('[rollgate/virtualservice-route-exists]');
  });
});
