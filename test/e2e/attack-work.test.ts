import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../../src/world/read.ts';
import { destinations, istio, rollout, service, times, virtualService } from '../growth/objects.ts';
import { Bystander, expectNoHarm } from './harness/bystander.ts';
import { Cluster } from './harness/cluster.ts';
import { inNamespace } from './harness/objects.ts';
import { until } from './harness/program.ts';
import { refusal, whileDown } from './harness/tenants.ts';
import { ALL_ATTACKS, bounded } from './support.ts';

let cluster: Cluster;
let bystander: Bystander;

beforeAll(async () => {
  cluster = await Cluster.start();
  // Its writes are no part of this.
  await cluster.argo.program.stop();
  bystander = await Bystander.arrive(cluster);
});
afterAll(() => cluster?.stop());

describe('many Rollouts that name the same routes of one VirtualService', () => {
  // How many Rollouts, and how many routes.
  const sizes = ALL_ATTACKS
    ? ([
        [10, 1_000],
        [20, 1_000],
        [20, 3_000],
      ] as const)
    : ([[20, 1_000]] as const);
  const AT_ONCE = 4;
  const CHANGES = ALL_ATTACKS ? 20 : 4;

  it.each(sizes)('%i that name %i: changes of their Service cost others nothing', async (rollouts, routes) => {
    const { admin } = cluster.controlPlane;
    const namespace = await cluster.namespace('attacker');
    const names = times(routes, (index) => `route-${index}`);
    const objects = [
      service('one', 'app-0'),
      service('two', 'app-0'),
      // Each route sends to Services that no Rollout has.
      virtualService('shared', { http: names.map((name) => ({ name, route: destinations('other') })) }),
      ...times(rollouts, (index) =>
        rollout(`app-${index}`, {
          canary: { ...istio('shared', names), stableService: 'one', canaryService: 'two' },
          spec: { replicas: 0 },
        }),
      ),
    ];
    expectNoHarm('baseline', await bystander.during());
    // Rollgate would deny some of these. So they are written when it cannot.
    await whileDown(cluster, async () => {
      await bounded(objects, AT_ONCE, (object) => admin.create(inNamespace(object, namespace)));
    });

    const before = decisionsIn(namespace);
    const answers: string[] = [];
    const outcome = await bystander.during(() =>
      bounded(times(CHANGES, String), AT_ONCE, async (change) => {
        const patch = { metadata: { labels: { [`change-${change}`]: 'yes' } } };
        answers.push(await refusal(admin.patch({ apiVersion: 'v1', kind: 'Service', namespace, name: 'one' }, patch)));
      }),
    );
    console.log(`changes of the Service that were refused: ${answers.filter((answer) => answer !== '').length}`);
    expectNoHarm(`${rollouts} Rollouts with ${routes} routes`, outcome);
    // Else the API server has given up, and nothing was attacked.
    await until('the answers', () => decisionsIn(namespace) > before);
    expectNoHarm('afterwards', await bystander.during());
  });

  function decisionsIn(namespace: string): number {
    return cluster.rollgate.decisions().filter((decision) => dig(decision, 'namespace') === namespace).length;
  }
});

describe('a policy with very many wrong ids', () => {
  // A ConfigMap holds no more than 1 MiB; a policy may also come from elsewhere.
  it.each([
    ['5 MB with 200,000 unknown ids', 200_000, 5_000_000],
    ['the most that is parsed', 36_000, 900_000],
  ])('of %s is refused, the last good one stays in force, and admission goes on', async (_name, ids, bytes) => {
    const lines = times(ids, (index) => `  unknown-rule-${String(index).padStart(6, '0')}: off`);
    const text = `mode: audit\nrules:\n${lines.join('\n')}\n`;
    expect(text.length).toBeGreaterThanOrEqual(bytes);
    expectNoHarm('baseline', await bystander.during());
    const logged = cluster.rollgate.program.lines().length;
    const good = await cluster.rollgate.policyText(text);
    // Several checks of the file.
    const outcome = await bystander.during(() => rejections(2));
    expectNoHarm(`a policy of ${text.length} bytes`, outcome);
    const complaints = cluster.rollgate.program
      .lines()
      .slice(logged)
      .filter((line) => line.includes('the policy is invalid; the previous policy stays active'));
    expect(complaints).toHaveLength(1);
    expect(complaints[0]?.length).toBeLessThan(10_000);
    await cluster.rollgate.policyText(good);
  });

  /** Resolves when the policy was rejected that often. */
  async function rejections(more: number): Promise<void> {
    const count = async (): Promise<number> =>
      Number(/rollgate_policy_reloads_total\{result="error"\} (\d+)/.exec(await cluster.rollgate.metrics())?.[1] ?? 0);
    const wanted = (await count()) + more;
    await until(`${more} rejections`, async () => (await count()) >= wanted, { every: 1_000 });
  }
});
