import { KINDS, type KindId, type KubeObject, type Metadata } from '../world/object.ts';
import { asArray, dig, isObject, type JsonObject } from '../world/read.ts';

/**
 * The name of the ConfigMaps in which Rollouts controllers find their plugins: the only ones whose content is read
 * (Argo Rollouts v1.9.1, `utils/defaults`).
 */
export const CONTROLLER_CONFIG = 'argo-rollouts-config';

/** The kinds of which nothing is asked but whether an object of that name exists; they are read by metadata only. */
export const NAME_ONLY: ReadonlySet<KindId> = new Set<KindId>(['ConfigMap', 'Secret', 'ServiceAccount']);

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

// The status fields that somebody reads: rules and keeps a Rollout's, the conversion the counts of its workload. Others
// change all the time and are forgotten.
const STATUS: Partial<Record<KindId, 'whole' | readonly string[]>> = {
  'Rollout.argoproj.io': 'whole',
  Namespace: 'whole',
  'Experiment.argoproj.io': ['phase'],
  'Deployment.apps': [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
  ],
  'ReplicaSet.apps': ['observedGeneration', 'replicas', 'readyReplicas', 'availableReplicas'],
};

/**
 * In: a kind, the apiVersion it was read at, and the object as the API server sent it. Out: all of it, with apiVersion
 * and kind, which items of lists lack; undefined for what is no object.
 */
export function whole(kind: KindId, apiVersion: string, raw: unknown): KubeObject | undefined {
  const metadata = dig(raw, 'metadata');
  return isObject(raw) && isMetadata(metadata) ? { ...raw, apiVersion, kind: KINDS[kind].kind, metadata } : undefined;
}

/**
 * In: a kind, the apiVersion and the object as the API server sent it, whole or its metadata; items of lists lack
 * apiVersion and kind. Out: what of it is worth keeping in memory, with apiVersion and kind: no last-applied
 * configuration, no status that nobody reads, of managedFields only who writes a Rollout's status, of kinds known by
 * name the name. Undefined for what is no object.
 */
export function trim(kind: KindId, apiVersion: string, raw: unknown): KubeObject | undefined {
  const source = dig(raw, 'metadata');
  if (!isObject(raw) || !isMetadata(source)) return undefined;
  const head = { apiVersion, kind: KINDS[kind].kind };
  if (NAME_ONLY.has(kind) && !(kind === 'ConfigMap' && source.name === CONTROLLER_CONFIG))
    return { ...head, metadata: nameOnly(source) };
  const status = statusOf(kind, raw['status']);
  return {
    ...without(raw, ['apiVersion', 'kind', 'metadata', 'status']),
    ...head,
    metadata: metadataOf(kind, source),
    ...(status === undefined ? {} : { status }),
  };
}

/** In: an object and keys. Out: a copy that lacks them; `delete` would leave it in a form that takes more memory. */
function without(source: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(source).filter(([key]) => !keys.includes(key)));
}

function isMetadata(value: unknown): value is Metadata {
  return isObject(value) && typeof value['name'] === 'string' && value['name'] !== '';
}

function nameOnly({ name, namespace, uid, resourceVersion, deletionTimestamp }: Metadata): Metadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    resourceVersion,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}

function metadataOf(kind: KindId, source: Metadata): Metadata {
  const { annotations } = source;
  return {
    ...without(source, ['managedFields', 'selfLink']),
    name: source.name,
    ...(isObject(annotations) && Object.hasOwn(annotations, LAST_APPLIED)
      ? { annotations: without(annotations, [LAST_APPLIED]) }
      : {}),
    ...(kind === 'Rollout.argoproj.io' ? { managedFields: statusWriters(source['managedFields']) } : {}),
  };
}

/**
 * In: managedFields. Out: the entries of those who write the status, which is how the controller is known whatever
 * account it has, without the fields.
 */
function statusWriters(managedFields: unknown): readonly unknown[] {
  return asArray(managedFields)
    .filter((entry) => dig(entry, 'subresource') === 'status' || isObject(dig(entry, 'fieldsV1', 'f:status')))
    .map((entry) => ({ manager: dig(entry, 'manager'), fieldsV1: { 'f:status': {} } }));
}

function statusOf(kind: KindId, status: unknown): JsonObject | undefined {
  const wanted = STATUS[kind];
  if (wanted === undefined || !isObject(status)) return undefined;
  return wanted === 'whole'
    ? status
    : Object.fromEntries(Object.entries(status).filter(([key]) => wanted.includes(key)));
}
