import { virtualRouterOf, VIRTUAL_ROUTER_PATH } from './appmesh.ts';
import { memo } from './memo.ts';
import { destinationService, readRoutes } from './istio.ts';
import { backendRefsOf, managedGatewayRoutes, ROUTE_KINDS } from './gateway.ts';
import { keyFor, kindId, kindOf, namespaceOf, type KindId, type KubeObject, type ObjectKey } from './object.ts';
import type { Path } from './path.ts';
import { asArray, dig, asObject, optionalString, asString, stringMap } from './read.ts';
import { canaryOf, blueGreenOf, istioOf, virtualServiceEntries, workloadRefOf } from './rollout.ts';

/** The role of an object for the one that refers to it. */
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
  | 'same name'
  | 'controller configuration'
  | 'controller';

/** A reference from one object to another. */
export interface Reference {
  readonly kind: KindId | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly role: Role;
  /** The path of the name in the referring object. */
  readonly path: Path;
  readonly key: ObjectKey;
  /** Whether a change of the referring object affects the other referrers of the target too. */
  readonly shared: boolean;
  /** Whether the target may be missing without harm (`optional: true` of a volume). */
  readonly optional: boolean;
}

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
 * DestinationRule these are the Services behind it; for an autoscaler its target. Computed once per object.
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
  return templateRefs(asObject(template['spec']), ['spec'], namespaceOf(template));
}

interface Target {
  readonly kind: KindId;
  readonly namespace: string;
  readonly role: Role;
  readonly path: Path;
  readonly shared?: boolean;
  readonly optional?: boolean;
}

function make(name: string, { kind, namespace, role, path, shared = false, optional = false }: Target): Reference {
  return { kind, namespace, name, role, path, key: keyFor(kind, namespace, name), shared, optional };
}

function named(list: Reference[], value: unknown, target: Target): void {
  const name = optionalString(value);
  if (name !== undefined) list.push(make(name, target));
}

function rolloutReferences(rollout: KubeObject): Reference[] {
  const namespace = namespaceOf(rollout);
  const list: Reference[] = [];
  const canary = canaryOf(rollout);
  const canaryPath = ['spec', 'strategy', 'canary'];
  if (canary !== undefined) {
    named(list, canary['stableService'], {
      kind: 'Service',
      namespace,
      role: 'stable',
      path: [...canaryPath, 'stableService'],
    });
    named(list, canary['canaryService'], {
      kind: 'Service',
      namespace,
      role: 'canary',
      path: [...canaryPath, 'canaryService'],
    });
    const pingPong = asObject(canary['pingPong']);
    named(list, pingPong['pingService'], {
      kind: 'Service',
      namespace,
      role: 'ping',
      path: [...canaryPath, 'pingPong', 'pingService'],
    });
    named(list, pingPong['pongService'], {
      kind: 'Service',
      namespace,
      role: 'pong',
      path: [...canaryPath, 'pingPong', 'pongService'],
    });
    list.push(...routerReferences(rollout));
    list.push(...templateRefs(asObject(canary['analysis']), [...canaryPath, 'analysis'], namespace));
    for (const [index, step] of asArray(canary['steps']).entries()) {
      const path = [...canaryPath, 'steps', index];
      list.push(...templateRefs(asObject(dig(step, 'analysis')), [...path, 'analysis'], namespace));
      list.push(...analysesRefs(dig(step, 'experiment', 'analyses'), [...path, 'experiment', 'analyses'], namespace));
    }
  }
  const blueGreen = blueGreenOf(rollout);
  if (blueGreen !== undefined) {
    const path = ['spec', 'strategy', 'blueGreen'];
    named(list, blueGreen['activeService'], {
      kind: 'Service',
      namespace,
      role: 'active',
      path: [...path, 'activeService'],
    });
    named(list, blueGreen['previewService'], {
      kind: 'Service',
      namespace,
      role: 'preview',
      path: [...path, 'previewService'],
    });
    for (const field of ['prePromotionAnalysis', 'postPromotionAnalysis']) {
      list.push(...templateRefs(asObject(blueGreen[field]), [...path, field], namespace));
    }
  }
  list.push(...sharedByRollout(rollout));
  if (workloadRefOf(rollout)?.kind === undefined)
    list.push(...podReferences(dig(rollout, 'spec', 'template', 'spec'), ['spec', 'template', 'spec'], namespace));
  return list;
}

function sharedByRollout(rollout: KubeObject): Reference[] {
  const workload = workloadRefOf(rollout);
  if (workload?.kind === undefined) return samePods(rollout);
  const list: Reference[] = [];
  named(list, workload.name, {
    kind: workload.kind,
    namespace: namespaceOf(rollout),
    role: 'workload',
    path: ['spec', 'workloadRef', 'name'],
    shared: true,
  });
  return list;
}

function routerReferences(rollout: KubeObject): Reference[] {
  const namespace = namespaceOf(rollout);
  const routing = asObject(canaryOf(rollout)?.['trafficRouting']);
  const path = ['spec', 'strategy', 'canary', 'trafficRouting'];
  const list: Reference[] = [];
  for (const entry of virtualServiceEntries(rollout)) {
    if (entry.name !== '') {
      list.push(
        make(entry.name, {
          kind: 'VirtualService.networking.istio.io',
          namespace: entry.namespace,
          role: 'VirtualService',
          path: [...entry.path, 'name'],
        }),
      );
    }
  }
  const rule = dig(istioOf(rollout), 'destinationRule', 'name');
  named(list, rule, {
    kind: 'DestinationRule.networking.istio.io',
    namespace,
    role: 'DestinationRule',
    path: [...path, 'istio', 'destinationRule', 'name'],
  });
  for (const route of managedGatewayRoutes(rollout)) {
    if (route.name !== undefined) {
      list.push(make(route.name, { kind: route.kind, namespace: route.namespace, role: 'route', path: route.path }));
    } else {
      list.push(
        make('*', { kind: route.kind, namespace: route.namespace, role: 'routes by selector', path: route.path }),
      );
    }
  }
  const nginx = asObject(routing['nginx']);
  named(list, nginx['stableIngress'], {
    kind: 'Ingress.networking.k8s.io',
    namespace,
    role: 'Ingress',
    path: [...path, 'nginx', 'stableIngress'],
  });
  for (const [index, name] of asArray(nginx['stableIngresses']).entries()) {
    named(list, name, {
      kind: 'Ingress.networking.k8s.io',
      namespace,
      role: 'Ingress',
      path: [...path, 'nginx', 'stableIngresses', index],
    });
  }
  const alb = asObject(routing['alb']);
  named(list, alb['ingress'], {
    kind: 'Ingress.networking.k8s.io',
    namespace,
    role: 'Ingress',
    path: [...path, 'alb', 'ingress'],
  });
  for (const [index, name] of asArray(alb['ingresses']).entries()) {
    named(list, name, {
      kind: 'Ingress.networking.k8s.io',
      namespace,
      role: 'Ingress',
      path: [...path, 'alb', 'ingresses', index],
    });
  }
  named(list, alb['rootService'], { kind: 'Service', namespace, role: 'root', path: [...path, 'alb', 'rootService'] });
  const smi = asObject(routing['smi']);
  named(list, smi['rootService'], { kind: 'Service', namespace, role: 'root', path: [...path, 'smi', 'rootService'] });
  for (const [index, name] of asArray(dig(routing, 'ambassador', 'mappings')).entries()) {
    named(list, name, {
      kind: 'Mapping.getambassador.io',
      namespace,
      role: 'router',
      path: [...path, 'ambassador', 'mappings', index],
    });
  }
  named(list, dig(routing, 'traefik', 'weightedTraefikServiceName'), {
    kind: 'TraefikService.traefik.io',
    namespace,
    role: 'router',
    path: [...path, 'traefik', 'weightedTraefikServiceName'],
  });
  named(list, dig(routing, 'apisix', 'route', 'name'), {
    kind: 'ApisixRoute.apisix.apache.org',
    namespace,
    role: 'router',
    path: [...path, 'apisix', 'route', 'name'],
  });
  named(list, dig(routing, 'appMesh', 'virtualService', 'name'), {
    kind: 'VirtualService.appmesh.k8s.aws',
    namespace,
    role: 'router',
    path: [...path, 'appMesh', 'virtualService', 'name'],
  });
  return list;
}

/**
 * Returns the references of a `templates` list to templates.
 * @param holder - An analysis of a Rollout, or the spec of a template.
 */
function templateRefs(holder: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  for (const [index, entry] of asArray(dig(holder, 'templates')).entries()) {
    const kind =
      dig(entry, 'clusterScope') === true ? 'ClusterAnalysisTemplate.argoproj.io' : 'AnalysisTemplate.argoproj.io';
    named(list, dig(entry, 'templateName'), {
      kind,
      namespace,
      role: 'template',
      path: [...path, 'templates', index, 'templateName'],
    });
  }
  return list;
}

function analysesRefs(analyses: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  for (const [index, entry] of asArray(analyses).entries()) {
    const kind =
      dig(entry, 'clusterScope') === true ? 'ClusterAnalysisTemplate.argoproj.io' : 'AnalysisTemplate.argoproj.io';
    named(list, dig(entry, 'templateName'), {
      kind,
      namespace,
      role: 'template',
      path: [...path, index, 'templateName'],
    });
  }
  return list;
}

function experimentReferences(experiment: KubeObject): Reference[] {
  const namespace = namespaceOf(experiment);
  const list = analysesRefs(dig(experiment, 'spec', 'analyses'), ['spec', 'analyses'], namespace);
  for (const [index, template] of asArray(dig(experiment, 'spec', 'templates')).entries()) {
    list.push(
      ...podReferences(dig(template, 'template', 'spec'), ['spec', 'templates', index, 'template', 'spec'], namespace),
    );
  }
  return list;
}

/**
 * Returns the references of a pod spec to ConfigMaps, Secrets and its ServiceAccount. Only the names of Secrets are
 * used; Rollgate never reads one.
 */
export function podReferences(podSpec: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  named(list, dig(podSpec, 'serviceAccountName'), {
    kind: 'ServiceAccount',
    namespace,
    role: 'ServiceAccount',
    path: [...path, 'serviceAccountName'],
  });
  for (const [index, volume] of asArray(dig(podSpec, 'volumes')).entries()) {
    const at = [...path, 'volumes', index];
    const optional = (source: string): { optional: boolean } => ({
      optional: dig(volume, source, 'optional') === true,
    });
    named(list, dig(volume, 'configMap', 'name'), {
      kind: 'ConfigMap',
      namespace,
      role: 'ConfigMap',
      path: [...at, 'configMap', 'name'],
      ...optional('configMap'),
    });
    named(list, dig(volume, 'secret', 'secretName'), {
      kind: 'Secret',
      namespace,
      role: 'Secret',
      path: [...at, 'secret', 'secretName'],
      ...optional('secret'),
    });
    for (const [source, projection] of asArray(dig(volume, 'projected', 'sources')).entries()) {
      const inside = [...at, 'projected', 'sources', source];
      const maybe = (kind: string): { optional: boolean } => ({ optional: dig(projection, kind, 'optional') === true });
      named(list, dig(projection, 'configMap', 'name'), {
        kind: 'ConfigMap',
        namespace,
        role: 'ConfigMap',
        path: [...inside, 'configMap', 'name'],
        ...maybe('configMap'),
      });
      named(list, dig(projection, 'secret', 'name'), {
        kind: 'Secret',
        namespace,
        role: 'Secret',
        path: [...inside, 'secret', 'name'],
        ...maybe('secret'),
      });
    }
  }
  for (const field of ['initContainers', 'containers']) {
    for (const [index, container] of asArray(dig(podSpec, field)).entries()) {
      const at = [...path, field, index];
      for (const [source, entry] of asArray(dig(container, 'envFrom')).entries()) {
        const inside = [...at, 'envFrom', source];
        named(list, dig(entry, 'configMapRef', 'name'), {
          kind: 'ConfigMap',
          namespace,
          role: 'ConfigMap',
          path: [...inside, 'configMapRef', 'name'],
          optional: dig(entry, 'configMapRef', 'optional') === true,
        });
        named(list, dig(entry, 'secretRef', 'name'), {
          kind: 'Secret',
          namespace,
          role: 'Secret',
          path: [...inside, 'secretRef', 'name'],
          optional: dig(entry, 'secretRef', 'optional') === true,
        });
      }
      for (const [variable, entry] of asArray(dig(container, 'env')).entries()) {
        const inside = [...at, 'env', variable, 'valueFrom'];
        const from = dig(entry, 'valueFrom');
        named(list, dig(from, 'configMapKeyRef', 'name'), {
          kind: 'ConfigMap',
          namespace,
          role: 'ConfigMap',
          path: [...inside, 'configMapKeyRef', 'name'],
          optional: dig(from, 'configMapKeyRef', 'optional') === true,
        });
        named(list, dig(from, 'secretKeyRef', 'name'), {
          kind: 'Secret',
          namespace,
          role: 'Secret',
          path: [...inside, 'secretKeyRef', 'name'],
          optional: dig(from, 'secretKeyRef', 'optional') === true,
        });
      }
    }
  }
  return list;
}

function virtualServiceReferences(virtualService: KubeObject): Reference[] {
  const list: Reference[] = [];
  for (const route of readRoutes(virtualService)) {
    for (const destination of route.destinations) {
      const service = destinationService(destination.host, namespaceOf(virtualService));
      if (service !== undefined)
        list.push(
          make(service.name, {
            kind: 'Service',
            namespace: service.namespace,
            role: 'backend',
            path: [...destination.path, 'destination', 'host'],
          }),
        );
    }
  }
  return list;
}

function virtualRouterReferences(virtualService: KubeObject): Reference[] {
  const router = virtualRouterOf(virtualService);
  const list: Reference[] = [];
  if (router !== undefined)
    named(list, router.name, {
      kind: 'VirtualRouter.appmesh.k8s.aws',
      namespace: router.namespace,
      role: 'router',
      path: [...VIRTUAL_ROUTER_PATH, 'name'],
    });
  return list;
}

function destinationRuleReferences(rule: KubeObject): Reference[] {
  const service = destinationService(asString(dig(rule, 'spec', 'host')), namespaceOf(rule));
  return service === undefined
    ? []
    : [make(service.name, { kind: 'Service', namespace: service.namespace, role: 'backend', path: ['spec', 'host'] })];
}

function routeReferences(route: KubeObject): Reference[] {
  return backendRefsOf(route)
    .filter((backend) => backend.isService)
    .map((backend) =>
      make(backend.name, {
        kind: 'Service',
        namespace: backend.namespace,
        role: 'backend',
        path: [...backend.path, 'name'],
      }),
    );
}

function ingressReferences(ingress: KubeObject): Reference[] {
  const list: Reference[] = [];
  const namespace = namespaceOf(ingress);
  named(list, dig(ingress, 'spec', 'defaultBackend', 'service', 'name'), {
    kind: 'Service',
    namespace,
    role: 'backend',
    path: ['spec', 'defaultBackend', 'service', 'name'],
  });
  for (const [rule, entry] of asArray(dig(ingress, 'spec', 'rules')).entries()) {
    for (const [index, path] of asArray(dig(entry, 'http', 'paths')).entries()) {
      const at = ['spec', 'rules', rule, 'http', 'paths', index, 'backend'];
      named(list, dig(path, 'backend', 'service', 'name'), {
        kind: 'Service',
        namespace,
        role: 'backend',
        path: [...at, 'service', 'name'],
      });
      named(list, dig(path, 'backend', 'serviceName'), {
        kind: 'Service',
        namespace,
        role: 'backend',
        path: [...at, 'serviceName'],
      });
    }
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
  named(list, target['name'], { kind: targetKind, namespace: namespaceOf(scaler), role: 'scale target', path });
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
