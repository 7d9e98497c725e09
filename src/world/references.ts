import { ROUTE_KINDS } from './gateway.ts';
import { memo } from './memo.ts';
import {
  destinationRuleReferences,
  ingressReferences,
  routeReferences,
  virtualRouterReferences,
  virtualServiceReferences,
} from './network-references.ts';
import { keyFor, kindId, kindOf, namespaceOf, type KindId, type KubeObject, type ObjectKey } from './object.ts';
import type { Path } from './path.ts';
import { addPodReferences } from './pod-references.ts';
import { asArray, asObject, asString, dig, optionalString, stringMap } from './read.ts';
import { addReference } from './reference-list.ts';
import { workloadRefOf } from './rollout.ts';
import { addExperimentServices, strategyReferences } from './strategy-references.ts';
import { addAnalysesReferences, templateReferences } from './template-references.ts';
import type { Role, Reference } from './reference-list.ts';

/** The roles of the Services whose selector or weight the controller sets. */
export const SERVICE_ROLES: readonly Role[] = ['stable', 'canary', 'ping', 'pong', 'active', 'preview'];

/**
 * The key to which every ConfigMap of an Argo Rollouts controller refers, so that they are found without knowing the
 * controller's namespace.
 */
export const CONTROLLER_CONFIGURATION: ObjectKey = 'controller/configuration';

/**
 * The key to which every Deployment of an Argo Rollouts controller refers, so that they are found without listing all
 * Deployments.
 */
export const CONTROLLERS: ObjectKey = 'controller/deployments';

// Argo Rollouts v1.9.1, manifests/base.
const CONTROLLER_NAME = 'argo-rollouts';

// Argo Rollouts v1.9.1, utils/defaults (DefaultRolloutsConfigMapName).
const CONTROLLER_CONFIG_MAP = 'argo-rollouts-config';

/**
 * Returns every object that an object refers to, with role and field path, in the order of the fields. For a Rollout
 * these are the references of Argo Rollouts v1.9.1 (`rollout/controller.go`, `pkg/apis/rollouts/v1alpha1/types.go`) and
 * of the Gateway API plugin v0.15.0 (`pkg/plugin/types.go`). For a VirtualService, a route, an Ingress or a
 * DestinationRule these are the Services behind it; for an autoscaler its target. Of more than `MOST_REFERENCES` some are
 * left out. Computed once per object.
 */
export const references = memo(collect);

/**
 * Returns the keys of the objects that an object refers to. Unlike `references` it caches nothing, for an index over
 * many objects.
 */
export function referenceKeys(subject: KubeObject): ReadonlySet<ObjectKey> {
  return new Set(collect(subject).map(({ key }) => key));
}

/**
 * Returns the keys of an object's shared references only, which is cheaper than all of them: its workload, and the key
 * that workloads with the same selector share.
 */
export function sharedKeys(subject: KubeObject): readonly ObjectKey[] {
  switch (kindOf(subject)) {
    case 'Rollout.argoproj.io':
      return sharedByRollout(subject).map(({ key }) => key);
    case 'Deployment.apps':
    case 'ReplicaSet.apps':
      return samePods(subject).map(({ key }) => key);
    default:
      return [];
  }
}

/**
 * Returns the key for references by labels to objects of a kind and namespace; undefined for kinds that are never
 * selected by labels.
 */
export function anyOf(key: ObjectKey): ObjectKey | undefined {
  return ROUTE_KINDS.some((kind) => key.startsWith(kind)) ? `${key.slice(0, key.lastIndexOf('/') + 1)}*` : undefined;
}

/** Returns the key that all workloads share whose selector has exactly these labels. */
export function selectorKey(namespace: string, matchLabels: ReadonlyMap<string, string>): ObjectKey {
  return `selector/${namespace}/${JSON.stringify([...matchLabels].sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

/** The kinds that control the number or size of a workload's pods. */
export const SCALERS: readonly KindId[] = [
  'HorizontalPodAutoscaler.autoscaling',
  'VerticalPodAutoscaler.autoscaling.k8s.io',
  'ScaledObject.keda.sh',
];

const READERS: Partial<Record<KindId, (subject: KubeObject, kind: KindId) => readonly Reference[]>> = {
  'Rollout.argoproj.io': rolloutReferences,
  'AnalysisTemplate.argoproj.io': ofTemplate,
  'ClusterAnalysisTemplate.argoproj.io': ofTemplate,
  'Experiment.argoproj.io': experimentReferences,
  'VirtualService.networking.istio.io': virtualServiceReferences,
  'DestinationRule.networking.istio.io': destinationRuleReferences,
  'Ingress.networking.k8s.io': ingressReferences,
  'VirtualService.appmesh.k8s.aws': virtualRouterReferences,
  'Deployment.apps': (subject) =>
    isController(subject)
      ? [...samePods(subject), ofControllers(subject, 'controller', CONTROLLERS, ['metadata', 'labels'])]
      : samePods(subject),
  'ReplicaSet.apps': (subject) => (asArray(subject.metadata['ownerReferences']).length === 0 ? samePods(subject) : []),
  ConfigMap: (subject) =>
    subject.metadata.name === CONTROLLER_CONFIG_MAP
      ? [ofControllers(subject, 'controller configuration', CONTROLLER_CONFIGURATION, ['data'])]
      : [],
  ...Object.fromEntries(SCALERS.map((kind) => [kind, scalerReferences])),
  ...Object.fromEntries(ROUTE_KINDS.map((kind) => [kind, routeReferences])),
};

function collect(subject: KubeObject): readonly Reference[] {
  const kind = kindOf(subject);
  return kind === undefined ? [] : (READERS[kind]?.(subject, kind) ?? []);
}

function ofTemplate(template: KubeObject): Reference[] {
  return templateReferences(asObject(template['spec']), ['spec'], namespaceOf(template));
}

function rolloutReferences(rollout: KubeObject): Reference[] {
  const path = ['spec', 'template', 'spec'];
  const list = [...strategyReferences(rollout), ...sharedByRollout(rollout)];
  if (workloadRefOf(rollout)?.kind === undefined)
    addPodReferences(list, dig(rollout, ...path), path, namespaceOf(rollout));
  return list;
}

function sharedByRollout(rollout: KubeObject): Reference[] {
  const workload = workloadRefOf(rollout);
  if (workload?.kind === undefined) return samePods(rollout);
  const list: Reference[] = [];
  addReference(list, workload.name, {
    kind: workload.kind,
    namespace: namespaceOf(rollout),
    role: 'workload',
    path: ['spec', 'workloadRef', 'name'],
    shared: true,
  });
  return list;
}

function experimentReferences(experiment: KubeObject): Reference[] {
  const namespace = namespaceOf(experiment);
  const list: Reference[] = [];
  addAnalysesReferences(list, dig(experiment, 'spec', 'analyses'), ['spec', 'analyses'], namespace);
  const templates = dig(experiment, 'spec', 'templates');
  addExperimentServices(list, templates, ['spec', 'templates'], namespace);
  for (const [index, template] of asArray(templates).entries()) {
    const path = ['spec', 'templates', index, 'template', 'spec'];
    addPodReferences(list, dig(template, 'template', 'spec'), path, namespace);
  }
  return list;
}

function scalerReferences(scaler: KubeObject, kind: KindId): Reference[] {
  const field = kind === 'VerticalPodAutoscaler.autoscaling.k8s.io' ? 'targetRef' : 'scaleTargetRef';
  const target = asObject(dig(scaler, 'spec', field));
  // KEDA's scaleTargetRef defaults to a Deployment.
  const fallback =
    kind === 'ScaledObject.keda.sh' ? { apiVersion: 'apps/v1', kind: 'Deployment' } : { apiVersion: '', kind: '' };
  const targetKindName = optionalString(target['kind']) ?? fallback.kind;
  const targetKind =
    kindId(optionalString(target['apiVersion']) ?? fallback.apiVersion, targetKindName) ?? kindNamed(targetKindName);
  const list: Reference[] = [];
  if (targetKind === undefined) return list;
  const path = ['spec', field, 'name'];
  addReference(list, target['name'], { kind: targetKind, namespace: namespaceOf(scaler), role: 'scale target', path });
  // A Rollout that replaces a Deployment has the same name, so the scaler is also found from the Rollout.
  const name = optionalString(target['name']);
  if (targetKind === 'Deployment.apps' && name !== undefined) {
    const key = keyFor('Rollout.argoproj.io', namespaceOf(scaler), name);
    list.push({
      kind: undefined,
      namespace: namespaceOf(scaler),
      name,
      role: 'same name',
      path,
      key,
      shared: false,
      optional: true,
    });
  }
  return list;
}

// A scaler with the right kind and the wrong apiVersion (`apps/v1` Rollout) must still be found from the Rollout that
// it targets.
function kindNamed(kind: string): KindId | undefined {
  if (kind === 'Rollout') return 'Rollout.argoproj.io';
  if (kind === 'Deployment') return 'Deployment.apps';
  return undefined;
}

function samePods(workload: KubeObject): Reference[] {
  const labels = stringMap(dig(workload, 'spec', 'selector', 'matchLabels'));
  if (labels.size === 0) return [];
  const namespace = namespaceOf(workload);
  return [
    {
      kind: undefined,
      namespace,
      name: '',
      role: 'same pods',
      path: ['spec', 'selector', 'matchLabels'],
      key: selectorKey(namespace, labels),
      shared: true,
      optional: true,
    },
  ];
}

function isController(deployment: KubeObject): boolean {
  const labels = asObject(deployment.metadata['labels']);
  // The Helm chart gives its dashboard the same name label. Changes through a dashboard are made by people, not by the
  // controller.
  return (
    labels['app.kubernetes.io/name'] === CONTROLLER_NAME &&
    !asString(labels['app.kubernetes.io/component']).includes('dashboard')
  );
}

function ofControllers(subject: KubeObject, role: Role, key: ObjectKey, path: Path): Reference {
  return { kind: undefined, namespace: namespaceOf(subject), name: '', role, path, key, shared: false, optional: true };
}
