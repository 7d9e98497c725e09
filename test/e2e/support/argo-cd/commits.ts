import type { ArgoCd } from '../../harness/argo-cd/argo-cd.ts';
import type { Cluster } from '../../harness/cluster.ts';
import { until } from '../../harness/program.ts';
import { edited } from '../canaries.ts';
import { healthy, pausedAt } from '../rollouts.ts';
import { all, edit, image, only, rolloutRoute, wave } from '../commits/changes.ts';
import type { Mode } from './modes.ts';
import type { Arrived } from '../commits/arrived.ts';
import type { Settled } from './git-application.ts';
import { CANARY } from '../commits/example.ts';
import { ArgoCdScene, type SceneOptions } from './scene.ts';
import { prepared, type TwoSided } from '../commits/two-sided.ts';

/** How a commit with changes on two sides is helped. */
export interface Way {
  readonly name: string;
  readonly retries: number;
  readonly waves?: boolean;
  readonly selfHeal?: boolean;
}

/** The ways by the name in docs/argo-cd.md. */
export const WAYS = {
  none: { name: '`retry.limit: 0`', retries: 0 },
  retry: { name: '`retry.limit: 3`', retries: 3 },
  waves: { name: '`retry.limit: 0`, sync waves', retries: 0, waves: true },
  noSelfHeal: { name: '`retry.limit: 3`, no self-heal', retries: 3, selfHeal: false },
  endless: { name: '`retry.limit: -1`', retries: -1 },
} as const satisfies Readonly<Record<string, Way>>;

/** What came of a commit. */
export interface Outcome extends Arrived {
  /** What Argo CD shows in the end, if that is an error or a retry. */
  readonly error: Exclude<Settled, 'Synced' | 'OutOfSync'> | undefined;
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

/** Makes a commit that changes both sides. The Rollout is not updating. */
export async function twoSided(place: Place, mode: Mode, way: Way, commit: TwoSided): Promise<Outcome> {
  const scene = await begin(place, mode, way, commit);
  await scene.commit(commit.name, commit.change);
  const outcome = await outcomeOf(scene, place);
  await scene.close();
  return outcome;
}

/** What came of a commit in the middle of an update: then, when the update has ended, and after a sync by hand. */
export interface MidUpdate {
  readonly during: Outcome;
  readonly after: Outcome;
  /** Undefined where all had arrived before. */
  readonly byHand: Outcome | undefined;
}

/**
 * Makes a commit that changes both sides in the middle of an update, with an edit of the DestinationRule. Then promotes
 * the update to its end, and syncs by hand if that is necessary.
 */
export async function midUpdate(place: Place, mode: Mode, way: Way, commit: TwoSided): Promise<MidUpdate> {
  const { cluster, namespace } = place;
  const scene = await begin(place, mode, way, commit);
  await scene.commit('a new image', image('2'));
  await pausedAt(cluster, namespace, CANARY.rollout, 20);
  await scene.settled();
  await scene.commit(
    commit.name,
    all(
      commit.change,
      only('DestinationRule', (rule) => edited(rule, 1)),
    ),
  );
  const during = await outcomeOf(scene, place);
  await scene.rollouts('promote', '--full');
  await healthy(cluster, namespace, CANARY.rollout);
  // Argo CD says that it goes on, so it has to arrive, and the sync to end.
  if (during.error === 'Retrying') {
    await arrives(scene);
    await scene.application.shows('ends its sync', ({ phase }) => phase === 'Succeeded');
  }
  const after = await outcomeOf(scene, place);
  let byHand: Outcome | undefined;
  if (after.missing.length > 0) {
    await scene.application.sync();
    await arrives(scene);
    byHand = await outcomeOf(scene, place);
  }
  await scene.close();
  return { during, after, byHand };
}

/**
 * Makes the Rollout refer to a route that no commit brings, in one commit with an edit of the VirtualService; then
 * corrects it. Returns what came of both commits.
 */
export async function mistake(
  place: Place,
  mode: Mode,
): Promise<{ readonly wrong: Outcome; readonly corrected: Outcome }> {
  const scene = await begin(place, mode, WAYS.none);
  await scene.commit('a mistake', all(rolloutRoute('absent'), edit(1)));
  const wrong = await outcomeOf(scene, place);
  await scene.commit('corrected', all(rolloutRoute('primary'), edit(2)));
  const corrected = await outcomeOf(scene, place);
  await scene.close();
  return { wrong, corrected };
}

/** Removes the Rollout from Git, which makes Argo CD delete it. */
export async function removal(place: Place, mode: Mode): Promise<Outcome> {
  const { cluster, namespace, rollgate } = place;
  const scene = await begin(place, mode, WAYS.none);
  await scene.commit('no Rollout', (object) => (object.kind === 'Rollout' ? undefined : object));
  const { admin } = cluster.controlPlane;
  await until(
    'the Rollout to be gone',
    async () => (await admin.get('argoproj.io/v1alpha1', 'Rollout', namespace, CANARY.rollout)) === undefined,
    { within: 120_000 },
  );
  const outcome = rollgate ? await outcomeOf(scene, place) : { error: undefined, says: '' };
  await scene.close();
  return { ...outcome, arrived: ['Rollout'], missing: [] };
}

async function begin(
  { cluster, argoCd, namespace, rollgate }: Place,
  mode: Mode,
  { retries, selfHeal = true, waves = false }: Way,
  commit?: TwoSided,
): Promise<ArgoCdScene> {
  const waved = wave(waves ? (commit?.first ?? []) : [], -1);
  const prepare: SceneOptions['prepare'] = (objects) => prepared(objects).map(waved);
  const scene = await ArgoCdScene.open(cluster, argoCd, namespace, { mode, retries, selfHeal, prepare });
  await healthy(cluster, namespace, CANARY.rollout);
  if (rollgate) await scene.settled();
  return scene;
}

function arrives(scene: ArgoCdScene): Promise<Arrived> {
  return until(
    'the commit',
    async () => {
      const arrived = await scene.arrived();
      return arrived.missing.length === 0 && arrived;
    },
    { within: 120_000 },
  );
}

async function outcomeOf(scene: ArgoCdScene, { rollgate }: Place): Promise<Outcome> {
  // Without Rollgate, Argo CD and the controller overwrite each other without end.
  if (!rollgate) return { error: undefined, says: '', ...(await arrives(scene)) };
  const shown = await scene.settled();
  // With a renamed route the weights are those of Git until the controller writes its own. So an Application may be
  // Synced for a moment, whatever its diff.
  const error = shown === 'Synced' || shown === 'OutOfSync' ? undefined : shown;
  return { error, says: (await scene.application.shown()).says, ...(await scene.arrived()) };
}
