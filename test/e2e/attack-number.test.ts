import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { MAX_DRY_RUN } from '../../src/server/dryrun.ts';
import { times } from '../growth/objects.ts';
import { reviewOf, type Json } from '../support/reviews.ts';
import { Bystander, expectNoHarm } from './harness/bystander.ts';
import { Cluster } from './harness/cluster.ts';
import { Outsider } from './harness/outsider.ts';
import { until } from './harness/program.ts';
import { shop, whyNotRenamed } from './harness/shop.ts';
import { namedTenant } from './harness/tenants.ts';
import { ALL_ATTACKS, bounded } from './support.ts';
import { denseRollout, largeManifests, MOST_PARSED } from './support/attacks.ts';

const ATTACKER = '127.0.0.77';
const MIB = 1024 * 1024;

let cluster: Cluster;
let bystander: Bystander;
let outsider: Outsider;

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: ['policy.crossObjectUpdates=deny'] });
  await cluster.argo.program.stop();
  bystander = await Bystander.arrive(cluster);
  outsider = await Outsider.at(cluster, ATTACKER);
});
afterAll(async () => {
  outsider?.leave();
  await cluster?.stop();
});

async function metric(name: string): Promise<number> {
  const line = new RegExp(`^${name} (\\S+)$`, 'm').exec(await cluster.rollgate.metrics());
  return Number(line?.[1] ?? Number.NaN);
}

describe('thousands of idle connections', () => {
  // `--max-in-flight`, and 200 more.
  const MOST_OPEN = 600;
  const MANY = 3_000;
  const AT_ONCE = 50;
  const sockets: Socket[] = [];

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  function open(): number {
    return sockets.filter(({ closed }) => !closed).length;
  }

  it('of one client: the oldest are closed, and the calls of the API server are answered', async () => {
    expectNoHarm('baseline', await bystander.during());
    const outcome = await bystander.during(async () => {
      await bounded(times(MANY, String), AT_ONCE, async () => {
        sockets.push(await outsider.dial());
      });
    });
    expectNoHarm(`${MANY} idle connections`, outcome);
    await until('the closing of what is too much', () => open() <= MOST_OPEN);
    expect(open()).toBeGreaterThan(MOST_OPEN / 2);
    expectNoHarm('with all that may be open', await bystander.during());
    if (!ALL_ATTACKS) return;
    await until('the closing of idle connections', () => open() === 0, { within: 200_000 });
  });

  it('that never begin a handshake are closed, too', async () => {
    const { host, port } = cluster.rollgate.address;
    const outcome = await bystander.during(async () => {
      await bounded(times(MANY, String), AT_ONCE, async () => {
        const socket = connectPlain({ host, port, localAddress: ATTACKER });
        socket.on('error', () => undefined);
        sockets.push(socket);
        await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
      });
      await until('the closing of connections without a handshake', () => open() === 0, { every: 500 });
    });
    expectNoHarm(`${MANY} connections without a handshake`, outcome);
  });
});

describe('more objects than fit into the cache', () => {
  // Of 1.3 MB each: more than the cache may take.
  const MANY = ALL_ATTACKS ? 284 : 120;
  const AT_ONCE = 4;
  const SHOP = 'reviews';

  function large(namespace: string, name: string): KubeObject {
    const labels = { app: name };
    const volumeAttributes = { text: 'x'.repeat(1_300_000) };
    const volumes = [{ name: 'large', csi: { driver: 'example.com', volumeAttributes } }];
    const pod = { containers: [{ name: 'web', image: 'web:1' }], volumes };
    return {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, namespace },
      spec: { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
    };
  }

  it('cost only their owner, also after a restart', async () => {
    const { admin } = cluster.controlPlane;
    const namespace = await cluster.namespace('attacker');
    const attacker = await namedTenant(cluster, namespace, 'attacker');
    const others = await cluster.namespace('others');
    for (const object of shop(others, SHOP)) await admin.create(object);
    // This needs the Rollout of the others in the cache.
    const denied = async (): Promise<void> => {
      await until('the verdict', async () => (await whyNotRenamed(admin, others, SHOP)).includes(`Rollout "${SHOP}"`));
    };
    await denied();
    expectNoHarm('baseline', await bystander.during());

    const outcome = await bystander.during(async () => {
      await bounded(
        times(MANY, (index) => large(namespace, `large-${index}`)),
        AT_ONCE,
        (object) => attacker.api.create(object),
      );
      await until(
        'the ceiling',
        async () => (await metric('rollgate_cache_name_only\\{kind="ReplicaSet\\.apps"\\}')) > 0,
      );
    });
    expectNoHarm(`${MANY} ReplicaSets of 1.3 MB`, outcome);
    expect(await metric('rollgate_cache_bytes')).toBeLessThanOrEqual(128 * MIB);
    await denied();

    await cluster.rollgate.program.stop('SIGKILL');
    await cluster.rollgate.start();
    expectNoHarm('after a restart', await bystander.during(denied));
    expect(await metric('rollgate_cache_bytes')).toBeLessThanOrEqual(128 * MIB);
    expect(await metric('rollgate_cache_name_only\\{kind="ReplicaSet\\.apps"\\}')).toBeGreaterThan(0);
  });

  it('together with the largest dry runs and heavy reviews: no death, nothing is lost', async () => {
    await cluster.admin.run([
      'create',
      'clusterrolebinding',
      'dry-run',
      '--clusterrole=rollgate-dry-run',
      '--user=stranger',
    ]);
    const { token } = cluster.controlPlane.person('stranger');
    const manifests = largeManifests(MAX_DRY_RUN);
    const object = denseRollout('attacker', 'web', MOST_PARSED) as unknown as Json;
    const review = Buffer.from(JSON.stringify(reviewOf({ operation: 'CREATE', object })));
    const outcome = await bystander.during(() =>
      Promise.all([
        bounded(times(4, String), 2, () => outsider.dryRun(token, manifests)),
        bounded(times(8, String), 4, () => outsider.post('/validate?timeout=5s', review)),
      ]),
    );
    expectNoHarm('everything at once', outcome);
  });
});
