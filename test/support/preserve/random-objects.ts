import fc from 'fast-check';
import type { KubeObject } from '../../../src/world/object.ts';
import { maybe, record } from '../arbitraries.ts';
import { asKube, type Fields, type Json } from '../json-objects.ts';
import { ALB, ALB_LIST, HASH, IN_PROGRESS, MANAGED_BY } from './owned-keys.ts';
import { EXPERIMENT, hash, MANAGED, weight } from './random-rollouts.ts';

const metadata = (labels = false): fc.Arbitrary<Json> =>
  record({
    name: fc.constant('web'),
    namespace: fc.constant('shop'),
    annotations: maybe(record({ team: maybe(fc.constant('a')), [MANAGED_BY]: maybe(fc.constantFrom('web', 'other')) })),
    ...(labels
      ? { labels: maybe(record({ app: maybe(fc.constant('web')), [IN_PROGRESS]: maybe(fc.constant('in-progress')) })) }
      : {}),
  });

function kube(
  apiVersion: string,
  kind: string,
  meta: fc.Arbitrary<Json>,
  spec: fc.Arbitrary<Json>,
): fc.Arbitrary<KubeObject> {
  return fc.tuple(meta, spec).map(([metadata, spec]) => asKube({ apiVersion, kind, metadata, spec }));
}

const subset = record({
  name: fc.constantFrom('st', 'ca', EXPERIMENT, 'extra'),
  labels: maybe(record({ app: maybe(fc.constant('web')), [HASH]: maybe(hash) })),
  trafficPolicy: maybe(fc.constant({})),
});
const destinationRule = kube(
  'networking.istio.io/v1',
  'DestinationRule',
  metadata(),
  record({ host: fc.constant('web'), subsets: fc.array(subset, { maxLength: 4 }) }),
);

const serviceObject = fc
  .tuple(
    metadata(),
    fc.constantFrom('stable', 'canary'),
    record({
      selector: maybe(record({ app: maybe(fc.constant('web')), [HASH]: maybe(hash) })),
      type: maybe(fc.constant('ExternalName')),
    }),
  )
  .map(([meta, name, spec]) =>
    asKube({ apiVersion: 'v1', kind: 'Service', metadata: { ...(meta as Fields), name }, spec }),
  );

const weighted = record({
  destination: record({
    host: fc.constantFrom('stable', 'canary.shop.svc.cluster.local', 'canary', EXPERIMENT, 'legacy'),
    subset: maybe(fc.constantFrom('st', 'ca', 'extra')),
  }),
  weight: maybe(weight),
});
const route = record({
  name: maybe(fc.constantFrom('primary', 'other', ...MANAGED)),
  timeout: maybe(fc.constantFrom('1s', '2s')),
  route: fc.array(weighted, { maxLength: 4 }),
});
const tcpRoute = record({
  match: maybe(fc.constantFrom<Json>([{ port: 3000 }], [{ port: 4000 }])),
  route: fc.array(weighted, { maxLength: 3 }),
});
const virtualService = kube(
  'networking.istio.io/v1',
  'VirtualService',
  metadata(),
  record({
    hosts: fc.constant(['a']),
    http: maybe(fc.array(route, { maxLength: 4 })),
    tcp: maybe(fc.array(tcpRoute, { maxLength: 2 })),
  }),
);

const backend = record({ name: fc.constantFrom('stable', 'canary', EXPERIMENT, 'legacy'), weight: maybe(weight) });
const matches = fc.constantFrom<Json>(
  [{ path: { value: '/a' } }],
  [{ path: { value: '/b' }, headers: [{ name: 'x', value: '1' }] }],
);
const rule = record({
  name: maybe(fc.constantFrom('main', 'm-header', 'm-header-1')),
  matches: maybe(matches),
  backendRefs: fc.array(backend, { maxLength: 4 }),
});
const gatewayRoute = (kind: string): fc.Arbitrary<KubeObject> =>
  kube('gateway.networking.k8s.io/v1', kind, metadata(true), record({ rules: fc.array(rule, { maxLength: 4 }) }));

const action = fc
  .array(fc.tuple(fc.constantFrom('stable', 'canary', EXPERIMENT), weight), { maxLength: 3 })
  .map((groups) =>
    JSON.stringify({
      Type: 'forward',
      ForwardConfig: {
        TargetGroups: groups.map(([ServiceName, Weight]) => ({ ServiceName, ServicePort: '80', Weight })),
      },
    }),
  );
const ingressPath = record({
  path: fc.constantFrom('/*', '/v2'),
  backend: fc
    .constantFrom('root', 'stable', 'legacy', 'm-header')
    .map((name): Json => ({ service: { name, port: { name: 'use-annotation' } } })),
});
const ingress = kube(
  'networking.k8s.io/v1',
  'Ingress',
  record({
    name: fc.constant('web'),
    namespace: fc.constant('shop'),
    annotations: maybe(
      record({
        team: maybe(fc.constant('a')),
        [`${ALB}/actions.root`]: maybe(action),
        [`${ALB}/actions.stable`]: maybe(action),
        [`${ALB}/actions.m-header`]: maybe(fc.constantFrom('a', 'b')),
        [`${ALB}/conditions.m-header`]: maybe(fc.constantFrom('a', 'b')),
        [ALB_LIST]: maybe(fc.constantFrom('{}', '{"web":["a"]}', '{')),
      }),
    ),
  }),
  record({
    rules: fc.array(
      record({
        host: fc.constantFrom('a', 'b'),
        http: record({ paths: fc.array(ingressPath, { maxLength: 4 }) }),
      }),
      { maxLength: 3 },
    ),
  }),
);

const entry = record({ name: fc.constantFrom('stable', 'canary', 'legacy'), weight: maybe(weight) });
const traefikService = kube(
  'traefik.io/v1alpha1',
  'TraefikService',
  metadata(),
  record({ weighted: maybe(record({ services: fc.array(entry, { maxLength: 4 }) })) }),
);
const apisixRoute = kube(
  'apisix.apache.org/v2',
  'ApisixRoute',
  metadata(),
  record({
    http: fc.array(
      record({
        name: fc.constantFrom('web', 'main', 'other'),
        backends: fc.array(
          record({ serviceName: fc.constantFrom('stable', 'canary', 'legacy'), weight: maybe(weight) }),
          { maxLength: 4 },
        ),
      }),
      { maxLength: 4 },
    ),
  }),
);
const meshRoute = fc.tuple(
  fc.constantFrom('main', 'other'),
  fc.constantFrom('httpRoute', 'grpcRoute', 'otherRoute'),
  fc.array(
    record({ virtualNodeRef: fc.constantFrom('stable', 'canary', 'legacy').map((name): Json => ({ name })), weight }),
    { maxLength: 4 },
  ),
);
const virtualRouter = kube(
  'appmesh.k8s.aws/v1beta2',
  'VirtualRouter',
  metadata(),
  record({
    routes: fc.array(
      meshRoute.map(([name, type, weightedTargets]): Json => ({ name, [type]: { action: { weightedTargets } } })),
      { maxLength: 3 },
    ),
  }),
);

const virtualNode = fc
  .tuple(
    metadata(),
    fc.constantFrom('stable', 'canary'),
    record({
      listeners: maybe(fc.constant<Json>([{ portMapping: { port: 80 } }])),
      podSelector: maybe(
        record({
          matchLabels: maybe(
            record({
              app: maybe(fc.constant('web')),
              [HASH]: maybe(fc.oneof(hash, fc.constant('canary-hash'))),
            }),
          ),
        }),
      ),
    }),
  )
  .map(([meta, name, spec]) =>
    asKube({
      apiVersion: 'appmesh.k8s.aws/v1beta2',
      kind: 'VirtualNode',
      metadata: { ...(meta as Fields), name },
      spec,
    }),
  );

/** What is between a Rollout and a VirtualRouter: a Rollout names its VirtualService. */
export const BETWEEN = [
  asKube({
    apiVersion: 'appmesh.k8s.aws/v1beta2',
    kind: 'VirtualService',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { provider: { virtualRouter: { virtualRouterRef: { name: 'web' } } } },
  }),
];

const writer = fc
  .tuple(
    fc.constantFrom('argocd-controller', 'kubectl', 'kubectl-edit', 'rollouts-controller'),
    fc.constantFrom('Apply', 'Update'),
    fc.subarray(['f:replicas', 'f:selector', 'f:template']),
  )
  .map(([manager, operation, fields]): Json => ({
    manager,
    operation,
    fieldsV1: { 'f:spec': Object.fromEntries(fields.map((field) => [field, {}])) },
  }));
const deployment = fc
  .tuple(fc.array(writer, { maxLength: 3 }), maybe(fc.nat(2)), maybe(fc.constantFrom(0, 0, 1, 5)))
  .map(([managedFields, last, replicas]) =>
    asKube({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'web',
        namespace: 'shop',
        managedFields,
        annotations:
          last === undefined
            ? {}
            : {
                'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
                  spec: { replicas: last === 0 ? 0 : 5 },
                }),
              },
      },
      spec: replicas === undefined ? {} : { replicas },
    }),
  );

/**
 * Returns what is stored for a submitted object. Two independent random Deployments are seldom versions of the same one,
 * so it is made from a submitted Deployment.
 */
export function heldBack(submitted: KubeObject, old: KubeObject | undefined): KubeObject | undefined {
  return submitted.kind === 'Deployment' ? { ...submitted, spec: { replicas: 0 } } : old;
}

/** Arbitraries of the objects that each preserver looks at, by its id. */
export const OBJECTS: Record<string, readonly fc.Arbitrary<KubeObject>[]> = {
  'destinationrule-hash': [destinationRule],
  'ingress-weights': [ingress],
  'router-weights': [traefikService, apisixRoute, virtualRouter],
  'service-hash': [serviceObject],
  'virtualnode-hash': [virtualNode],
  'virtualservice-weights': [virtualService],
  'route-weights': [gatewayRoute('HTTPRoute'), gatewayRoute('TCPRoute')],
  'workload-replicas': [deployment],
};
