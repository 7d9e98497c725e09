import type { Finding } from '../rules/finding.ts';
import { isKindId, keyFor, keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { asArray, dig, optionalNumber, optionalString, stringMap } from '../world/read.ts';
import type { Role } from '../world/reference-list.ts';
import { references, SERVICE_ROLES } from '../world/references.ts';
import { HASH_LABEL, isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import type { ApiReader } from './live-reads.ts';
import type { Request } from './review.ts';

/** The id of the message. */
export const LOSES_PODS = 'losesPods';

/** The rule whose settings decide about it. */
const RULE = 'service-selector';

const MESSAGE = {
  text: 'Service "{service}" selects {label}: {value}, but the pods of Rollout "{rollout}" that it selects now have {label}: {has}, so it would select no pod',
  fix: 'select only labels that old and new pods share, roll the new pods out, then select {label}: {value}',
};

/** From where the state is read. */
interface Sources {
  readonly world: World;
  readonly live: ApiReader | undefined;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

/**
 * Returns the finding that a Service of a Rollout selects available pods now, and would select none of them. No rule can
 * say that, because rules look at one state: what is wrong is the change. It is certain only by the ReplicaSet whose hash
 * the Service selects before and after: it has available pods, and its pods have another value of a label. ReplicaSets
 * are not cached, so this one and its Rollout are read from the API server. Without it nothing is found. Neither is it
 * about a canary or preview Service with the pods of the stable version: they serve through another Service, and the
 * controller gives this one the hash of the new pods.
 */
export async function lostPods({ object, oldObject }: Request, sources: Sources): Promise<Finding | undefined> {
  if (object === undefined || oldObject === undefined || kindOf(object) !== 'Service') return undefined;
  const [before, after] = [selectorOf(oldObject), selectorOf(object)];
  const hash = after.get(HASH_LABEL);
  if (hash === undefined || before.get(HASH_LABEL) !== hash || isBeingDeleted(object)) return undefined;
  const changed = [...after].filter(([label, value]) => before.get(label) !== value);
  if (changed.length === 0) return undefined;

  const namespace = namespaceOf(object);
  const named = rolloutsWith(object, sources.world).map(({ metadata: { name } }) => ({
    name,
    rolloutKey: keyFor('Rollout.argoproj.io', namespace, name),
    replicaSetKey: keyFor('ReplicaSet.apps', namespace, `${name}-${hash}`),
  }));
  const known = await read(
    named.flatMap(({ rolloutKey, replicaSetKey }) => [rolloutKey, replicaSetKey]),
    sources,
  );
  for (const { name, rolloutKey, replicaSetKey } of named) {
    const labels = labelsOfPods(known(replicaSetKey), known(rolloutKey), { service: object, hash });
    if (labels === undefined || [...before].some(([label, value]) => labels.get(label) !== value)) continue;
    const other = changed.find(([label, value]) => (labels.get(label) ?? value) !== value);
    if (other !== undefined) return findingOf(object, name, other, labels.get(other[0]) ?? '');
  }
  return undefined;
}

/** Returns a function that returns an object; undefined if it does not exist, or is not certain. */
async function read(
  keys: readonly ObjectKey[],
  { world, live, deadline }: Sources,
): Promise<(key: ObjectKey) => KubeObject | undefined> {
  if (keys.length === 0) return () => undefined;
  const found = await live?.fetch(keys, deadline);
  return (key) => {
    if (found !== undefined) {
      const object = found.get(key);
      return object === 'unreadable' ? undefined : object;
    }
    const [kind = '', namespace = '', name = ''] = key.split('/');
    const lookup = isKindId(kind) ? world.get(kind, namespace, name) : undefined;
    return lookup?.state === 'present' ? lookup.object : undefined;
  };
}

function selectorOf(service: KubeObject): ReadonlyMap<string, string> {
  return dig(service, 'spec', 'type') === 'ExternalName' ? new Map() : stringMap(dig(service, 'spec', 'selector'));
}

// More would be one Service that many Rollouts fight over, which another rule says.
const MOST_ROLLOUTS = 3;

function rolloutsWith(service: KubeObject, world: World): readonly KubeObject[] {
  return world
    .referrers(keyOf(service))
    .filter((candidate) => kindOf(candidate) === 'Rollout.argoproj.io' && rolesOf(service, candidate).length > 0)
    .slice(0, MOST_ROLLOUTS);
}

function rolesOf(service: KubeObject, rollout: KubeObject): readonly Role[] {
  const key = keyOf(service);
  return references(rollout).flatMap((reference) =>
    reference.key === key && SERVICE_ROLES.includes(reference.role) ? [reference.role] : [],
  );
}

const OF_NEW_PODS: readonly Role[] = ['canary', 'preview'];

/** Reports whether pods of a Rollout with a hash serve through a Service of it. */
function serves(service: KubeObject, rollout: KubeObject, hash: string): boolean {
  const roles = rolesOf(service, rollout);
  if (roles.some((role) => !OF_NEW_PODS.includes(role))) return true;
  const old = [dig(rollout, 'status', 'stableRS'), dig(rollout, 'status', 'blueGreen', 'activeSelector')];
  return roles.length > 0 && !old.includes(hash);
}

/**
 * Returns the labels of the pods of a ReplicaSet, with the hash; undefined if it has no available pods, or is not one of a
 * Rollout for which the Service serves. Labels that change with the role of a pod are left out.
 */
function labelsOfPods(
  replicaSet: KubeObject | undefined,
  rollout: KubeObject | undefined,
  { service, hash }: { readonly service: KubeObject; readonly hash: string },
): ReadonlyMap<string, string> | undefined {
  if (replicaSet === undefined || rollout === undefined || isBeingDeleted(rollout)) return undefined;
  if (!serves(service, rollout, hash) || !isOwned(replicaSet, rollout)) return undefined;
  if ((optionalNumber(dig(replicaSet, 'status', 'availableReplicas')) ?? 0) <= 0) return undefined;
  const labels = new Map(stringMap(dig(replicaSet, 'spec', 'template', 'metadata', 'labels')));
  if (labels.get(HASH_LABEL) !== hash) return undefined;
  for (const field of EPHEMERAL)
    for (const label of stringMap(dig(rollout, 'spec', 'strategy', ...field, 'labels')).keys()) labels.delete(label);
  return labels;
}

function isOwned(replicaSet: KubeObject, rollout: KubeObject): boolean {
  const uid = optionalString(rollout.metadata['uid']);
  const isOwner = (owner: unknown): boolean => dig(owner, 'uid') === uid && dig(owner, 'controller') === true;
  return (
    uid !== undefined && !isBeingDeleted(replicaSet) && asArray(replicaSet.metadata['ownerReferences']).some(isOwner)
  );
}

const EPHEMERAL = [
  ['canary', 'canaryMetadata'],
  ['canary', 'stableMetadata'],
  ['blueGreen', 'activeMetadata'],
  ['blueGreen', 'previewMetadata'],
];

function findingOf(
  service: KubeObject,
  rollout: string,
  [label, value]: readonly [string, string],
  has: string,
): Finding {
  return {
    rule: RULE,
    messageId: LOSES_PODS,
    class: 'invalid',
    subject: service,
    object: service,
    path: ['spec', 'selector', label],
    // No other object can be changed with it: no order of writes helps.
    related: [],
    anchor: label,
    message: MESSAGE,
    data: { service: service.metadata.name, rollout, label, value, has },
    dependsOn: [],
  };
}
