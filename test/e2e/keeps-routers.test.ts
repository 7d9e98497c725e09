import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { ARGO_CD_WAYS, yamlOf, type Way } from './harness/kubectl.ts';
import { dig } from '../../src/world/read.ts';
import { until } from './harness/program.ts';
import { Recorder } from './harness/recorder.ts';
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
import { healthy, pausedAt, rolloutThat } from './support/rollouts.ts';

const UNGUARDED = 'unguarded';
const [LOST_ROUTE, LOST_HASH] = ['lost-route', 'lost-hash'];
const LONGER_THAN_A_MINUTE = 100_000;
const WAYS = ['client-side apply', 'server-side apply', 'replace', 'patch'] as const;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({
    definitions: ROUTER_DEFINITIONS,
    argoRollouts: { args: ['--traefik-api-group=traefik.io', '--traefik-api-version=traefik.io/v1alpha1'] },
    rollgate: [
      `webhooks.excludedNamespaces={kube-system,${LOST_ROUTE},${LOST_HASH},${ROUTER_CANARIES.map(({ name }) => `${UNGUARDED}-${name}`).join(',')}}`,
    ],
  });
});
afterAll(() => cluster?.stop());

async function write(edit: KubeObject, way: Way | 'patch'): Promise<void> {
  if (way !== 'patch') {
    await cluster.argoCd.run([...ARGO_CD_WAYS[way], '-f', '-'], yamlOf([edit]));
    return;
  }
  const { kind, metadata, spec } = edit;
  const { annotations } = metadata;
  const [group] = edit.apiVersion.split('/');
  const patch = { ...(annotations === undefined ? {} : { metadata: { annotations } }), spec };
  await cluster.argoCd.run([
    ...['patch', `${kind.toLowerCase()}.${group}`, metadata.name, '-n', String(metadata.namespace)],
    ...['--type=merge', '-p', JSON.stringify(patch)],
  ]);
}

/**
 * Drives a canary through its pauses to the end. At each, its route is written again in every way, with a new edit and
 * the weights of the file. Returns what the controller wrote, version by version, repetitions left out.
 */
async function drive(
  canary: RouterCanary,
  namespace: string,
  seen: (edit: KubeObject) => Promise<void>,
): Promise<string[]> {
  await cluster.argoCd.apply(objectsOfRouter(canary, namespace));
  await healthy(cluster, namespace, 'web');
  const { apiVersion, kind, metadata } = canary.route;
  const recorder = await Recorder.start(cluster.controlPlane.admin, {
    apiVersion,
    kind,
    namespace,
    name: metadata.name,
  });
  const rollouts = ['argo', 'rollouts'];
  await cluster.argoCd.run([...rollouts, 'set', 'image', 'web', 'app=web:2', '-n', namespace]);
  let n = 0;
  for (const weight of [30, 60]) {
    await pausedAt(cluster, namespace, 'web', weight);
    for (const way of WAYS) {
      const edit = inNamespace(canary.edited(++n), namespace);
      await write(edit, way);
      await seen(edit);
    }
    await cluster.argoCd.run([...rollouts, 'promote', 'web', '-n', namespace]);
  }
  await healthy(cluster, namespace, 'web');
  // The controller writes the weights into the status last.
  await rolloutThat(cluster, namespace, 'web', 'has weights of its stable pods alone', ({ status }) => {
    const weights = dig(status, 'canary', 'weights');
    return (
      dig(weights, 'stable', 'podTemplateHash') === dig(status, 'stableRS') && dig(weights, 'canary', 'weight') === 0
    );
  });
  const parts = (await recorder.stop()).map((version) => canary.controllersPart(version));
  return parts.filter((part, index) => part !== parts[index - 1]);
}

/** What an apply wiped would come back as a state that was there before. */
function flaps(states: readonly string[]): boolean {
  return new Set(states.slice(1)).size !== states.length - 1;
}

describe.each(ROUTER_CANARIES.map((canary): [string, RouterCanary] => [canary.name, canary]))('%s', (name, canary) => {
  it('keeps what the controller writes, however the file is applied, and lets all else through', async () => {
    const namespace = await cluster.namespace(name);
    const states = await drive(canary, namespace, async (edit) => {
      const { apiVersion, kind, metadata } = edit;
      const now = await until('the object', () =>
        cluster.controlPlane.admin.get(apiVersion, kind, namespace, metadata.name),
      );
      expect(canary.personsPart(now)).toEqual(canary.personsPart(edit));
    });
    expect(new Set(states).size, states.join(' | ')).toBeGreaterThanOrEqual(canary.values);
    expect(states.at(-1) === states[0], states.join(' | ')).toBe(canary.comesBack);
    expect(flaps(states), states.join(' | ')).toBe(false);
  });

  it('flaps without Rollgate', async () => {
    const namespace = `${UNGUARDED}-${name}`;
    await cluster.admin.run(['create', 'namespace', namespace]);
    const states = await drive(canary, namespace, () => Promise.resolve());
    expect(flaps(states), states.join(' | ')).toBe(true);
  });
});

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
    await write(inNamespace(ALB.route, LOST_ROUTE), 'server-side apply');
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
