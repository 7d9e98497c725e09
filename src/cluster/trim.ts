import { KINDS, type KindId, type KubeObject, type Metadata } from '../world/object.ts';
import { asArray, dig, isObject, type JsonObject } from '../world/read.ts';

/**
 * The name of the ConfigMaps with the plugins of Rollouts controllers: the only ones whose content is read (Argo
 * Rollouts v1.9.1, `utils/defaults`).
 */
export const CONTROLLER_CONFIG = 'argo-rollouts-config';

/** The kinds for which only the existence of a name matters; only their metadata is read. */
export const NAME_ONLY: ReadonlySet<KindId> = new Set<KindId>(['ConfigMap', 'Secret', 'ServiceAccount']);

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

// The status fields in use: rules and keeps read a Rollout's, the conversion reads the counts of its workload. Other
// status fields change all the time and are dropped.
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

// Where pod templates are. Nobody reads the commands and the values of environment variables of a cached one: rules look
// only whether they are there.
const POD_SPECS: Partial<Record<KindId, readonly string[]>> = {
  'Rollout.argoproj.io': ['spec', 'template', 'spec'],
  'Deployment.apps': ['spec', 'template', 'spec'],
  'ReplicaSet.apps': ['spec', 'template', 'spec'],
  PodTemplate: ['template', 'spec'],
};
const CONTAINERS = ['containers', 'initContainers'];
const UNREAD_LISTS = ['command', 'args'];
const SOMETHING = '-';

/**
 * Returns the complete object with apiVersion and kind, which items of lists lack; undefined if it is not an object.
 * @param raw - The object as the API server sent it.
 */
export function whole(kind: KindId, apiVersion: string, raw: unknown): KubeObject | undefined {
  const metadata = dig(raw, 'metadata');
  return isObject(raw) && isMetadata(metadata) ? { ...raw, apiVersion, kind: KINDS[kind].kind, metadata } : undefined;
}

/**
 * Returns the parts of an object to keep in memory, with apiVersion and kind; undefined if it is not an object. Drops
 * the last-applied configuration, unused status fields and the values of environment variables. Of managedFields it keeps only the writers of a Rollout's
 * status; of kinds in `NAME_ONLY` only the name.
 * @param raw - The object or its metadata as the API server sent it; items of lists lack apiVersion and kind.
 */
export function trim(kind: KindId, apiVersion: string, raw: unknown): KubeObject | undefined {
  const source = dig(raw, 'metadata');
  if (!isObject(raw) || !isMetadata(source)) return undefined;
  const head = { apiVersion, kind: KINDS[kind].kind };
  if (NAME_ONLY.has(kind) && !(kind === 'ConfigMap' && source.name === CONTROLLER_CONFIG))
    return { ...head, metadata: nameOnly(source) };
  const status = statusOf(kind, raw['status']);
  return {
    ...without(withoutUnread(raw, POD_SPECS[kind]), ['apiVersion', 'kind', 'metadata', 'status']),
    ...head,
    metadata: metadataOf(kind, source),
    ...(status === undefined ? {} : { status }),
  };
}

/** Returns a copy whose containers have only a mark in the place of long values that nobody reads. */
function withoutUnread(value: JsonObject, path: readonly string[] | undefined): JsonObject {
  if (path === undefined) return value;
  const [key, ...rest] = path;
  if (key === undefined) return mapValues(value, (name, list) => (CONTAINERS.includes(name) ? shortened(list) : list));
  const inner = value[key];
  return isObject(inner) ? { ...value, [key]: withoutUnread(inner, rest) } : value;
}

function shortened(containers: unknown): unknown {
  if (!Array.isArray(containers)) return containers;
  return asArray(containers).map((container) =>
    isObject(container)
      ? mapValues(container, (key, value) => {
          if (UNREAD_LISTS.includes(key) && Array.isArray(value)) return value.map(mark);
          if (key !== 'env' || !Array.isArray(value)) return value;
          return asArray(value).map((variable) =>
            isObject(variable)
              ? mapValues(variable, (field, entry) => (field === 'value' ? mark(entry) : entry))
              : variable,
          );
        })
      : container,
  );
}

// An empty text, or one of white space only, is a mistake in some places.
function mark(value: unknown): unknown {
  return typeof value === 'string' && value.trim() !== '' ? SOMETHING : value;
}

function mapValues(source: JsonObject, change: (key: string, value: unknown) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(source).map(([key, value]) => [key, change(key, value)]));
}

/** Returns a copy without some keys. `delete` would leave the object in a form that takes more memory. */
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
 * Returns the entries of managedFields that own the status, without the fields. They identify the controller whatever
 * its account is.
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
