import { asArray, asObject, asString } from '../../../../src/world/read.ts';
import { until } from '../../harness/program.ts';
import type { FluxShows } from '../../harness/flux/kustomization.ts';
import { edited } from '../canaries.ts';
import type { Arrived } from '../commits/arrived.ts';
import { all, canaryOf, edit, image, only, rolloutRoute, type Change } from '../commits/changes.ts';
import { CANARY } from '../commits/example.ts';
import type { TwoSided } from '../commits/two-sided.ts';
import { healthy, pausedAt } from '../rollouts.ts';
import { FluxScene, type Place } from './scene.ts';

/** What came of a commit. */
export interface Outcome extends Arrived {
  readonly shows: FluxShows;
}

/** Makes a commit that changes both sides. The Rollout is not updating. */
export async function twoSided(place: Place, { change }: TwoSided): Promise<Outcome> {
  const scene = await FluxScene.open(place);
  const shows = await scene.commit(change);
  const arrived = await scene.arrived();
  await healthy(place.cluster, place.namespace, CANARY.rollout);
  await scene.close();
  return { shows, ...arrived };
}

/**
 * Makes a commit that changes both sides in the middle of an update, with an edit of the DestinationRule; then promotes
 * the update to its end. Returns what came of the commit before and after that.
 */
export async function midUpdate(
  place: Place,
  { change }: TwoSided,
): Promise<{ readonly during: Outcome; readonly after: Outcome }> {
  const { cluster, namespace } = place;
  const scene = await FluxScene.open(place);
  await scene.commit(image('2'));
  await pausedAt(cluster, namespace, CANARY.rollout, 20);
  const edit = only('DestinationRule', (rule) => edited(rule, 1));
  const shows = await scene.commit(all(change, edit));
  const during = { shows, ...(await scene.arrived()) };
  await scene.rollouts('promote', '--full');
  await scene.applied();
  await healthy(cluster, namespace, CANARY.rollout);
  // Without Rollgate, Flux may have written before the controller did: then the controller has deleted a subset that its
  // Rollout did not name yet. In production the next run, at `interval`, brings it back.
  await scene.reconcile();
  const after = { shows: { ready: true, message: '' }, ...(await scene.arrived()) };
  await scene.close();
  return { during, after };
}

/** A commit with a mistake, and the one that corrects it. */
export interface Corrected {
  readonly wrong: Outcome;
  readonly corrected: Outcome;
}

/** Makes a commit with a mistake in the Rollout alone, and an edit of the VirtualService; then corrects it. */
export function ownMistake(place: Place): Promise<Corrected> {
  return mistake(place, withFirstStep({ setWeight: 120 }), withFirstStep(CANARY.steps[0]));
}

/**
 * Makes the Rollout refer to a route that no commit brings, in one commit with an edit of the VirtualService; then
 * corrects it.
 *
 * @param told - Called in between: what stands there must be said somewhere.
 */
export function absentRoute(place: Place, told: () => Promise<void>): Promise<Corrected> {
  return mistake(place, rolloutRoute('absent'), rolloutRoute('primary'), told);
}

/** Waits for the Event about a contradiction that a reconciler has written, and returns its message. */
export function contradictionEvent({ cluster, namespace }: Place): Promise<string> {
  return until(
    'the Event',
    async () => {
      const events = await cluster.controlPlane.admin.list('v1', 'Event', namespace);
      const found = events.find((event) => event['reason'] === 'ContradictionStands');
      return found !== undefined && asString(found['message']);
    },
    { within: 120_000 },
  );
}

/** Removes the Rollout from Git, which makes Flux delete it. */
export async function removal(place: Place): Promise<FluxShows> {
  const scene = await FluxScene.open(place);
  const shows = await scene.commit((object) => (object.kind === 'Rollout' ? undefined : object));
  const { admin } = place.cluster.controlPlane;
  await until('the Rollout to be gone', async () => {
    const rollouts = await admin.list('argoproj.io/v1alpha1', 'Rollout', place.namespace);
    return rollouts.length === 0;
  });
  await scene.close();
  return shows;
}

/**
 * Takes a canary to its second pause: a new image, an edit of the VirtualService, and two more runs of Flux, then the
 * promotion. Returns the canary weights from the first that the controller wrote.
 */
export async function update(place: Place): Promise<readonly number[]> {
  const { cluster, namespace } = place;
  const scene = await FluxScene.open(place);
  await until('the weights of the controller', () => scene.weights.includes(0));
  await scene.commit(image('2'));
  await pausedAt(cluster, namespace, CANARY.rollout, 20);
  await scene.commit(edit(1));
  await until('the weights of the controller', () => scene.weights.at(-1) === 20);
  for (let run = 0; run < 2; run++) await scene.reconcile();
  await until('the weights of the controller', () => scene.weights.at(-1) === 20);
  await scene.rollouts('promote');
  await pausedAt(cluster, namespace, CANARY.rollout, 60);
  await scene.reconcile();
  await until('the weights of the controller', () => scene.weights.at(-1) === 60);
  await scene.close();
  return scene.weights.slice(scene.weights.indexOf(0));
}

async function mistake(
  place: Place,
  wrong: Change,
  right: Change,
  told: () => Promise<void> = () => Promise.resolve(),
): Promise<Corrected> {
  const scene = await FluxScene.open(place);
  const outcome = async (shows: FluxShows): Promise<Outcome> => ({ shows, ...(await scene.arrived()) });
  const first = await outcome(await scene.commit(all(wrong, edit(1))));
  await told();
  const second = await outcome(await scene.commit(all(right, edit(2))));
  await scene.close();
  return { wrong: first, corrected: second };
}

function withFirstStep(step: unknown): Change {
  return canaryOf((canary) => ({ ...canary, steps: [asObject(step), ...asArray(canary['steps']).slice(1)] }));
}
