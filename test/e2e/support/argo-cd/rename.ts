import { isDeepStrictEqual } from 'node:util';
import type { ArgoCd } from '../../harness/argo-cd/argo-cd.ts';
import type { Cluster } from '../../harness/cluster.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import { until } from '../../harness/program.ts';
import { personsPart } from '../canaries.ts';
import { healthy } from '../rollouts.ts';
import { all, edit, rolloutRoute, routeOf, virtualServiceRoute, wave } from './changes.ts';
import type { Mode } from './modes.ts';
import { ArgoCdScene, CANARY, type SceneOptions } from './scene.ts';

/** How a commit with changes on two sides is helped. */
export interface Way {
  readonly name: string;
  readonly options: Pick<SceneOptions, 'retries' | 'change'>;
}

/** The ways by the name in docs/argo-cd.md. */
export const WAYS: readonly Way[] = [
  { name: 'retry.limit 0, no waves', options: {} },
  { name: 'retry', options: { retries: 3 } },
  { name: 'waves', options: { change: wave('VirtualService', -1) } },
];

/** What came of a commit. */
export interface Outcome {
  /** The error that Argo CD shows in the end. */
  readonly error: 'ComparisonError' | 'SyncError' | undefined;
  /** Whether the change of each side is in the cluster. */
  readonly virtualService: boolean;
  readonly rollout: boolean;
  /** What Argo CD says about the commit: messages of conditions, of the sync and of its objects. */
  readonly says: string;
}

/** Where a scenario runs. */
export interface Place {
  readonly cluster: Cluster;
  readonly argoCd: ArgoCd;
  readonly namespace: string;
  /** Whether Rollgate checks this namespace. */
  readonly rollgate: boolean;
}

/**
 * Renames the managed route in the VirtualService and in the Rollout, in one commit with an edit of the VirtualService.
 * The Rollout is not updating.
 */
export async function rename(place: Place, mode: Mode, { options }: Way): Promise<Outcome> {
  const scene = await begin(place, { mode, ...options });
  await scene.commit('rename the route', all(rolloutRoute('main'), virtualServiceRoute('main'), edit(1)));
  const outcome = await outcomeOf(scene, place, 'main');
  await scene.close();
  return outcome;
}

/**
 * Makes the Rollout refer to a route that no commit brings, in one commit with an edit of the VirtualService; then
 * corrects it. Returns what came of both commits.
 */
export async function mistake(
  place: Place,
  mode: Mode,
): Promise<{ readonly wrong: Outcome; readonly corrected: Outcome }> {
  const scene = await begin(place, { mode });
  await scene.commit('a mistake', all(rolloutRoute('absent'), edit(1)));
  const wrong = await outcomeOf(scene, place, 'absent');
  await scene.commit('corrected', all(rolloutRoute('primary'), edit(2)));
  const corrected = await outcomeOf(scene, place, 'primary');
  await scene.close();
  return { wrong, corrected };
}

async function begin({ cluster, argoCd, namespace, rollgate }: Place, options: SceneOptions): Promise<ArgoCdScene> {
  const scene = await ArgoCdScene.open(cluster, argoCd, namespace, options);
  await healthy(cluster, namespace, CANARY.rollout);
  if (rollgate) await scene.settled();
  return scene;
}

async function outcomeOf(scene: ArgoCdScene, { rollgate }: Place, route: string): Promise<Outcome> {
  const wanted = scene.objects.find(({ kind }) => kind === 'VirtualService') as KubeObject;
  const look = async (): Promise<Pick<Outcome, 'virtualService' | 'rollout'>> => ({
    // All of a user's fields, the names of routes and the timeouts among them.
    virtualService: isDeepStrictEqual(personsPart(await scene.live('VirtualService')), personsPart(wanted)),
    rollout: routeOf(await scene.live('Rollout')) === route,
  });
  if (rollgate) {
    const shown = await scene.settled();
    // With a renamed route the weights are those of Git until the controller writes its own. So an Application may be
    // Synced for a moment, whatever its diff.
    const error = shown === 'Synced' || shown === 'OutOfSync' ? undefined : shown;
    return { error, says: (await scene.application.shown()).says, ...(await look()) };
  }
  // Argo CD and the controller overwrite each other without end.
  const arrived = await until(
    'the commit',
    async () => {
      const seen = await look();
      return seen.virtualService && seen.rollout && seen;
    },
    { within: 120_000 },
  );
  return { error: undefined, says: '', ...arrived };
}
