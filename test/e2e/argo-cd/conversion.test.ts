import { afterAll, beforeAll, expect, it } from 'vitest';
import { asObject, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { partOf } from '../docs.ts';
import { ArgoCd } from '../harness/argo-cd/argo-cd.ts';
import { Cluster } from '../harness/cluster.ts';
import { ConversionScene, deployment, service } from '../harness/conversion.ts';
import { only } from '../support/commits/changes.ts';
import { committed, GitApplication, type Settled } from '../support/argo-cd/git-application.ts';
import { MODES, slugOf, type Mode } from '../support/argo-cd/modes.ts';
import { tableOf } from '../support/commits/table.ts';

let cluster: Cluster;
let argoCd: ArgoCd;
beforeAll(async () => {
  cluster = await Cluster.start();
  argoCd = await ArgoCd.install(cluster.controlPlane, cluster.admin);
});
afterAll(async () => {
  await argoCd?.stop();
  await cluster?.stop();
});

const REPLICAS = 3;

const inGit = (namespace: string, image: string, convert?: string): KubeObject =>
  deployment(namespace, 'web', { replicas: REPLICAS, image, ...(convert === undefined ? {} : { convert }) });

/**
 * Takes a Deployment through Git: it runs, is annotated, gets a new image, and loses the annotation. Returns what Argo
 * CD shows in the end of each.
 */
async function travel(mode: Mode): Promise<Settled[]> {
  const namespace = slugOf(mode);
  await cluster.admin.run(['create', 'namespace', namespace]);
  const scene = ConversionScene.in(cluster, namespace);
  const first = [service(namespace, 'web'), inGit(namespace, 'web:1')];
  const git = new GitApplication(await committed(cluster, argoCd, namespace, first, { mode }));
  const count = async (): Promise<unknown> => dig(await scene.deployment('web'), 'spec', 'replicas');
  const commit = (message: string, image: string, convert?: string): Promise<void> =>
    git.commit(
      message,
      only('Deployment', () => inGit(namespace, image, convert)),
    );

  await scene.until('its pods', async () => (await scene.pods('web')).length === REPLICAS);
  const shown = [await git.settled()];

  await commit('convert', 'web:1', 'canary');
  await scene.healthy('web', REPLICAS);
  await scene.until('the Deployment at 0', async () => (await count()) === 0);
  shown.push(await git.settled());

  await commit('a new image', 'web:2', 'canary');
  await scene.phase('web', 'Paused');
  shown.push(await git.settled());
  await cluster.developer.run(['argo', 'rollouts', 'promote', 'web', '--full', '-n', namespace]);
  await scene.healthy('web', REPLICAS);
  expect([await count(), asObject((await scene.rollout('web'))?.metadata)['ownerReferences']]).toEqual([
    0,
    [expect.objectContaining({ kind: 'Deployment', name: 'web' })],
  ]);

  await commit('a Deployment again', 'web:2');
  await scene.until('the Rollout to be gone', async () => (await scene.rollout('web')) === undefined, 120_000);
  await scene.until('its pods', async () => (await scene.pods('web')).length === REPLICAS);
  expect(await count()).toBe(REPLICAS);
  shown.push(await git.settled());
  await git.close();
  return shown;
}

it(
  'shows what the page says about a Deployment that is converted and converted back',
  { timeout: 900_000 },
  async () => {
    const rows = await Promise.all(MODES.map(async (mode) => [mode.name, ...(await travel(mode))]));
    const head = ['diff', 'Deployment', 'annotated', 'a new image', 'annotation removed'];
    const table = tableOf(head, rows);
    expect(partOf('conversion.md', 'argo-cd conversion', table)).toBe(table);
  },
);
