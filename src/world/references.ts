import { destinationService, routesOf } from './istio.ts';
import { backendRefsOf, managedGatewayRoutes, ROUTE_KINDS } from './gateway.ts';
import { keyFor, kindId, kindOf, namespaceOf, type KindId, type KubeObject, type ObjectKey } from './object.ts';
import type { Path } from './path.ts';
import { array, dig, object, optionalString, string, stringMap } from './read.ts';
import { canaryOf, blueGreenOf, istioOf, virtualServiceEntries } from './rollout.ts';

/** What an object is to the one that names it. */
export type Role =
  | 'stable'
  | 'canary'
  | 'ping'
  | 'pong'
  | 'active'
  | 'preview'
  | 'root'
  | 'VirtualService'
  | 'DestinationRule'
  | 'route'
  | 'routes by selector'
  | 'Ingress'
  | 'router'
  | 'template'
  | 'workload'
  | 'ConfigMap'
  | 'Secret'
  | 'ServiceAccount'
  | 'backend'
  | 'scale target'
  | 'same pods'
  | 'controller configuration';

/** One object named by another. */
export interface Reference {
  readonly kind: KindId | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly role: Role;
  /** Where the name stands in the object that refers. */
  readonly path: Path;
  readonly key: ObjectKey;
  /** Whether a change of the referring object touches the other referrers of the target too. */
  readonly shared: boolean;
  /** Whether the target may be missing without harm (`optional: true` of a volume). */
  readonly optional: boolean;
}

/** The roles in which a Rollout names a Service whose selector or weight the controller drives. */
export const SERVICE_ROLES: readonly Role[] = ['stable', 'canary', 'ping', 'pong', 'active', 'preview'];

/** The key to which every ConfigMap that configures an Argo Rollouts controller refers, so that they are found without knowing the controller's namespace. */
export const CONTROLLER_CONFIGURATION: ObjectKey = 'controller/configuration';

// Argo Rollouts v1.9.1, utils/defaults (DefaultRolloutsConfigMapName).
const CONTROLLER_CONFIG_MAP = 'argo-rollouts-config';

const cache = new WeakMap<KubeObject, readonly Reference[]>();

/**
 * In: an object. Out: every object it names, with role and field path, in the order of the fields. For a Rollout
 * these are the references of Argo Rollouts v1.9.1 (`rollout/controller.go`, `pkg/apis/rollouts/v1alpha1/types.go`) and
 * of the Gateway API plugin v0.15.0 (`pkg/plugin/types.go`); for a VirtualService, a route, an Ingress or a DestinationRule
 * the Services behind it; for an autoscaler its target. Costs once an object: the answer is kept as long as the object.
 */
export function references(subject: KubeObject): readonly Reference[] {
  let known = cache.get(subject);
  if (known === undefined) {
    known = collect(subject);
    cache.set(subject, known);
  }
  return known;
}

/** In: a key. Out: the key by which an object says that it refers to some of that kind and namespace, by labels. */
export function anyOf(key: ObjectKey): ObjectKey {
  return key.slice(0, key.lastIndexOf('/') + 1) + '*';
}

/** In: a namespace and `matchLabels`. Out: the key that all workloads with exactly these labels in their selector share. */
export function selectorKey(namespace: string, matchLabels: ReadonlyMap<string, string>): ObjectKey {
  return `selector/${namespace}/${JSON.stringify([...matchLabels].sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

function collect(subject: KubeObject): readonly Reference[] {
  const kind = kindOf(subject);
  switch (kind) {
    case 'Rollout.argoproj.io':
      return rolloutReferences(subject);
    case 'AnalysisTemplate.argoproj.io':
    case 'ClusterAnalysisTemplate.argoproj.io':
      return templateRefs(object(subject['spec']), ['spec'], namespaceOf(subject));
    case 'Experiment.argoproj.io':
      return experimentReferences(subject);
    case 'VirtualService.networking.istio.io':
      return virtualServiceReferences(subject);
    case 'DestinationRule.networking.istio.io':
      return destinationRuleReferences(subject);
    case 'Ingress.networking.k8s.io':
      return ingressReferences(subject);
    case 'HorizontalPodAutoscaler.autoscaling':
    case 'ScaledObject.keda.sh':
      return scalerReferences(subject, kind);
    case 'Deployment.apps':
      return samePods(subject);
    case 'ConfigMap':
      return subject.metadata.name === CONTROLLER_CONFIG_MAP ? [controllerConfiguration(subject)] : [];
    default:
      return kind !== undefined && ROUTE_KINDS.includes(kind) ? routeReferences(subject) : [];
  }
}

function make(kind: KindId, namespace: string, name: string, role: Role, path: Path, more: { shared?: boolean; optional?: boolean } = {}): Reference {
  return {
    kind,
    namespace,
    name,
    role,
    path,
    key: keyFor(kind, namespace, name),
    shared: more.shared ?? false,
    optional: more.optional ?? false,
  };
}

function named(list: Reference[], kind: KindId, namespace: string, value: unknown, role: Role, path: Path, more?: { shared?: boolean; optional?: boolean }): void {
  const name = optionalString(value);
  if (name !== undefined) list.push(make(kind, namespace, name, role, path, more));
}

function rolloutReferences(rollout: KubeObject): Reference[] {
  const namespace = namespaceOf(rollout);
  const list: Reference[] = [];
  const canary = canaryOf(rollout);
  const canaryPath = ['spec', 'strategy', 'canary'];
  if (canary !== undefined) {
    named(list, 'Service', namespace, canary['stableService'], 'stable', [...canaryPath, 'stableService']);
    named(list, 'Service', namespace, canary['canaryService'], 'canary', [...canaryPath, 'canaryService']);
    const pingPong = object(canary['pingPong']);
    named(list, 'Service', namespace, pingPong['pingService'], 'ping', [...canaryPath, 'pingPong', 'pingService']);
    named(list, 'Service', namespace, pingPong['pongService'], 'pong', [...canaryPath, 'pingPong', 'pongService']);
    list.push(...routerReferences(rollout));
    list.push(...templateRefs(object(canary['analysis']), [...canaryPath, 'analysis'], namespace));
    for (const [index, step] of array(canary['steps']).entries()) {
      const path = [...canaryPath, 'steps', index];
      list.push(...templateRefs(object(dig(step, 'analysis')), [...path, 'analysis'], namespace));
      list.push(...analysesRefs(dig(step, 'experiment', 'analyses'), [...path, 'experiment', 'analyses'], namespace));
    }
  }
  const blueGreen = blueGreenOf(rollout);
  if (blueGreen !== undefined) {
    const path = ['spec', 'strategy', 'blueGreen'];
    named(list, 'Service', namespace, blueGreen['activeService'], 'active', [...path, 'activeService']);
    named(list, 'Service', namespace, blueGreen['previewService'], 'preview', [...path, 'previewService']);
    for (const field of ['prePromotionAnalysis', 'postPromotionAnalysis']) {
      list.push(...templateRefs(object(blueGreen[field]), [...path, field], namespace));
    }
  }
  const workload = object(dig(rollout, 'spec', 'workloadRef'));
  const workloadKind = kindId(string(workload['apiVersion']), string(workload['kind']));
  if (workloadKind !== undefined) {
    named(list, workloadKind, namespace, workload['name'], 'workload', ['spec', 'workloadRef', 'name'], { shared: true });
  } else {
    list.push(...podReferences(dig(rollout, 'spec', 'template', 'spec'), ['spec', 'template', 'spec'], namespace));
    list.push(...samePods(rollout));
  }
  return list;
}

function routerReferences(rollout: KubeObject): Reference[] {
  const namespace = namespaceOf(rollout);
  const routing = object(canaryOf(rollout)?.['trafficRouting']);
  const path = ['spec', 'strategy', 'canary', 'trafficRouting'];
  const list: Reference[] = [];
  for (const entry of virtualServiceEntries(rollout)) {
    if (entry.name !== '') {
      list.push(make('VirtualService.networking.istio.io', entry.namespace, entry.name, 'VirtualService', [...entry.path, 'name']));
    }
  }
  const rule = dig(istioOf(rollout), 'destinationRule', 'name');
  named(list, 'DestinationRule.networking.istio.io', namespace, rule, 'DestinationRule', [...path, 'istio', 'destinationRule', 'name']);
  for (const route of managedGatewayRoutes(rollout)) {
    if (route.name !== undefined) {
      list.push(make(route.kind, route.namespace, route.name, 'route', route.path));
    } else {
      list.push(make(route.kind, route.namespace, '*', 'routes by selector', route.path));
    }
  }
  const nginx = object(routing['nginx']);
  named(list, 'Ingress.networking.k8s.io', namespace, nginx['stableIngress'], 'Ingress', [...path, 'nginx', 'stableIngress']);
  for (const [index, name] of array(nginx['stableIngresses']).entries()) {
    named(list, 'Ingress.networking.k8s.io', namespace, name, 'Ingress', [...path, 'nginx', 'stableIngresses', index]);
  }
  const alb = object(routing['alb']);
  named(list, 'Ingress.networking.k8s.io', namespace, alb['ingress'], 'Ingress', [...path, 'alb', 'ingress']);
  for (const [index, name] of array(alb['ingresses']).entries()) {
    named(list, 'Ingress.networking.k8s.io', namespace, name, 'Ingress', [...path, 'alb', 'ingresses', index]);
  }
  named(list, 'Service', namespace, alb['rootService'], 'root', [...path, 'alb', 'rootService']);
  const smi = object(routing['smi']);
  named(list, 'Service', namespace, smi['rootService'], 'root', [...path, 'smi', 'rootService']);
  for (const [index, name] of array(dig(routing, 'ambassador', 'mappings')).entries()) {
    named(list, 'Mapping.getambassador.io', namespace, name, 'router', [...path, 'ambassador', 'mappings', index]);
  }
  named(list, 'TraefikService.traefik.io', namespace, dig(routing, 'traefik', 'weightedTraefikServiceName'), 'router', [...path, 'traefik', 'weightedTraefikServiceName']);
  named(list, 'ApisixRoute.apisix.apache.org', namespace, dig(routing, 'apisix', 'route', 'name'), 'router', [...path, 'apisix', 'route', 'name']);
  named(list, 'VirtualService.appmesh.k8s.aws', namespace, dig(routing, 'appMesh', 'virtualService', 'name'), 'router', [...path, 'appMesh', 'virtualService', 'name']);
  return list;
}

/** In: an object with a `templates` list (a Rollout's analysis, a template), its path, and the namespace. Out: the templates it names. */
function templateRefs(holder: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  for (const [index, entry] of array(dig(holder, 'templates')).entries()) {
    const kind = dig(entry, 'clusterScope') === true ? 'ClusterAnalysisTemplate.argoproj.io' : 'AnalysisTemplate.argoproj.io';
    named(list, kind, namespace, dig(entry, 'templateName'), 'template', [...path, 'templates', index, 'templateName']);
  }
  return list;
}

function analysesRefs(analyses: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  for (const [index, entry] of array(analyses).entries()) {
    const kind = dig(entry, 'clusterScope') === true ? 'ClusterAnalysisTemplate.argoproj.io' : 'AnalysisTemplate.argoproj.io';
    named(list, kind, namespace, dig(entry, 'templateName'), 'template', [...path, index, 'templateName']);
  }
  return list;
}

function experimentReferences(experiment: KubeObject): Reference[] {
  const namespace = namespaceOf(experiment);
  const list = analysesRefs(dig(experiment, 'spec', 'analyses'), ['spec', 'analyses'], namespace);
  for (const [index, template] of array(dig(experiment, 'spec', 'templates')).entries()) {
    list.push(...podReferences(dig(template, 'template', 'spec'), ['spec', 'templates', index, 'template', 'spec'], namespace));
  }
  return list;
}

/**
 * In: a pod spec, its path, and the namespace. Out: the ConfigMaps, Secrets and the ServiceAccount it names. Secrets
 * are known by name only; nothing in Rollgate reads one.
 */
export function podReferences(podSpec: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  named(list, 'ServiceAccount', namespace, dig(podSpec, 'serviceAccountName'), 'ServiceAccount', [...path, 'serviceAccountName']);
  for (const [index, volume] of array(dig(podSpec, 'volumes')).entries()) {
    const at = [...path, 'volumes', index];
    const optional = (source: string): { optional: boolean } => ({ optional: dig(volume, source, 'optional') === true });
    named(list, 'ConfigMap', namespace, dig(volume, 'configMap', 'name'), 'ConfigMap', [...at, 'configMap', 'name'], optional('configMap'));
    named(list, 'Secret', namespace, dig(volume, 'secret', 'secretName'), 'Secret', [...at, 'secret', 'secretName'], optional('secret'));
    for (const [source, projection] of array(dig(volume, 'projected', 'sources')).entries()) {
      const inside = [...at, 'projected', 'sources', source];
      const maybe = (kind: string): { optional: boolean } => ({ optional: dig(projection, kind, 'optional') === true });
      named(list, 'ConfigMap', namespace, dig(projection, 'configMap', 'name'), 'ConfigMap', [...inside, 'configMap', 'name'], maybe('configMap'));
      named(list, 'Secret', namespace, dig(projection, 'secret', 'name'), 'Secret', [...inside, 'secret', 'name'], maybe('secret'));
    }
  }
  for (const field of ['initContainers', 'containers']) {
    for (const [index, container] of array(dig(podSpec, field)).entries()) {
      const at = [...path, field, index];
      for (const [source, entry] of array(dig(container, 'envFrom')).entries()) {
        const inside = [...at, 'envFrom', source];
        named(list, 'ConfigMap', namespace, dig(entry, 'configMapRef', 'name'), 'ConfigMap', [...inside, 'configMapRef', 'name'], { optional: dig(entry, 'configMapRef', 'optional') === true });
        named(list, 'Secret', namespace, dig(entry, 'secretRef', 'name'), 'Secret', [...inside, 'secretRef', 'name'], { optional: dig(entry, 'secretRef', 'optional') === true });
      }
      for (const [variable, entry] of array(dig(container, 'env')).entries()) {
        const inside = [...at, 'env', variable, 'valueFrom'];
        const from = dig(entry, 'valueFrom');
        named(list, 'ConfigMap', namespace, dig(from, 'configMapKeyRef', 'name'), 'ConfigMap', [...inside, 'configMapKeyRef', 'name'], { optional: dig(from, 'configMapKeyRef', 'optional') === true });
        named(list, 'Secret', namespace, dig(from, 'secretKeyRef', 'name'), 'Secret', [...inside, 'secretKeyRef', 'name'], { optional: dig(from, 'secretKeyRef', 'optional') === true });
      }
    }
  }
  return list;
}

function virtualServiceReferences(virtualService: KubeObject): Reference[] {
  const list: Reference[] = [];
  for (const route of routesOf(virtualService)) {
    for (const destination of route.destinations) {
      const service = destinationService(destination.host, namespaceOf(virtualService));
      if (service !== undefined) list.push(make('Service', service.namespace, service.name, 'backend', [...destination.path, 'destination', 'host']));
    }
  }
  return list;
}

function destinationRuleReferences(rule: KubeObject): Reference[] {
  const service = destinationService(string(dig(rule, 'spec', 'host')), namespaceOf(rule));
  return service === undefined ? [] : [make('Service', service.namespace, service.name, 'backend', ['spec', 'host'])];
}

function routeReferences(route: KubeObject): Reference[] {
  return backendRefsOf(route)
    .filter((backend) => backend.isService)
    .map((backend) => make('Service', backend.namespace, backend.name, 'backend', [...backend.path, 'name']));
}

function ingressReferences(ingress: KubeObject): Reference[] {
  const list: Reference[] = [];
  const namespace = namespaceOf(ingress);
  named(list, 'Service', namespace, dig(ingress, 'spec', 'defaultBackend', 'service', 'name'), 'backend', ['spec', 'defaultBackend', 'service', 'name']);
  for (const [rule, entry] of array(dig(ingress, 'spec', 'rules')).entries()) {
    for (const [index, path] of array(dig(entry, 'http', 'paths')).entries()) {
      const at = ['spec', 'rules', rule, 'http', 'paths', index, 'backend'];
      named(list, 'Service', namespace, dig(path, 'backend', 'service', 'name'), 'backend', [...at, 'service', 'name']);
      named(list, 'Service', namespace, dig(path, 'backend', 'serviceName'), 'backend', [...at, 'serviceName']);
    }
  }
  return list;
}

function scalerReferences(scaler: KubeObject, kind: KindId): Reference[] {
  const target = object(dig(scaler, 'spec', 'scaleTargetRef'));
  // KEDA's scaleTargetRef defaults to a Deployment.
  const fallback = kind === 'ScaledObject.keda.sh' ? { apiVersion: 'apps/v1', kind: 'Deployment' } : { apiVersion: '', kind: '' };
  const targetKindName = optionalString(target['kind']) ?? fallback.kind;
  const targetKind = kindId(optionalString(target['apiVersion']) ?? fallback.apiVersion, targetKindName) ?? kindNamed(targetKindName);
  const list: Reference[] = [];
  if (targetKind !== undefined) {
    named(list, targetKind, namespaceOf(scaler), target['name'], 'scale target', ['spec', 'scaleTargetRef', 'name']);
  }
  return list;
}

// A scaler with the right kind under the wrong apiVersion (`apps/v1` Rollout) must still be found from the Rollout it means.
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

function controllerConfiguration(configMap: KubeObject): Reference {
  return {
    kind: undefined,
    namespace: namespaceOf(configMap),
    name: '',
    role: 'controller configuration',
    path: ['data'],
    key: CONTROLLER_CONFIGURATION,
    shared: false,
    optional: true,
  };
}
