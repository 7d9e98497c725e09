import { memo } from './memo.ts';
import { kindId, namespaceOf, type KindId, type KubeObject } from './object.ts';
import type { Path } from './path.ts';
import {
  asArray,
  dig,
  isObject,
  asObject,
  optionalObject,
  optionalString,
  asString,
  stringMap,
  type JsonObject,
} from './read.ts';

/** The label by which the controller tells the pods of one ReplicaSet from another's. */
export const HASH_LABEL = 'rollouts-pod-template-hash';
/** The annotation by which the controller says that it drives a Service or DestinationRule for a Rollout. */
export const MANAGED_BY = 'argo-rollouts.argoproj.io/managed-by-rollouts';

/** In: a Rollout. Out: `spec.strategy.canary`, or undefined. An empty mapping counts, as it does for the controller. */
export function canaryOf(rollout: KubeObject): JsonObject | undefined {
  return optionalObject(dig(rollout, 'spec', 'strategy', 'canary'));
}

/** In: a Rollout. Out: `spec.strategy.blueGreen`, or undefined. */
export function blueGreenOf(rollout: KubeObject): JsonObject | undefined {
  return optionalObject(dig(rollout, 'spec', 'strategy', 'blueGreen'));
}

/** In: a Rollout. Out: `spec.strategy.canary.trafficRouting`, or undefined. */
export function trafficRoutingOf(rollout: KubeObject): JsonObject | undefined {
  return optionalObject(canaryOf(rollout)?.['trafficRouting']);
}

/** In: a Rollout. Out: its Istio traffic routing, or undefined. */
export function istioOf(rollout: KubeObject): JsonObject | undefined {
  return optionalObject(trafficRoutingOf(rollout)?.['istio']);
}

/** In: a Rollout. Out: the steps of its canary, as they came. */
export function stepsOf(rollout: KubeObject): readonly unknown[] {
  return asArray(canaryOf(rollout)?.['steps']);
}

/** In: a Rollout. Out: the names in `trafficRouting.managedRoutes`, in order. */
export const managedRouteNames = memo(collectManagedRoutes);

function collectManagedRoutes(rollout: KubeObject): readonly string[] {
  return asArray(trafficRoutingOf(rollout)?.['managedRoutes']).map((route) => asString(dig(route, 'name')));
}

/** A route that the controller tells by port (and, for TLS, by SNI hosts). */
export interface PortRoute {
  readonly port: number;
  readonly sniHosts: readonly string[];
}

/** One VirtualService that a Rollout names. */
export interface VirtualServiceEntry {
  readonly namespace: string;
  readonly name: string;
  readonly routes: readonly string[];
  readonly tlsRoutes: readonly PortRoute[];
  readonly tcpRoutes: readonly PortRoute[];
  /** Where the entry stands in the Rollout. */
  readonly path: Path;
}

/**
 * In: a Rollout. Out: the VirtualServices it names. Where both the single and the plural form are given, or neither,
 * none, as for the controller; a name may be `name.namespace`, further dots are ignored (Argo Rollouts v1.9.1,
 * `utils/istio`).
 */
export const virtualServiceEntries = memo(collectEntries);

function collectEntries(rollout: KubeObject): readonly VirtualServiceEntry[] {
  const istio = istioOf(rollout);
  if (istio === undefined) return [];
  const path = ['spec', 'strategy', 'canary', 'trafficRouting', 'istio'];
  const single = istio['virtualService'];
  const plural = istio['virtualServices'];
  // An empty list counts as not there: the controller's own types leave it out.
  if (isObject(single) === asArray(plural).length > 0) return [];
  const entries: readonly (readonly [unknown, Path])[] = isObject(single)
    ? [[single, [...path, 'virtualService']]]
    : asArray(plural).map((entry, index) => [entry, [...path, 'virtualServices', index]] as const);
  return entries.map(([entry, at]) => {
    const [name = '', namespace] = asString(dig(entry, 'name')).split('.');
    return {
      namespace: namespace === undefined || namespace === '' ? namespaceOf(rollout) : namespace,
      name,
      routes: asArray(dig(entry, 'routes')).map(asString),
      tlsRoutes: asArray(dig(entry, 'tlsRoutes')).map(portRoute),
      tcpRoutes: asArray(dig(entry, 'tcpRoutes')).map(portRoute),
      path: at,
    };
  });
}

function portRoute(entry: unknown): PortRoute {
  const port = dig(entry, 'port');
  return { port: typeof port === 'number' ? port : 0, sniHosts: asArray(dig(entry, 'sniHosts')).map(asString) };
}

/**
 * In: a Rollout. Out: the Services that receive stable and canary traffic, empty where none is named. With ping-pong
 * they are ping and pong, by `status.canary.stablePingPong` (empty means that pong is stable), unless stable and canary
 * Services are named as well and `preferPingPong` is false, as it is for Istio (Argo Rollouts v1.9.1,
 * `rollout/trafficrouting/service_helper.go`).
 */
export function stableAndCanaryServices(
  rollout: KubeObject,
  preferPingPong: boolean,
): { readonly stable: string; readonly canary: string } {
  const canary = asObject(canaryOf(rollout));
  const stable = asString(canary['stableService']);
  const canaryService = asString(canary['canaryService']);
  const pingPong = optionalObject(canary['pingPong']);
  if (pingPong !== undefined && (preferPingPong || (stable === '' && canaryService === ''))) {
    const ping = asString(pingPong['pingService']);
    const pong = asString(pingPong['pongService']);
    return stableIsPing(rollout) ? { stable: ping, canary: pong } : { stable: pong, canary: ping };
  }
  return { stable, canary: canaryService };
}

/** In: a Rollout. Out: whether ping is the stable Service now. */
export function stableIsPing(rollout: KubeObject): boolean {
  return dig(rollout, 'status', 'canary', 'stablePingPong') === 'ping';
}

/** The Istio DestinationRule that a Rollout names, and the subsets in it. */
export interface DestinationRuleRef {
  readonly name: string;
  readonly stableSubset: string;
  readonly canarySubset: string;
  readonly additionalSubsets: readonly string[];
}

/** In: a Rollout. Out: the DestinationRule it names, or undefined. */
export function destinationRuleOf(rollout: KubeObject): DestinationRuleRef | undefined {
  const rule = optionalObject(istioOf(rollout)?.['destinationRule']);
  if (rule === undefined) return undefined;
  return {
    name: asString(rule['name']),
    stableSubset: asString(rule['stableSubsetName']),
    canarySubset: asString(rule['canarySubsetName']),
    additionalSubsets: asArray(rule['additionalSubsetNames']).map(asString),
  };
}

/**
 * In: a Rollout, from the cluster. Out: whether an update of it is under way: both hashes are known, they differ, and
 * it is not aborted.
 */
export function isMidUpdate(rollout: KubeObject): boolean {
  const current = asString(dig(rollout, 'status', 'currentPodHash'));
  const stable = asString(dig(rollout, 'status', 'stableRS'));
  return current !== '' && stable !== '' && current !== stable && dig(rollout, 'status', 'abort') !== true;
}

/** In: an object. Out: whether it is being deleted; such a one counts as gone. */
export function isBeingDeleted(object: KubeObject): boolean {
  return optionalString(object.metadata['deletionTimestamp']) !== undefined;
}

/** Returns whether the controller has written revisions into the status of a Rollout: before that it owns nothing. */
export function hasStatus(rollout: KubeObject): boolean {
  return ['currentPodHash', 'stableRS'].some((field) => optionalString(dig(rollout, 'status', field)) !== undefined);
}

/** The workload that a Rollout takes its pod template from. */
export interface WorkloadRef {
  readonly kind: KindId | undefined;
  readonly apiVersion: string;
  readonly kindName: string;
  readonly name: string;
  readonly scaleDown: string;
}

/** In: a Rollout. Out: its `spec.workloadRef`, or undefined. */
export function workloadRefOf(rollout: KubeObject): WorkloadRef | undefined {
  const ref = optionalObject(dig(rollout, 'spec', 'workloadRef'));
  if (ref === undefined) return undefined;
  const apiVersion = asString(ref['apiVersion']);
  const kindName = asString(ref['kind']);
  return {
    kind: kindId(apiVersion, kindName),
    apiVersion,
    kindName,
    name: asString(ref['name']),
    scaleDown: asString(ref['scaleDown']),
  };
}

/** Looks an object up; what cannot be known, or is not there, is undefined. */
export type Find = (kind: KindId, namespace: string, name: string) => KubeObject | undefined;

/** The pod template and selector that a Rollout runs with, wherever they stand. */
export interface EffectiveTemplate {
  /** The object in which the template stands: the Rollout, or its workload. */
  readonly source: KubeObject;
  /** Where the template stands in `source`. */
  readonly path: Path;
  readonly template: JsonObject;
  readonly labels: ReadonlyMap<string, string>;
  readonly matchLabels: ReadonlyMap<string, string>;
}

// PodTemplate is the one kind whose template is not under spec (Argo Rollouts v1.9.1, rollout/templateref.go).
const TEMPLATE_PATHS: Partial<Record<KindId, Path>> = {
  'Deployment.apps': ['spec', 'template'],
  'ReplicaSet.apps': ['spec', 'template'],
  PodTemplate: ['template'],
};

/**
 * In: a Rollout and how to look up its workload. Out: the pod template it runs with, its labels, and the selector that
 * goes with it; undefined when the workload is not there or cannot be known. With `workloadRef` the template, and the
 * selector where `spec.selector` is absent, are the workload's (Argo Rollouts v1.9.1, `rollout/templateref.go`).
 */
export function effectiveTemplate(rollout: KubeObject, find: Find): EffectiveTemplate | undefined {
  const ref = workloadRefOf(rollout);
  if (ref === undefined) return templateIn(rollout, rollout, ['spec', 'template']);
  const path = ref.kind === undefined ? undefined : TEMPLATE_PATHS[ref.kind];
  if (ref.kind === undefined || path === undefined) return undefined;
  const workload = find(ref.kind, namespaceOf(rollout), ref.name);
  return workload === undefined ? undefined : templateIn(rollout, workload, path);
}

function templateIn(rollout: KubeObject, source: KubeObject, path: Path): EffectiveTemplate {
  const template = asObject(dig(source, ...path.map(String)));
  const own = optionalObject(dig(rollout, 'spec', 'selector'));
  const selector = own ?? asObject(dig(source, 'spec', 'selector'));
  return {
    source,
    path,
    template,
    labels: labelsOf(template),
    matchLabels: matchLabelsOf(selector),
  };
}

const labelsOf = memo((template: JsonObject) => stringMap(dig(template, 'metadata', 'labels')));
const matchLabelsOf = memo((selector: JsonObject) => stringMap(selector['matchLabels']));
