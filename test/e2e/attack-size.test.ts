import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { MAX_DRY_RUN } from '../../src/server/dryrun.ts';
import { times } from '../growth/objects.ts';
import { reviewOf, type Json } from '../support/reviews.ts';
import { Api } from './harness/api.ts';
import { Bystander, expectNoHarm } from './harness/bystander.ts';
import { Cluster } from './harness/cluster.ts';
import { Outsider } from './harness/outsider.ts';
import { MAY_CREATE_ROLLOUTS, namedTenant, refusal, type Tenant } from './harness/tenants.ts';
import { ALL_ATTACKS, bounded } from './support.ts';
import { denseRollout, largeManifests, MOST_PARSED } from './support/attacks.ts';

const ATTACKER = '127.0.0.77';

let cluster: Cluster;
let bystander: Bystander;
let outsider: Outsider;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.argo.program.stop();
  bystander = await Bystander.arrive(cluster);
  outsider = await Outsider.at(cluster, ATTACKER);
});
afterAll(async () => {
  outsider?.leave();
  await cluster?.stop();
});

describe('large dry runs of a user who may do nothing else', () => {
  beforeAll(async () => {
    await cluster.admin.run([
      'create',
      'clusterrolebinding',
      'dry-run',
      '--clusterrole=rollgate-dry-run',
      '--user=stranger',
    ]);
  });

  const ROUNDS = ALL_ATTACKS ? 12 : 4;
  const AT_ONCE = 2;
  // The thread of dry runs gives way to admission, so that one takes longer than it may where cores are slow and busy.
  const TOO_SLOW = 504;

  it.each([
    ['the most that is accepted', MAX_DRY_RUN, 200],
    ['1.87 MiB', Math.round(1.87 * 1024 * 1024), 413],
  ])('of %s, two at a time: no invalid Rollout of others is admitted', async (_name, bytes, expected) => {
    const { token } = cluster.controlPlane.person('stranger');
    const manifests = largeManifests(bytes);
    expect(Buffer.byteLength(manifests)).toBe(bytes);
    expectNoHarm('baseline', await bystander.during());
    expect((await outsider.dryRun(token, manifests)).code).toBe(expected);
    const codes: number[] = [];
    const outcome = await bystander.during(() =>
      bounded(times(ROUNDS, String), AT_ONCE, async () => {
        codes.push((await outsider.dryRun(token, manifests)).code);
      }),
    );
    expectNoHarm(`dry runs of ${bytes} bytes`, outcome);
    expect(codes).toHaveLength(ROUNDS);
    expect(codes.filter((code) => ![expected, TOO_SLOW].includes(code))).toEqual([]);
  });
});

describe('large reviews', () => {
  const ROUNDS = ALL_ATTACKS ? 4 : 1;
  const MIB = 1024 * 1024;
  let attacker: Tenant;
  let namespace: string;

  beforeAll(async () => {
    namespace = await cluster.namespace('attacker');
    attacker = await namedTenant(cluster, namespace, 'attacker', [
      MAY_CREATE_ROLLOUTS,
      { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['update'] },
    ]);
  });

  it.each([4, 6])('%i at once to the port, of 6.55 MiB each: no death, nothing is lost', async (atOnce) => {
    const object = denseRollout(namespace, 'web', 6.55 * MIB) as unknown as Json;
    const review = Buffer.from(JSON.stringify(reviewOf({ operation: 'CREATE', object })));
    expectNoHarm('baseline', await bystander.during());
    const codes: number[] = [];
    const outcome = await bystander.during(() =>
      bounded(times(atOnce * ROUNDS, String), atOnce, async () => {
        codes.push((await outsider.post('/validate?timeout=5s', review)).code);
      }),
    );
    expectNoHarm(`${atOnce} reviews of ${review.length} bytes at once to the port`, outcome);
    expect(new Set(codes)).toEqual(new Set([200]));
  });

  // The API server accepts 3 MiB. The others are light enough to be parsed and checked.
  const short = [
    [4, 'as large as the API server accepts', 2.9 * MIB],
    [6, 'as large as Rollgate parses', MOST_PARSED],
  ] as const;
  const others = [
    [6, 'as large as the API server accepts', 2.9 * MIB],
    [6, 'half as large as Rollgate parses', MOST_PARSED / 2],
  ] as const;
  it.each(ALL_ATTACKS ? [...short, ...others] : short)(
    '%i at once by the API server, %s: no death, nothing is lost',
    async (atOnce, _size, bytes) => {
      const objects = times(atOnce, (index) => denseRollout(namespace, `web-${index}`, bytes));
      // A client for each, so that they do not wait for each other.
      const clients = objects.map(() => new Api(attacker.api.access));
      expectNoHarm('baseline', await bystander.during());
      const answers: string[] = [];
      const outcome = await bystander.during(async () => {
        for (let round = 0; round < ROUNDS; round++)
          await bounded(objects, atOnce, async (object, index) => {
            const { code } = (await clients[index]?.propose(object)) ?? { code: 0 };
            answers.push(String(code));
          });
      });
      expectNoHarm(`${atOnce} Rollouts of ${Math.round(bytes)} bytes at once by the API server`, outcome);
      expect(answers).toHaveLength(atOnce * ROUNDS);
    },
  );

  it('of updates, which have two objects: no death, nothing is lost', async () => {
    const objects = times(6, (index) => denseRollout(namespace, `stored-${index}`, (MOST_PARSED / 2) * 0.98));
    const stored: KubeObject[] = [];
    for (const object of objects) stored.push(await attacker.api.create(object));
    expectNoHarm('baseline', await bystander.during());
    const answers: string[] = [];
    const outcome = await bystander.during(async () => {
      for (let round = 0; round < ROUNDS; round++)
        await bounded(stored, stored.length, async (object) => {
          const { name } = object.metadata;
          const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/${name}?dryRun=All`;
          const changed = { ...object, spec: { ...(object['spec'] as object), revisionHistoryLimit: 3 + round } };
          answers.push(await refusal(attacker.api.call('PUT', path, changed)));
        });
    });
    expectNoHarm('6 updates at once by the API server', outcome);
    expect(answers).toHaveLength(6 * ROUNDS);
  });
});
