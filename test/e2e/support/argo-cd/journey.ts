import type { ArgoCd } from '../../harness/argo-cd/argo-cd.ts';
import type { Cluster } from '../../harness/cluster.ts';
import { until } from '../../harness/program.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import { asArray, dig } from '../../../../src/world/read.ts';
import { healthy, pausedAt, rolloutThat } from '../rollouts.ts';
import { edit, image } from '../commits/changes.ts';
import type { Mode } from './modes.ts';
import type { Settled } from './git-application.ts';
import { CANARY } from '../commits/example.ts';
import { ArgoCdScene, type SceneOptions } from './scene.ts';

/** The stages of an update, each of which begins with a commit or with a command of the plugin. */
export const STAGES = ['first sync', 'canary', 'edit', 'promotion', 'abort', 'revert'] as const;

/** The name of a stage. */
export type Stage = (typeof STAGES)[number];

/** What was seen on the way. */
export interface Journey {
  /** By stage: what Argo CD shows in the end. Without Rollgate there is no end: see {@link travelled}. */
  readonly shown: Partial<Record<Stage, Settled>>;
  /** The canary weights in the VirtualService from the first write of the controller on. */
  readonly weights: readonly number[];
  /** Whether the edit in the middle of the canary has arrived. */
  readonly edited: boolean;
}

/** The canary weights that the controller sets on the way. */
export const WEIGHTS: readonly number[] = [0, 20, 60, 0];

/**
 * Takes an Application through a canary: a commit of a new image, an edit of the VirtualService in the middle, a
 * promotion to the next step, an abort, and the revert in Git.
 *
 * @param stage - Called in the end of each stage. Returns what Argo CD shows.
 */
async function travel(
  scene: ArgoCdScene,
  stage: (name: Stage) => Promise<Settled | undefined>,
): Promise<Pick<Journey, 'shown' | 'edited'>> {
  const { cluster, namespace } = scene;
  const { rollout } = CANARY;
  const first = scene.objects.find(({ kind }) => kind === 'Rollout') as KubeObject;
  const shown: Partial<Record<Stage, Settled>> = {};
  const end = async (name: Stage): Promise<void> => {
    const settled = await stage(name);
    if (settled !== undefined) shown[name] = settled;
  };
  await healthy(cluster, namespace, rollout);
  await until('the weights of the controller', () => scene.weights.includes(0));
  await end('first sync');

  await scene.commit('a new image', image('2'));
  await pausedAt(cluster, namespace, rollout, 20);
  await end('canary');

  await scene.commit('another timeout', edit(1));
  await end('edit');

  await scene.rollouts('promote');
  await pausedAt(cluster, namespace, rollout, 60);
  await end('promotion');

  await scene.rollouts('abort');
  await rolloutThat(
    cluster,
    namespace,
    rollout,
    'is aborted',
    (live) =>
      dig(live, 'status', 'abort') === true && dig(live, 'status', 'canary', 'weights', 'canary', 'weight') === 0,
  );
  await end('abort');

  // Another image would be another update.
  await scene.commit('Revert "a new image"', (object) => (object.kind === 'Rollout' ? first : object));
  await healthy(cluster, namespace, rollout);
  await end('revert');
  return { shown, edited: isEdited(await scene.live('VirtualService')) };
}

/** Takes an Application through a canary, and returns what was seen. With Rollgate each stage comes to an end. */
export async function guardedJourney(
  cluster: Cluster,
  argoCd: ArgoCd,
  namespace: string,
  mode: Mode,
  options: Omit<SceneOptions, 'mode'> = {},
): Promise<Journey> {
  const scene = await ArgoCdScene.open(cluster, argoCd, namespace, { ...options, mode });
  const { shown, edited } = await travel(scene, () => scene.settled());
  await scene.close();
  return { shown, edited, weights: controllers(scene.weights) };
}

/**
 * Takes an Application through a canary without Rollgate. Argo CD and the controller overwrite each other without end,
 * so each stage ends when Argo CD has written the weights of Git again.
 */
export async function unguardedJourney(
  cluster: Cluster,
  argoCd: ArgoCd,
  namespace: string,
  mode: Mode,
): Promise<Journey> {
  const scene = await ArgoCdScene.open(cluster, argoCd, namespace, { mode });
  const { edited } = await travel(scene, async (name) => {
    if (name === 'edit')
      await until('the edit', async () => isEdited(await scene.live('VirtualService')), { within: 120_000 });
    const before = ofGit(scene);
    await until('Argo CD writes its weights again', async () => {
      await scene.application.refresh();
      return ofGit(scene) > before;
    });
    return undefined;
  });
  await scene.close();
  return { shown: {}, edited, weights: controllers(scene.weights) };
}

const IN_GIT = 100;

function ofGit({ weights }: ArgoCdScene): number {
  return weights.filter((weight) => weight === IN_GIT).length;
}

// The first sync creates the object with the weights of Git.
function controllers(weights: readonly number[]): readonly number[] {
  return weights[0] === IN_GIT ? weights.slice(1) : weights;
}

function isEdited(virtualService: unknown): boolean {
  return asArray(dig(virtualService, 'spec', 'http')).some((route) => dig(route, 'timeout') === '1s');
}
