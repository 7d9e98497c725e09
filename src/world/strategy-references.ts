import { managedGatewayRoutes } from './gateway.ts';
import { namespaceOf, type KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { asArray, asObject, dig, isObject, optionalString } from './read.ts';
import { addReference } from './reference-list.ts';
import type { Reference } from './reference-list.ts';
import { blueGreenOf, canaryOf, istioOf, virtualServiceReadings } from './rollout.ts';
import { canaryIngressName } from './routers.ts';
import { addAnalysesReferences, addTemplateReferences } from './template-references.ts';

/** Returns the references of both strategies of a Rollout, in the order of the fields. */
export function strategyReferences(rollout: KubeObject): Reference[] {
  const namespace = namespaceOf(rollout);
  const list: Reference[] = [];
  const canary = canaryOf(rollout);
  const canaryPath = ['spec', 'strategy', 'canary'];
  if (canary !== undefined) {
    addReference(list, canary['stableService'], {
      kind: 'Service',
      namespace,
      role: 'stable',
      path: [...canaryPath, 'stableService'],
    });
    addReference(list, canary['canaryService'], {
      kind: 'Service',
      namespace,
      role: 'canary',
      path: [...canaryPath, 'canaryService'],
    });
    const pingPong = asObject(canary['pingPong']);
    addReference(list, pingPong['pingService'], {
      kind: 'Service',
      namespace,
      role: 'ping',
      path: [...canaryPath, 'pingPong', 'pingService'],
    });
    addReference(list, pingPong['pongService'], {
      kind: 'Service',
      namespace,
      role: 'pong',
      path: [...canaryPath, 'pingPong', 'pongService'],
    });
    addRouterReferences(list, rollout);
    addTemplateReferences(list, canary['analysis'], [...canaryPath, 'analysis'], namespace);
    for (const [index, step] of asArray(canary['steps']).entries()) {
      const [analysis, experiment] = [dig(step, 'analysis'), dig(step, 'experiment')];
      if (isObject(analysis))
        addTemplateReferences(list, analysis, [...canaryPath, 'steps', index, 'analysis'], namespace);
      if (!isObject(experiment)) continue;
      const path = [...canaryPath, 'steps', index, 'experiment'];
      addAnalysesReferences(list, experiment['analyses'], [...path, 'analyses'], namespace);
      addExperimentServices(list, experiment['templates'], [...path, 'templates'], namespace);
    }
  }
  const blueGreen = blueGreenOf(rollout);
  if (blueGreen !== undefined) {
    const path = ['spec', 'strategy', 'blueGreen'];
    addReference(list, blueGreen['activeService'], {
      kind: 'Service',
      namespace,
      role: 'active',
      path: [...path, 'activeService'],
    });
    addReference(list, blueGreen['previewService'], {
      kind: 'Service',
      namespace,
      role: 'preview',
      path: [...path, 'previewService'],
    });
    for (const field of ['prePromotionAnalysis', 'postPromotionAnalysis']) {
      addTemplateReferences(list, blueGreen[field], [...path, field], namespace);
    }
  }
  return list;
}

/** Returns the references to the Services that the templates of an experiment create under names of their own. */
export function experimentServices(templates: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  addExperimentServices(list, templates, path, namespace);
  return list;
}

/** Adds the same references to a list. */
export function addExperimentServices(list: Reference[], templates: unknown, path: Path, namespace: string): void {
  for (const [index, template] of asArray(templates).entries())
    addReference(list, dig(template, 'service', 'name'), {
      kind: 'Service',
      namespace,
      role: 'experiment',
      path: [...path, index, 'service', 'name'],
      optional: true,
    });
}

function addRouterReferences(list: Reference[], rollout: KubeObject): void {
  const namespace = namespaceOf(rollout);
  const routing = asObject(canaryOf(rollout)?.['trafficRouting']);
  const path = ['spec', 'strategy', 'canary', 'trafficRouting'];
  for (const entry of virtualServiceReadings(rollout)) {
    addReference(list, entry.name, {
      kind: 'VirtualService.networking.istio.io',
      namespace: entry.namespace,
      role: 'VirtualService',
      path: [...entry.path, 'name'],
      versions: entry.versions,
    });
  }
  const rule = dig(istioOf(rollout), 'destinationRule', 'name');
  addReference(list, rule, {
    kind: 'DestinationRule.networking.istio.io',
    namespace,
    role: 'DestinationRule',
    path: [...path, 'istio', 'destinationRule', 'name'],
  });
  for (const route of managedGatewayRoutes(rollout)) {
    addReference(list, route.name ?? '*', {
      kind: route.kind,
      namespace: route.namespace,
      role: route.name === undefined ? 'routes by selector' : 'route',
      path: route.path,
    });
  }
  const nginx = asObject(routing['nginx']);
  addNginxReferences(list, rollout, nginx['stableIngress'], [...path, 'nginx', 'stableIngress']);
  for (const [index, name] of asArray(nginx['stableIngresses']).entries())
    addNginxReferences(list, rollout, name, [...path, 'nginx', 'stableIngresses', index]);
  const alb = asObject(routing['alb']);
  addReference(list, alb['ingress'], {
    kind: 'Ingress.networking.k8s.io',
    namespace,
    role: 'Ingress',
    path: [...path, 'alb', 'ingress'],
  });
  for (const [index, name] of asArray(alb['ingresses']).entries()) {
    addReference(list, name, {
      kind: 'Ingress.networking.k8s.io',
      namespace,
      role: 'Ingress',
      path: [...path, 'alb', 'ingresses', index],
    });
  }
  // alb.rootService names an action of the Ingress, in an annotation; no Service need have that name.
  const smi = asObject(routing['smi']);
  addReference(list, smi['rootService'], {
    kind: 'Service',
    namespace,
    role: 'root',
    path: [...path, 'smi', 'rootService'],
  });
  if (isObject(routing['smi'])) {
    addReference(list, optionalString(smi['trafficSplitName']) ?? rollout.metadata.name, {
      kind: 'TrafficSplit.split.smi-spec.io',
      namespace,
      role: 'created',
      path: [...path, 'smi', 'trafficSplitName'],
      optional: true,
    });
  }
  for (const [index, name] of asArray(dig(routing, 'ambassador', 'mappings')).entries()) {
    addReference(list, name, {
      kind: 'Mapping.getambassador.io',
      namespace,
      role: 'router',
      path: [...path, 'ambassador', 'mappings', index],
    });
  }
  addReference(list, dig(routing, 'traefik', 'weightedTraefikServiceName'), {
    kind: 'TraefikService.traefik.io',
    namespace,
    role: 'router',
    path: [...path, 'traefik', 'weightedTraefikServiceName'],
  });
  addReference(list, dig(routing, 'apisix', 'route', 'name'), {
    kind: 'ApisixRoute.apisix.apache.org',
    namespace,
    role: 'router',
    path: [...path, 'apisix', 'route', 'name'],
  });
  if (isObject(routing['apisix'])) {
    for (const [index, route] of asArray(routing['managedRoutes']).entries()) {
      addReference(list, dig(route, 'name'), {
        kind: 'ApisixRoute.apisix.apache.org',
        namespace,
        role: 'created',
        path: [...path, 'managedRoutes', index, 'name'],
        optional: true,
      });
    }
  }
  addReference(list, dig(routing, 'appMesh', 'virtualService', 'name'), {
    kind: 'VirtualService.appmesh.k8s.aws',
    namespace,
    role: 'router',
    path: [...path, 'appMesh', 'virtualService', 'name'],
  });
  for (const field of ['stableVirtualNodeRef', 'canaryVirtualNodeRef']) {
    addReference(list, dig(routing, 'appMesh', 'virtualNodeGroup', field, 'name'), {
      kind: 'VirtualNode.appmesh.k8s.aws',
      namespace,
      role: 'virtual node',
      path: [...path, 'appMesh', 'virtualNodeGroup', field, 'name'],
    });
  }
}

function addNginxReferences(list: Reference[], rollout: KubeObject, value: unknown, path: Path): void {
  const target = { kind: 'Ingress.networking.k8s.io', namespace: namespaceOf(rollout), path } as const;
  addReference(list, value, { ...target, role: 'Ingress' });
  const name = optionalString(value);
  if (name !== undefined)
    addReference(list, canaryIngressName(rollout, name), { ...target, role: 'created', optional: true });
}
