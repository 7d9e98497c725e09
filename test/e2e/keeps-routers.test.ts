import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './harness/cluster.ts';
import { until } from './harness/program.ts';
import { driftIn, NOTICED } from './support/drift.ts';
import {
  ALB,
  APP_MESH,
  inNamespace,
  objectsOfRouter,
  ROUTER_CANARIES,
  type RouterCanary,
} from './support/router-canaries.ts';
import { ROUTER_DEFINITIONS } from './support/router-definitions.ts';
import { keepsAndFlaps, unguarded, write } from './support/router-drive.ts';
import { healthy, pausedAt } from './support/rollouts.ts';

const [LOST_ROUTE, LOST_HASH] = ['lost-route', 'lost-hash'];
const LONGER_THAN_A_MINUTE = 100_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({
    definitions: ROUTER_DEFINITIONS,
    argoRollouts: { args: ['--traefik-api-group=traefik.io', '--traefik-api-version=traefik.io/v1alpha1'] },
    rollgate: [
      `webhooks.excludedNamespaces={kube-system,${LOST_ROUTE},${LOST_HASH},${unguarded(ROUTER_CANARIES).join(',')}}`,
    ],
  });
});
afterAll(() => cluster?.stop());

keepsAndFlaps(ROUTER_CANARIES, () => cluster);

describe('drift', () => {
  /** Starts a canary in a namespace without the webhooks, and waits until it pauses. */
  async function paused(canary: RouterCanary, namespace: string): Promise<void> {
    await cluster.admin.run(['create', 'namespace', namespace]);
    await cluster.podsAllowed(namespace);
    await cluster.argoCd.apply(objectsOfRouter(canary, namespace));
    await healthy(cluster, namespace, 'web');
    await rollouts(namespace, 'set', 'image', 'web', 'app=web:2');
    await pausedAt(cluster, namespace, 'web', 30);
  }

  function rollouts(namespace: string, ...args: readonly string[]): Promise<unknown> {
    return cluster.argoCd.run(['argo', 'rollouts', ...args, '-n', namespace]);
  }

  const linesOf = (what: string, namespace: string): string[] => [
    `rollgate_drift{what="${what}",namespace="${namespace}"} 1`,
  ];

  it('shows a lost header route of an ALB and a lost hash of a virtual node, until they are back', async () => {
    await paused(ALB, LOST_ROUTE);
    await paused(APP_MESH, LOST_HASH);
    // A running controller may still have a Rollout in its queue, and write the hash again at once.
    await cluster.argo.program.stop('SIGKILL');
    await write(cluster, [inNamespace(ALB.route, LOST_ROUTE)], 'server-side apply');
    const selector = { podSelector: { matchLabels: { 'rollouts-pod-template-hash': null } } };
    await cluster.argoCd.run([
      ...['patch', 'virtualnode.appmesh.k8s.aws', 'node-canary', '-n', LOST_HASH],
      ...['--type=merge', '-p', JSON.stringify({ spec: selector })],
    ]);
    const isSeen = async (): Promise<boolean> =>
      (await driftIn(cluster, LOST_ROUTE)).length > 0 && (await driftIn(cluster, LOST_HASH)).length > 0;
    await until('the drift', isSeen, NOTICED);
    expect(await driftIn(cluster, LOST_ROUTE)).toEqual(linesOf('header-route', LOST_ROUTE));
    expect(await driftIn(cluster, LOST_HASH)).toEqual(linesOf('selector', LOST_HASH));

    await cluster.argo.start();
    await until('the hash', async () => (await driftIn(cluster, LOST_HASH)).length === 0, NOTICED);
    expect(await driftIn(cluster, LOST_ROUTE)).toEqual(linesOf('header-route', LOST_ROUTE));
    await rollouts(LOST_ROUTE, 'abort', 'web');
    await rollouts(LOST_ROUTE, 'retry', 'rollout', 'web');
    await pausedAt(cluster, LOST_ROUTE, 'web', 30);
    await until('the route', async () => (await driftIn(cluster, LOST_ROUTE)).length === 0, NOTICED);
  });

  it('is none after the updates', async () => {
    await sleep(LONGER_THAN_A_MINUTE);
    expect(await driftIn(cluster)).toEqual([]);
  });
});
