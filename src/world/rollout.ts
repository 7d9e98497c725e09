import { memo, type Counting } from './memo.ts';
import { kindId, namespaceOf, type KindId, type KubeObject } from './object.ts';
import { at, type Path } from './path.ts';
import { below, inEach, type Place } from './place.ts';
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
import { versionsMatching, type OfVersions, type RolloutsVersions } from './rollouts-versions.ts';

/** The label by which the controller distinguishes the pods of different ReplicaSets. */
export const HASH_LABEL = 'rollouts-pod-template-hash';
/** The annotation with the name of the Rollout for which the controller manages a Service or DestinationRule. */
export const MANAGED_BY = 'argo-rollouts.argoproj.io/managed-by-rollouts';

/** Returns the canary strategy, or undefined. An empty mapping counts, as it does for the controller. */
export function canaryOf(rollout: KubeObject): JsonObject | undefined {
  return optionalObject(dig(rollout, 'spec', 'strategy', 'canary'));
}

/** Returns the blue-green strategy, or undefined. */
export function blueGreenOf(rollout: KubeObject): JsonObject | undefined {
  return optionalObject(dig(rollout, 'spec', 'strategy', 'blueGreen'));
}

/** Returns `spec.strategy.canary.trafficRouting`, or undefined. */
export function trafficRoutingOf(rollout: KubeObject): JsonObject | undefined {
  return optionalObject(canaryOf(rollout)?.['trafficRouting']);
}

/** Returns the Istio traffic routing, or undefined. */
export function istioOf(rollout: KubeObject): JsonObject | undefined {
  return optionalObject(trafficRoutingOf(rollout)?.['istio']);
}

/** Returns the canary steps, as written. */
export function stepsOf(rollout: KubeObject): readonly unknown[] {
  return asArray(canaryOf(rollout)?.['steps']);
}

// As many steps take an operation: most are short.
const STEPS_OF_OPERATION = 4;

/** Does the same, for rules that go through them: the operations are counted before they are done. */
export function countedSteps(rollout: KubeObject, { spend }: Counting): readonly unknown[] {
  const steps = stepsOf(rollout);
  spend(Math.floor(steps.length / STEPS_OF_OPERATION));
  return steps;
}

/**
 * Returns whether the validation of the controller reads `maxSurge` or `maxUnavailable` as 0. As upstream, a text that is neither a whole number
 * nor a whole percentage (`ten`, `2.5%`) counts as 0. A missing value does not.
 *
 * @param value - a number of pods, or a percentage
 */
export function countsAsZero(value: unknown): boolean {
  if (typeof value === 'number') return value === 0;
  return typeof value === 'string' && (!/^([+-]?[0-9]+|[0-9]+%)$/.test(value) || !/[1-9]/.test(value));
}

/** The places that `managedRouteNames` reads. */
export const MANAGED_ROUTE_PLACES: readonly Place[] = ['spec.strategy.canary.trafficRouting.managedRoutes'];

/** Returns the names in `trafficRouting.managedRoutes`, in order. */
export const managedRouteNames = memo(collectManagedRoutes);

function collectManagedRoutes(rollout: KubeObject): readonly string[] {
  return asArray(trafficRoutingOf(rollout)?.['managedRoutes']).map((route) => asString(dig(route, 'name')));
}

/** A route that the controller identifies by port (and, for TLS, by SNI hosts). */
export interface PortRoute {
  readonly port: number;
  readonly sniHosts: readonly string[];
}

/** A VirtualService that a Rollout refers to. */
export interface VirtualServiceEntry {
  readonly namespace: string;
  readonly name: string;
  readonly routes: readonly string[];
  readonly tlsRoutes: readonly PortRoute[];
  readonly tcpRoutes: readonly PortRoute[];
  /** The path of the entry in the Rollout. */
  readonly path: Path;
  /** The releases of Argo Rollouts that read its name so; undefined if all do. */
  readonly versions: OfVersions | undefined;
}

/** The places that `virtualServiceEntries` reads. */
export const VIRTUAL_SERVICE_ENTRY_PLACES: readonly Place[] = [
  'spec.strategy.canary.trafficRouting.istio.virtualService',
  'spec.strategy.canary.trafficRouting.istio.virtualServices',
];

/**
 * Returns the VirtualServices that a Rollout refers to, one for each way in which a supported release of Argo Rollouts
 * reads a name. If both or neither of the singular and plural fields are set there are none, as for the controller. A name
 * may be `name.namespace` (Argo Rollouts v1.9.3 and v1.10.1, `utils/istio`).
 */
export const virtualServiceReadings = memo(collectEntries);

/** By what something is judged that depends on the releases of Argo Rollouts. */
export interface VersionedLook {
  readonly versions: RolloutsVersions;
  /** Says that something cannot be judged, and why. */
  skip(reason: string): void;
}

/**
 * Returns the VirtualServices that a Rollout certainly refers to. What a name means that these releases read in different
 * ways is not known, and is said.
 */
export function virtualServiceEntries(rollout: KubeObject, look: VersionedLook): readonly VirtualServiceEntry[] {
  const readings = virtualServiceReadings(rollout);
  if (!readings.some(({ versions }) => versions !== undefined)) return readings;
  return readings.filter((entry) => {
    const matching = versionsMatching(look.versions, entry.versions);
    if (matching === 'some') {
      const { name } = asObject(at(rollout, entry.path));
      look.skip(
        `versions of Argo Rollouts find different VirtualServices for "${asString(name)}": set controllers.version in the policy`,
      );
    }
    return matching === 'all';
  });
}

function collectEntries(rollout: KubeObject): readonly VirtualServiceEntry[] {
  const istio = istioOf(rollout);
  if (istio === undefined) return [];
  const path = ['spec', 'strategy', 'canary', 'trafficRouting', 'istio'];
  const single = istio['virtualService'];
  const plural = istio['virtualServices'];
  // An empty list counts as absent: the controller's own types omit it.
  if (isObject(single) === asArray(plural).length > 0) return [];
  const entries: readonly (readonly [unknown, Path])[] = isObject(single)
    ? [[single, [...path, 'virtualService']]]
    : asArray(plural).map((entry, index) => [entry, [...path, 'virtualServices', index]] as const);
  return entries.flatMap(([entry, path]) => {
    const rest = {
      routes: asArray(dig(entry, 'routes')).map(asString),
      tlsRoutes: asArray(dig(entry, 'tlsRoutes')).map(portRoute),
      tcpRoutes: asArray(dig(entry, 'tcpRoutes')).map(portRoute),
      path,
    };
    return readingsOf(asString(dig(entry, 'name')), namespaceOf(rollout)).map((reading) => ({ ...reading, ...rest }));
  });
}

function readingsOf(
  written: string,
  own: string,
): readonly Pick<VirtualServiceEntry, 'name' | 'namespace' | 'versions'>[] {
  const [first = '', second = ''] = written.split('.');
  const segments = written.replace(/\.cluster\.local$/, '').split('.');
  const last = segments.length > 1 ? (segments.pop() ?? '') : '';
  const before = { name: first, namespace: second === '' ? own : second };
  const since = { name: segments.join('.'), namespace: last === '' ? own : last };
  if (before.name === since.name && before.namespace === since.namespace) return [{ ...before, versions: undefined }];
  return [
    { ...before, versions: { before: 'virtualServiceNamespaceIsLast' } },
    { ...since, versions: { since: 'virtualServiceNamespaceIsLast' } },
  ];
}

function portRoute(entry: unknown): PortRoute {
  const port = dig(entry, 'port');
  return { port: typeof port === 'number' ? port : 0, sniHosts: asArray(dig(entry, 'sniHosts')).map(asString) };
}

/** The places that `stableAndCanaryServices` reads. */
export const STABLE_AND_CANARY_PLACES: readonly Place[] = [
  'spec.strategy.canary.stableService',
  'spec.strategy.canary.canaryService',
  'spec.strategy.canary.pingPong',
  'status.canary.stablePingPong',
];

/** The places that `serviceRoles` reads. */
export const SERVICE_ROLE_PLACES: readonly Place[] = [
  'spec.strategy.canary.stableService',
  'spec.strategy.canary.canaryService',
];

/** Returns the stable and the canary Service as far as they are set, for routers that do not know ping-pong. */
export function serviceRoles(rollout: KubeObject): readonly (readonly [role: 'stable' | 'canary', service: string])[] {
  const canary = canaryOf(rollout);
  const roles = [
    ['stable', asString(canary?.['stableService'])],
    ['canary', asString(canary?.['canaryService'])],
  ] as const;
  return roles.filter(([, service]) => service !== '');
}

/**
 * Returns the Services that receive stable and canary traffic, empty if not set. With ping-pong they are ping and pong,
 * by `status.canary.stablePingPong` (empty means that pong is stable). If stable and canary Services are set too, ping
 * and pong are used only with `preferPingPong`, which is false for Istio (Argo Rollouts v1.9.1,
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

/** Reports whether ping is currently the stable Service. */
export function stableIsPing(rollout: KubeObject): boolean {
  return dig(rollout, 'status', 'canary', 'stablePingPong') === 'ping';
}

/** The Istio DestinationRule that a Rollout refers to, and its subsets. */
export interface DestinationRuleRef {
  readonly name: string;
  readonly stableSubset: string;
  readonly canarySubset: string;
  readonly additionalSubsets: readonly string[];
}

/** The places that `destinationRuleOf` reads. */
export const DESTINATION_RULE_PLACES: readonly Place[] = ['spec.strategy.canary.trafficRouting.istio.destinationRule'];

/** Returns the DestinationRule that a Rollout refers to, or undefined. */
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

/** The places that `isMidUpdate` reads. */
export const MID_UPDATE_PLACES: readonly Place[] = ['status.currentPodHash', 'status.stableRS', 'status.abort'];

/**
 * Reports whether an update of a Rollout is in progress: both hashes are known, they differ, and it is not aborted.
 * @param rollout - From the cluster, with its status.
 */
export function isMidUpdate(rollout: KubeObject): boolean {
  const current = asString(dig(rollout, 'status', 'currentPodHash'));
  const stable = asString(dig(rollout, 'status', 'stableRS'));
  return current !== '' && stable !== '' && current !== stable && dig(rollout, 'status', 'abort') !== true;
}

/** Reports whether an object is being deleted; such an object counts as deleted. */
export function isBeingDeleted(object: KubeObject): boolean {
  return optionalString(object.metadata['deletionTimestamp']) !== undefined;
}

/** Returns whether the controller has written revisions into the status of a Rollout: before that it owns nothing. */
export function hasStatus(rollout: KubeObject): boolean {
  return ['currentPodHash', 'stableRS'].some((field) => optionalString(dig(rollout, 'status', field)) !== undefined);
}

/** The workload that provides a Rollout's pod template. */
export interface WorkloadRef {
  readonly kind: KindId | undefined;
  readonly apiVersion: string;
  readonly kindName: string;
  readonly name: string;
  readonly scaleDown: string;
}

/** Returns `spec.workloadRef`, or undefined. */
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

/** Looks up an object; returns undefined if it is missing or unknown. */
export type Find = (kind: KindId, namespace: string, name: string) => KubeObject | undefined;

/** The pod template and selector that a Rollout runs with. */
export interface EffectiveTemplate {
  /** The object that contains the template: the Rollout or its workload. */
  readonly source: KubeObject;
  /** The path of the template in `source`. */
  readonly path: Path;
  readonly template: JsonObject;
  readonly labels: ReadonlyMap<string, string>;
  /** Empty if there is none. */
  readonly selector: JsonObject;
  readonly matchLabels: ReadonlyMap<string, string>;
}

// PodTemplate is the only kind whose template is not under spec (Argo Rollouts v1.9.1, rollout/templateref.go).
const TEMPLATE_PATHS: Partial<Record<KindId, Path>> = {
  'Deployment.apps': ['spec', 'template'],
  'ReplicaSet.apps': ['spec', 'template'],
  PodTemplate: ['template'],
};

/** The kinds of workload whose template a Rollout can run with. */
export const WORKLOAD_KINDS = [
  'Deployment.apps',
  'ReplicaSet.apps',
  'PodTemplate',
] as const satisfies readonly KindId[];

/**
 * Returns the places in a Rollout that `effectiveTemplate` and its caller read.
 * @param template - The places in the template that the caller reads, in addition to its labels.
 */
export function effectiveTemplatePlaces(...template: readonly string[]): readonly Place[] {
  return ['spec.workloadRef', 'spec.selector', ...below('spec.template', ['metadata.labels', ...template])];
}

/**
 * Returns the places in a workload that `effectiveTemplate` and its caller read.
 * @param template - The places in the template that the caller reads, in addition to its labels.
 */
export function workloadPlaces(
  ...template: readonly string[]
): Readonly<Record<(typeof WORKLOAD_KINDS)[number], readonly Place[]>> {
  const places = ['metadata.labels', ...template];
  return {
    ...inEach(['Deployment.apps', 'ReplicaSet.apps'], ['spec.selector', ...below('spec.template', places)]),
    PodTemplate: below('template', places),
  };
}

/**
 * Returns the pod template that a Rollout runs with, its labels, and the matching selector; undefined if the workload
 * is missing or unknown. With `workloadRef` the template is the workload's, and so is the selector if `spec.selector`
 * is absent (Argo Rollouts v1.9.1, `rollout/templateref.go`).
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
  // A PodTemplate has none.
  const selector = own ?? asObject(path[0] === 'spec' ? dig(source, 'spec', 'selector') : undefined);
  return {
    source,
    path,
    template,
    labels: labelsOf(template),
    selector,
    matchLabels: matchLabelsOf(selector),
  };
}

const labelsOf = memo((template: JsonObject) => stringMap(dig(template, 'metadata', 'labels')));
const matchLabelsOf = memo((selector: JsonObject) => stringMap(selector['matchLabels']));
