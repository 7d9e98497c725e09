import {
  hasMigrationAnnotations,
  ownershipOf,
  migrationAnnotationsOf,
  uidOf,
  type MigrationAnnotations,
} from '../annotations.ts';
import { boundaryProblem } from '../boundaries.ts';
import type { Observation } from '../next-action.ts';
import { rolloutOf } from '../plan.ts';
import { renderRollout, rolloutName } from '../render.ts';
import { countsPods, leastReplicas, scalersOf } from '../scalers.ts';
import { objectsWithHash, selectorsLeftBehind } from '../state.ts';
import { matchesGlob } from '../../policy/glob.ts';
import { isConversionNamespace, isTrusted, type Policy } from '../../policy/policy.ts';
import { keyFor, namespaceOf, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { asArray, asString } from '../../world/read.ts';
import type { World } from '../../world/world.ts';
import type { Fetched } from '../../cluster/fetch.ts';

/** What the world has of a Deployment and its Rollout. The caller adds what only this process remembers. */
export type Snapshot = Omit<Observation, 'appliedInVain' | 'refusal' | 'policyUids'>;

/** Where observations come from. */
export interface Sources {
  readonly world: World;
  policy(): Policy;
  /** As of `ClusterWorld.fetch`. */
  fetch(keys: readonly ObjectKey[], deadline: number): Promise<ReadonlyMap<ObjectKey, Fetched>>;
  /** Returns the Rollouts of a namespace, as the API server has them. */
  rollouts(namespace: string): Promise<readonly KubeObject[]>;
}

const TIMEOUT = 5_000;

/**
 * Returns whether a Deployment concerns conversion: by its annotations, or because a Rollout that was made from it still
 * controls it. `kubectl rollout undo`, `kubectl replace` and writes of its status can remove all annotations at once.
 */
export function concernsConversion(deployment: KubeObject, world: World): boolean {
  if (hasMigrationAnnotations(deployment)) return true;
  const rollout = rolloutOf(deployment, '', world);
  // A Rollout without an owner may be a copy that somebody has taken over.
  return (
    rollout !== undefined &&
    asArray(rollout.metadata['ownerReferences']).length > 0 &&
    ownershipOf(rollout, deployment) === 'ours'
  );
}

/** Returns what the cache has of a Deployment; undefined if it does not exist or does not concern conversion. */
export function observeCached(key: ObjectKey, { world, policy }: Sources): Snapshot | undefined {
  const [, namespace = '', name = ''] = key.split('/');
  const found = world.get('Deployment.apps', namespace, name);
  if (found.state !== 'present' || !concernsConversion(found.object, world)) return undefined;
  // Admission does not look at annotations there.
  if (policy().exemptions.namespaces.some((glob) => matchesGlob(glob, namespace))) return undefined;
  // Rollgate has no right to write there.
  if (!isConversionNamespace(policy(), namespace)) return undefined;
  return snapshot(found.object, candidate(found.object, world, policy()), world, policy());
}

/** Returns what the API server has of a Deployment, likewise. Rejects when that cannot be determined. */
export async function observeLive(key: ObjectKey, sources: Sources): Promise<Snapshot | undefined> {
  const { world } = sources;
  const policy = sources.policy();
  const deployment = await read(key, sources);
  if (deployment === undefined) return undefined;
  const annotations = migrationAnnotationsOf(deployment);
  const name = candidate(deployment, world, policy)?.metadata.name ?? nameBy(deployment, annotations, policy);
  const rollout =
    name === undefined ? undefined : await read(keyFor('Rollout.argoproj.io', namespaceOf(deployment), name), sources);
  const found = isWhatIsMeant(rollout, deployment, annotations, policy)
    ? rollout
    : ((await search(deployment, annotations, sources)) ?? rollout);
  return snapshot(deployment, found, world, policy);
}

// Both the cache and the name by the profile may be wrong: the Rollout counts as gone only after all have been
// searched.
function isWhatIsMeant(
  rollout: KubeObject | undefined,
  deployment: KubeObject,
  annotations: MigrationAnnotations,
  policy: Policy,
): boolean {
  if (rollout !== undefined && ownershipOf(rollout, deployment) === 'ours') return true;
  return annotations.rolloutUid === undefined && nameBy(deployment, annotations, policy) !== undefined;
}

async function search(
  deployment: KubeObject,
  annotations: MigrationAnnotations,
  { rollouts }: Sources,
): Promise<KubeObject | undefined> {
  const all = await rollouts(namespaceOf(deployment));
  return (
    all.find((rollout) => uidOf(rollout) === annotations.rolloutUid) ??
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

function snapshot(deployment: KubeObject, rollout: KubeObject | undefined, world: World, policy: Policy): Snapshot {
  const { profiles } = policy;
  const annotations = migrationAnnotationsOf(deployment);
  const profile =
    annotations.profile === undefined || !Object.hasOwn(profiles, annotations.profile)
      ? undefined
      : profiles[annotations.profile];
  const ours = rollout !== undefined && ownershipOf(rollout, deployment) === 'ours' ? rollout : undefined;
  const rendered =
    profile === undefined
      ? undefined
      : renderRollout(deployment, profile, { replicas: annotations.replicas ?? 0, name: ours?.metadata.name });
  const name = ours?.metadata.name ?? rendered?.metadata.name ?? '';
  const back = annotations.profile === undefined && ours !== undefined;
  return {
    deployment,
    rollout,
    rendered,
    notAllowed: notAllowed(deployment, rendered, annotations, policy),
    age: Date.now() - (Date.parse(asString(deployment.metadata['creationTimestamp'])) || Date.now()),
    autoscaled: countsPods(scalersOf(world, 'Rollout.argoproj.io', namespaceOf(deployment), name)),
    least: leastReplicas(world, deployment, name),
    leftBehind: back ? selectorsLeftBehind(ours, deployment, world) : [],
    hashesLeft: back ? objectsWithHash(ours, world) : [],
  };
}

// Admission has refused these, but the policy may have changed since, or nobody asked admission.
function notAllowed(
  deployment: KubeObject,
  rendered: KubeObject | undefined,
  { profile: name = '' }: MigrationAnnotations,
  policy: Policy,
): string | undefined {
  const profile = policy.profiles[name];
  if (rendered === undefined || profile === undefined) return undefined;
  const problem = boundaryProblem({ name, profile }, deployment, rendered, (rollouts, objects) =>
    isTrusted(policy, rollouts, objects),
  );
  return problem === undefined ? undefined : `${problem.message}: ${problem.fix}`;
}
