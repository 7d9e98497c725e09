import type { KubeObject } from '../../../src/world/object.ts';

const any = { 'x-kubernetes-preserve-unknown-fields': true };
const text = { type: 'string' };
const number = { type: 'integer', format: 'int64' };
const fields = (properties: object, required: readonly string[] = []): object => ({
  type: 'object',
  ...any,
  properties,
  ...(required.length > 0 ? { required } : {}),
});
const list = (items: object): object => ({ type: 'array', items });

function definition(group: string, version: string, kind: string, spec: object): KubeObject {
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural: `${singular}s`, singular },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  };
}

const node = fields({ name: text, namespace: text }, ['name']);
const meshRoute = fields({
  action: fields({ weightedTargets: list(fields({ virtualNodeRef: node, weight: number }, ['weight'])) }),
});

/**
 * The CustomResourceDefinitions of routers whose projects serve none as Go modules: the fields that the controller and
 * Rollgate read, and any others. As in those of the projects, each list is one value for server-side apply.
 */
export const ROUTER_DEFINITIONS: readonly KubeObject[] = [
  definition(
    'traefik.io',
    'v1alpha1',
    'TraefikService',
    fields({ weighted: fields({ services: list(fields({ name: text, weight: number }, ['name'])) }) }),
  ),
  definition(
    'apisix.apache.org',
    'v2',
    'ApisixRoute',
    fields({
      http: list(fields({ name: text, backends: list(fields({ serviceName: text, weight: number })) }, ['name'])),
    }),
  ),
  definition('split.smi-spec.io', 'v1alpha1', 'TrafficSplit', fields({ service: text })),
  definition('getambassador.io', 'v2', 'Mapping', fields({ service: text, weight: number })),
  definition(
    'appmesh.k8s.aws',
    'v1beta2',
    'VirtualService',
    fields({ provider: fields({ virtualRouter: fields({ virtualRouterRef: node }) }) }),
  ),
  definition(
    'appmesh.k8s.aws',
    'v1beta2',
    'VirtualRouter',
    fields({
      routes: list(
        fields({ name: text, httpRoute: meshRoute, tcpRoute: meshRoute, http2Route: meshRoute, grpcRoute: meshRoute }),
      ),
    }),
  ),
  definition(
    'appmesh.k8s.aws',
    'v1beta2',
    'VirtualNode',
    fields({
      // A label selector is one value for server-side apply, so an apply drops what the controller added.
      podSelector: {
        ...fields({ matchLabels: { type: 'object', additionalProperties: text } }),
        'x-kubernetes-map-type': 'atomic',
      },
    }),
  ),
];
