import { memo } from './memo.ts';
import { isObject, asString, type JsonObject } from './read.ts';

/** A Kubernetes object. Its apiVersion, kind and name are strings; the rest may be anything. */
export interface KubeObject extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

/** The metadata of a Kubernetes object. */
export interface Metadata extends JsonObject {
  readonly name: string;
  readonly namespace?: string;
}

interface KindInfo {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/**
 * The kinds that Rollgate knows, by id. An id is `Kind.group`, as `kubectl get` accepts it; the core group has no
 * suffix.
 */
export const KINDS = {
  'Rollout.argoproj.io': { group: 'argoproj.io', kind: 'Rollout', plural: 'rollouts', namespaced: true },
  'AnalysisTemplate.argoproj.io': {
    group: 'argoproj.io',
    kind: 'AnalysisTemplate',
    plural: 'analysistemplates',
    namespaced: true,
  },
  'ClusterAnalysisTemplate.argoproj.io': {
    group: 'argoproj.io',
    kind: 'ClusterAnalysisTemplate',
    plural: 'clusteranalysistemplates',
    namespaced: false,
  },
  'Experiment.argoproj.io': { group: 'argoproj.io', kind: 'Experiment', plural: 'experiments', namespaced: true },
  Service: { group: '', kind: 'Service', plural: 'services', namespaced: true },
  ConfigMap: { group: '', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
  Secret: { group: '', kind: 'Secret', plural: 'secrets', namespaced: true },
  ServiceAccount: { group: '', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true },
  PersistentVolumeClaim: {
    group: '',
    kind: 'PersistentVolumeClaim',
    plural: 'persistentvolumeclaims',
    namespaced: true,
  },
  Namespace: { group: '', kind: 'Namespace', plural: 'namespaces', namespaced: false },
  PodTemplate: { group: '', kind: 'PodTemplate', plural: 'podtemplates', namespaced: true },
  ResourceQuota: { group: '', kind: 'ResourceQuota', plural: 'resourcequotas', namespaced: true },
  'Deployment.apps': { group: 'apps', kind: 'Deployment', plural: 'deployments', namespaced: true },
  'ReplicaSet.apps': { group: 'apps', kind: 'ReplicaSet', plural: 'replicasets', namespaced: true },
  'Ingress.networking.k8s.io': { group: 'networking.k8s.io', kind: 'Ingress', plural: 'ingresses', namespaced: true },
  'VirtualService.networking.istio.io': {
    group: 'networking.istio.io',
    kind: 'VirtualService',
    plural: 'virtualservices',
    namespaced: true,
  },
  'DestinationRule.networking.istio.io': {
    group: 'networking.istio.io',
    kind: 'DestinationRule',
    plural: 'destinationrules',
    namespaced: true,
  },
  'HTTPRoute.gateway.networking.k8s.io': {
    group: 'gateway.networking.k8s.io',
    kind: 'HTTPRoute',
    plural: 'httproutes',
    namespaced: true,
  },
  'GRPCRoute.gateway.networking.k8s.io': {
    group: 'gateway.networking.k8s.io',
    kind: 'GRPCRoute',
    plural: 'grpcroutes',
    namespaced: true,
  },
  'TCPRoute.gateway.networking.k8s.io': {
    group: 'gateway.networking.k8s.io',
    kind: 'TCPRoute',
    plural: 'tcproutes',
    namespaced: true,
  },
  'TLSRoute.gateway.networking.k8s.io': {
    group: 'gateway.networking.k8s.io',
    kind: 'TLSRoute',
    plural: 'tlsroutes',
    namespaced: true,
  },
  'HorizontalPodAutoscaler.autoscaling': {
    group: 'autoscaling',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    namespaced: true,
  },
  'VerticalPodAutoscaler.autoscaling.k8s.io': {
    group: 'autoscaling.k8s.io',
    kind: 'VerticalPodAutoscaler',
    plural: 'verticalpodautoscalers',
    namespaced: true,
  },
  'ScaledObject.keda.sh': { group: 'keda.sh', kind: 'ScaledObject', plural: 'scaledobjects', namespaced: true },
  'PodDisruptionBudget.policy': {
    group: 'policy',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    namespaced: true,
  },
  'TrafficSplit.split.smi-spec.io': {
    group: 'split.smi-spec.io',
    kind: 'TrafficSplit',
    plural: 'trafficsplits',
    namespaced: true,
  },
  'Mapping.getambassador.io': { group: 'getambassador.io', kind: 'Mapping', plural: 'mappings', namespaced: true },
  'TraefikService.traefik.io': {
    group: 'traefik.io',
    kind: 'TraefikService',
    plural: 'traefikservices',
    namespaced: true,
  },
  'ApisixRoute.apisix.apache.org': {
    group: 'apisix.apache.org',
    kind: 'ApisixRoute',
    plural: 'apisixroutes',
    namespaced: true,
  },
  'VirtualService.appmesh.k8s.aws': {
    group: 'appmesh.k8s.aws',
    kind: 'VirtualService',
    plural: 'virtualservices',
    namespaced: true,
  },
  'VirtualRouter.appmesh.k8s.aws': {
    group: 'appmesh.k8s.aws',
    kind: 'VirtualRouter',
    plural: 'virtualrouters',
    namespaced: true,
  },
  'VirtualNode.appmesh.k8s.aws': {
    group: 'appmesh.k8s.aws',
    kind: 'VirtualNode',
    plural: 'virtualnodes',
    namespaced: true,
  },
} as const satisfies Record<string, KindInfo>;

/** The id of a kind that Rollgate knows. */
export type KindId = keyof typeof KINDS;

const ONLY_IN_MANIFESTS: ReadonlySet<KindId> = new Set(['ResourceQuota']);

/** The kinds that are read in a cluster. Rollgate needs no rights for the others, which it reads only in manifests. */
export const CLUSTER_KINDS: readonly KindId[] = (Object.keys(KINDS) as KindId[]).filter(
  (kind) => !ONLY_IN_MANIFESTS.has(kind),
);

/** Identifies an object: `kindId/namespace/name`; the namespace is empty for a cluster-scoped one. */
export type ObjectKey = string;

// Two groups that served the same kind under an older name. Argo Rollouts before 1.10 defaults to Traefik's old one.
const FORMER_GROUPS: Readonly<Record<string, string>> = {
  'traefik.containo.us': 'traefik.io',
  extensions: 'networking.k8s.io',
};

/**
 * Returns the current group of an apiVersion, empty for the core group. Versions of a kind are compared only by group
 * and kind.
 */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  return (Object.hasOwn(FORMER_GROUPS, group) ? FORMER_GROUPS[group] : undefined) ?? group;
}

/** Reports whether a text is the id of a kind that Rollgate knows. */
export function isKindId(text: string): text is KindId {
  return Object.hasOwn(KINDS, text);
}

const BY_KIND = new Map<string, readonly { readonly group: string; readonly id: KindId }[]>();
for (const [id, { group, kind }] of Object.entries(KINDS) as [KindId, KindInfo][]) {
  const groups = [group, ...Object.keys(FORMER_GROUPS).filter((former) => FORMER_GROUPS[former] === group)];
  BY_KIND.set(kind, [...(BY_KIND.get(kind) ?? []), ...groups.map((name) => ({ group: name, id }))]);
}

/** Returns the id of a kind, or undefined if Rollgate does not know it. */
export function kindId(apiVersion: string, kind: string): KindId | undefined {
  // Called many times for every request, so it builds no string.
  return BY_KIND.get(kind)?.find(({ group }) =>
    group === ''
      ? !apiVersion.includes('/')
      : apiVersion.charCodeAt(group.length) === 0x2f && apiVersion.startsWith(group),
  )?.id;
}

/** Returns the id of an object's kind, or undefined if Rollgate does not know it. */
export function kindOf(object: KubeObject): KindId | undefined {
  return kindId(object.apiVersion, object.kind);
}

/** Returns the key of an object. */
export function keyFor(kind: KindId, namespace: string, name: string): ObjectKey {
  return `${kind}/${KINDS[kind].namespaced ? namespace : ''}/${name}`;
}

const LIST = 'list';

/**
 * Returns the key that stands for all objects of a kind in a namespace, or in all namespaces if it is empty. No object
 * has it.
 */
export function listKey(kind: KindId, namespace: string): ObjectKey {
  return `${LIST}/${kind}/${KINDS[kind].namespaced ? namespace : ''}`;
}

/** Returns what a key made by `listKey` stands for; undefined for any other key. */
export function listIn(key: ObjectKey): { readonly kind: KindId; readonly namespace: string } | undefined {
  const [prefix, kind = '', namespace = ''] = key.split('/', 3);
  return prefix === LIST && isKindId(kind) ? { kind, namespace } : undefined;
}

/** Returns the key of an object, also for kinds that Rollgate does not know. Computed once per object. */
export const keyOf = memo((object: KubeObject): ObjectKey => {
  const id = kindOf(object);
  const { name } = object.metadata;
  return id === undefined
    ? `${object.kind}.${groupOf(object.apiVersion)}/${namespaceOf(object)}/${name}`
    : keyFor(id, namespaceOf(object), name);
});

/** Returns the namespace of an object, empty if it names none. */
export function namespaceOf(object: KubeObject): string {
  return asString(object.metadata.namespace);
}

/** Reports whether a value can be treated as a Kubernetes object: it has apiVersion, kind and metadata. */
export function isKubeObject(value: unknown): value is KubeObject {
  return (
    isObject(value) &&
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    isObject(value['metadata']) &&
    typeof value['metadata']['name'] === 'string'
  );
}

/** Identifies an object in messages. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Returns the reference to an object for messages. */
export function refOf(object: KubeObject): ObjectRef {
  return { kind: object.kind, namespace: namespaceOf(object), name: object.metadata.name };
}

/** Reports whether two references identify the same object. */
export function sameRef(a: ObjectRef, b: ObjectRef): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}
