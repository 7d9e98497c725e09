import {
  hasMigrationAnnotations,
  ownershipOf,
  migrationAnnotationsOf,
  uidOf,
  type MigrationAnnotations,
} from '../annotations.ts';
import type { Observation } from '../next-action.ts';
import { rolloutOf } from '../plan.ts';
import { renderRollout, rolloutName } from '../render.ts';
import { countsPods, leastReplicas, scalersOf } from '../scalers.ts';
import { objectsWithHash, selectorsLeftBehind } from '../state.ts';
import { matchesGlob, type Policy } from '../../policy/policy.ts';
import { keyFor, namespaceOf, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { asString } from '../../world/read.ts';
import type { World } from '../../world/world.ts';
import type { Fetched } from '../../cluster/fetch.ts';

/**
 * What is seen of a Deployment and its Rollout in the world; what this process alone remembers is added by whoever
 * asks.
 */
export type Snapshot = Omit<Observation, 'appliedInVain' | 'refusal'>;

/** Where it is looked. */
export interface Sources {
  readonly world: World;
  policy(): Policy;
  /** As of `ClusterWorld.fetch`. */
  fetch(keys: readonly ObjectKey[], deadline: number): Promise<ReadonlyMap<ObjectKey, Fetched>>;
  /** In: a namespace. Out: the Rollouts in it, as the API server has them. */
  rollouts(namespace: string): Promise<readonly KubeObject[]>;
}

const TIMEOUT = 5_000;

/**
 * In: the key of a Deployment, and where to look. Out: what the cache has of it; undefined where it has no such
 * Deployment, or one that has nothing to do with conversion.
 */
export function observeCached(key: ObjectKey, { world, policy }: Sources): Snapshot | undefined {
  const [, namespace = '', name = ''] = key.split('/');
  const found = world.get('Deployment.apps', namespace, name);
  if (found.state !== 'present' || !hasMigrationAnnotations(found.object)) return undefined;
  // Nobody has looked at what is written there.
  if (policy().exemptions.namespaces.some((glob) => matchesGlob(glob, namespace))) return undefined;
  return snapshot(found.object, candidate(found.object, world, policy()), world, policy());
}

/**
 * In: the key of a Deployment, and where to look. Out: what the API server has of it, likewise. Rejects when that
 * cannot be told.
 */
export async function observeLive(key: ObjectKey, sources: Sources): Promise<Snapshot | undefined> {
  const { world } = sources;
  const policy = sources.policy();
  const deployment = await read(key, sources);
  if (deployment === undefined) return undefined;
  const marks = migrationAnnotationsOf(deployment);
  const name = candidate(deployment, world, policy)?.metadata.name ?? nameBy(deployment, marks, policy);
  const rollout =
    name === undefined ? undefined : await read(keyFor('Rollout.argoproj.io', namespaceOf(deployment), name), sources);
  const found = isWhatIsMeant(rollout, deployment, marks, policy)
    ? rollout
    : ((await search(deployment, marks, sources)) ?? rollout);
  return snapshot(deployment, found, world, policy);
}

// The cache, and the name by the profile, may both lead nowhere; that it is gone is said only after all have been
// looked at.
function isWhatIsMeant(
  rollout: KubeObject | undefined,
  deployment: KubeObject,
  marks: MigrationAnnotations,
  policy: Policy,
): boolean {
  if (rollout !== undefined && ownershipOf(rollout, deployment) === 'ours') return true;
  return marks.rolloutUid === undefined && nameBy(deployment, marks, policy) !== undefined;
}

async function search(
  deployment: KubeObject,
  marks: MigrationAnnotations,
  { rollouts }: Sources,
): Promise<KubeObject | undefined> {
  const all = await rollouts(namespaceOf(deployment));
  return (
    all.find((rollout) => uidOf(rollout) === marks.rolloutUid) ??
    all.find((rollout) => ownershipOf(rollout, deployment) === 'ours')
  );
}

async function read(key: ObjectKey, { fetch }: Sources): Promise<KubeObject | undefined> {
  const found = (await fetch([key], Date.now() + TIMEOUT)).get(key);
  if (found === 'unreadable') throw new Error(`${key} could not be read`);
  return found;
}

function candidate(deployment: KubeObject, world: World, policy: Policy): KubeObject | undefined {
  return rolloutOf(deployment, nameBy(deployment, migrationAnnotationsOf(deployment), policy) ?? '', world);
}

function nameBy(deployment: KubeObject, { profile }: MigrationAnnotations, { profiles }: Policy): string | undefined {
  const known = profile === undefined || !Object.hasOwn(profiles, profile) ? undefined : profiles[profile];
  return known === undefined ? undefined : rolloutName(known, deployment);
}

function snapshot(
  deployment: KubeObject,
  rollout: KubeObject | undefined,
  world: World,
  { profiles }: Policy,
): Snapshot {
  const marks = migrationAnnotationsOf(deployment);
  const profile =
    marks.profile === undefined || !Object.hasOwn(profiles, marks.profile) ? undefined : profiles[marks.profile];
  const ours = rollout !== undefined && ownershipOf(rollout, deployment) === 'ours' ? rollout : undefined;
  const rendered =
    profile === undefined
      ? undefined
      : renderRollout(deployment, profile, { replicas: marks.replicas ?? 0, name: ours?.metadata.name });
  const name = ours?.metadata.name ?? rendered?.metadata.name ?? '';
  const back = marks.profile === undefined && ours !== undefined;
  return {
    deployment,
    rollout,
    rendered,
    age: Date.now() - (Date.parse(asString(deployment.metadata['creationTimestamp'])) || Date.now()),
    autoscaled: countsPods(scalersOf(world, 'Rollout.argoproj.io', namespaceOf(deployment), name)),
    least: leastReplicas(world, deployment, name),
    leftBehind: back ? selectorsLeftBehind(ours, deployment, world) : [],
    hashesLeft: back ? objectsWithHash(ours, world) : [],
  };
}
