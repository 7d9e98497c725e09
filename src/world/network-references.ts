import { virtualRouterOf, VIRTUAL_ROUTER_PATH } from './appmesh.ts';
import { readBackendRefs } from './gateway.ts';
import { destinationService } from './istio-hosts.ts';
import { ROUTE_TYPES } from './istio.ts';
import { namespaceOf, type KubeObject } from './object.ts';
import { asArray, asString, dig } from './read.ts';
import { addReference, MOST_REFERENCES, reference } from './reference-list.ts';
import type { Reference } from './reference-list.ts';

/** Returns the references of an Istio VirtualService to Services. */
export function virtualServiceReferences(virtualService: KubeObject): Reference[] {
  const list: Reference[] = [];
  const namespace = namespaceOf(virtualService);
  // Nothing is kept of the routes: the index goes over many objects.
  for (const type of ROUTE_TYPES) {
    for (const [index, route] of asArray(dig(virtualService, 'spec', type)).entries()) {
      for (const [position, destination] of asArray(dig(route, 'route')).entries()) {
        const service = destinationService(asString(dig(destination, 'destination', 'host')), namespace);
        if (service === undefined) continue;
        addReference(list, service.name, {
          kind: 'Service',
          namespace: service.namespace,
          role: 'backend',
          path: ['spec', type, index, 'route', position, 'destination', 'host'],
        });
      }
    }
  }
  return list;
}

/** Returns the reference of an App Mesh VirtualService to its virtual router. */
export function virtualRouterReferences(virtualService: KubeObject): Reference[] {
  const router = virtualRouterOf(virtualService);
  const list: Reference[] = [];
  if (router !== undefined)
    addReference(list, router.name, {
      kind: 'VirtualRouter.appmesh.k8s.aws',
      namespace: router.namespace,
      role: 'router',
      path: [...VIRTUAL_ROUTER_PATH, 'name'],
    });
  return list;
}

/** Returns the reference of a DestinationRule to its Service. */
export function destinationRuleReferences(rule: KubeObject): Reference[] {
  const service = destinationService(asString(dig(rule, 'spec', 'host')), namespaceOf(rule));
  return service === undefined
    ? []
    : [
        reference(service.name, {
          kind: 'Service',
          namespace: service.namespace,
          role: 'backend',
          path: ['spec', 'host'],
        }),
      ];
}

/** Returns the references of a Gateway API route to Services. */
export function routeReferences(route: KubeObject): Reference[] {
  return readBackendRefs(route)
    .filter((backend) => backend.isService)
    .slice(0, MOST_REFERENCES + 1)
    .map((backend) =>
      reference(backend.name, {
        kind: 'Service',
        namespace: backend.namespace,
        role: 'backend',
        path: [...backend.path, 'name'],
      }),
    );
}

/** Returns the references of an Ingress to Services. */
export function ingressReferences(ingress: KubeObject): Reference[] {
  const list: Reference[] = [];
  const namespace = namespaceOf(ingress);
  addReference(list, dig(ingress, 'spec', 'defaultBackend', 'service', 'name'), {
    kind: 'Service',
    namespace,
    role: 'backend',
    path: ['spec', 'defaultBackend', 'service', 'name'],
  });
  for (const [rule, entry] of asArray(dig(ingress, 'spec', 'rules')).entries()) {
    for (const [index, path] of asArray(dig(entry, 'http', 'paths')).entries()) {
      const at = ['spec', 'rules', rule, 'http', 'paths', index, 'backend'];
      addReference(list, dig(path, 'backend', 'service', 'name'), {
        kind: 'Service',
        namespace,
        role: 'backend',
        path: [...at, 'service', 'name'],
      });
      addReference(list, dig(path, 'backend', 'serviceName'), {
        kind: 'Service',
        namespace,
        role: 'backend',
        path: [...at, 'serviceName'],
      });
    }
  }
  return list;
}
