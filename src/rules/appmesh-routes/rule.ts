import { appMeshRefOf, meshRoutes, virtualRouterOf, VIRTUAL_ROUTER_PATH } from '../../world/appmesh.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, dig, isObject, asString } from '../../world/read.ts';
import type { Path } from '../../world/path.ts';
import { routerConfig } from '../../world/routers.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { listed, quoted } from '../wording.ts';

// In the order in which the controller checks them.
const ROUTE_TYPES = ['httpRoute', 'tcpRoute', 'http2Route', 'grpcRoute'];
const SERVICE_PATH: Path = ['spec', 'strategy', 'canary', 'trafficRouting', 'appMesh', 'virtualService'];
const PATH: Path = [...SERVICE_PATH, 'name'];

const messages = {
  noRouter: {
    class: 'invalid',
    text: 'VirtualService "{name}" has no virtual router, so the controller cannot set weights',
    fix: 'name a VirtualRouter in spec.provider.virtualRouter.virtualRouterRef',
  },
  routerAbsent: {
    class: 'missing',
    text: 'VirtualRouter "{router}" not found in namespace "{namespace}", but VirtualService "{name}" sends to it',
    fix: 'create it, or use the name of one that exists',
    missing: 'VirtualRouter "{router}" in namespace "{namespace}"',
  },
  noRoutes: {
    class: 'invalid',
    text: 'VirtualRouter "{name}" (controlled by Rollout "{rollout}") has no routes',
    fix: 'add a route with two weighted targets, one for the stable and one for the canary pods',
  },
  type: {
    class: 'invalid',
    text: 'route "{route}" of VirtualRouter "{name}" is neither an HTTP nor a TCP route',
    fix: 'set one of httpRoute, http2Route, grpcRoute and tcpRoute',
  },
  targets: {
    class: 'invalid',
    text: 'route "{route}" of VirtualRouter "{name}" does not have two weighted targets (found {count})',
    fix: 'set two, one for the stable and one for the canary pods',
  },
  routeAbsent: {
    class: 'advice',
    text: 'VirtualRouter "{name}" has no route "{route}" (it has {has}), so the controller sets no weights there',
    fix: 'use one of its routes in trafficRouting.appMesh.virtualService.routes, or add this route',
  },
  node: {
    class: 'advice',
    text: 'route "{route}" of VirtualRouter "{name}" does not send to {role} VirtualNode "{node}", so its weights do not follow the steps',
    fix: 'make this VirtualNode one of the two weighted targets',
  },
} as const;

export const appMeshRoutes = defineRule({
  id: 'appmesh-routes',
  summary: 'Every route of the App Mesh virtual router of a Rollout has two weighted targets.',
  explanation:
    'With App Mesh, the controller sets the weights in every route of the virtual router behind the virtual ' +
    'service. It marks the Rollout InvalidSpec if a route does not have exactly two weighted targets, or if its ' +
    'type is unknown. Of the targets, it sets the weights of the two VirtualNodes of the Rollout, and passes over all ' +
    'others without an error. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateAppMeshVirtualRouter), ' +
    'rollout/controller.go (getReferencedAppMeshResources) and rollout/trafficrouting/appmesh.',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.trafficRouting.appMesh.virtualService',
      'spec.strategy.canary.trafficRouting.appMesh.virtualNodeGroup',
    ],
  },
  reads: {
    'VirtualService.appmesh.k8s.aws': ['spec.provider.virtualRouter.virtualRouterRef'],
    'VirtualRouter.appmesh.k8s.aws': ['spec.routes'],
  },
  messages,
  check(context, rollout) {
    const name = asString(dig(routerConfig(rollout, 'appMesh'), 'virtualService', 'name'));
    const service =
      name === '' ? undefined : context.find('VirtualService.appmesh.k8s.aws', namespaceOf(rollout), name);
    if (service === undefined) return;
    const related = [{ object: rollout, path: PATH }];
    const ref = virtualRouterOf(service);
    if (ref === undefined) {
      context.report('noRouter', {
        object: service,
        path: ['spec', 'provider'],
        anchor: name,
        data: { name },
        related,
      });
      return;
    }
    const router = context.find('VirtualRouter.appmesh.k8s.aws', ref.namespace, ref.name);
    if (router !== undefined) {
      checkRouter(context, rollout, router);
      checkTargets(context, rollout, router);
    } else if (context.lookup('VirtualRouter.appmesh.k8s.aws', ref.namespace, ref.name).state === 'absent') {
      const data = { name, router: ref.name, namespace: ref.namespace };
      context.report('routerAbsent', {
        object: service,
        path: [...VIRTUAL_ROUTER_PATH, 'name'],
        anchor: ref.name,
        data,
        related,
      });
    }
  },
});

function checkRouter(context: RuleContext<typeof messages>, rollout: KubeObject, router: KubeObject): void {
  const { name } = router.metadata;
  const related = [{ object: rollout, path: PATH }];
  const routes = asArray(dig(router, 'spec', 'routes'));
  if (routes.length === 0)
    context.report('noRoutes', {
      object: router,
      path: ['spec', 'routes'],
      anchor: name,
      data: { name, rollout: rollout.metadata.name },
      related,
    });
  for (const [index, raw] of routes.entries()) {
    const route = asString(dig(raw, 'name'));
    const path = ['spec', 'routes', index];
    const type = ROUTE_TYPES.find((candidate) => isObject(dig(raw, candidate)));
    if (type === undefined) {
      context.report('type', { object: router, path, anchor: route, data: { name, route }, related });
      continue;
    }
    const targets = asArray(dig(raw, type, 'action', 'weightedTargets'));
    if (targets.length !== 2)
      context.report('targets', {
        object: router,
        path: [...path, type, 'action', 'weightedTargets'],
        anchor: route,
        data: { name, route, count: targets.length },
        related,
      });
  }
}

// Of the routes that the controller changes: those that the Rollout lists, or all.
function checkTargets(context: RuleContext<typeof messages>, rollout: KubeObject, router: KubeObject): void {
  const { name } = router.metadata;
  const ref = appMeshRefOf(rollout);
  const routes = asArray(dig(router, 'spec', 'routes'));
  const names = new Set(routes.map((route) => asString(dig(route, 'name'))));
  if (ref === undefined || names.size === 0) return;
  context.spend(routes.length + ref.routes.length);
  for (const [index, route] of ref.routes.entries()) {
    if (names.has(route)) continue;
    context.report('routeAbsent', {
      path: [...SERVICE_PATH, 'routes', index],
      anchor: route,
      data: { name, route, has: listed(names, quoted) },
      related: [{ object: router, path: ['spec', 'routes'] }],
    });
  }
  const changed = ref.routes.length === 0 ? names : new Set(ref.routes);
  for (const { name: route, targets, path } of meshRoutes(router)) {
    if (!changed.has(route) || targets.length !== 2) continue;
    // By name only: in a folder of manifests the namespace of the Rollout may be assumed.
    const nodes = targets.map((target) => target.name);
    for (const role of ['stable', 'canary'] as const) {
      const node = ref[role];
      if (node === '' || nodes.includes(node)) continue;
      context.report('node', {
        object: router,
        path,
        anchor: `${route} ${node}`,
        data: { name, route, role, node },
        related: [{ object: rollout, path: PATH }],
      });
    }
  }
}
