import { asArray, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { WEIGHTS, weightsIn, type RouterCanary } from './router-canaries.ts';

const ISTIO = 'networking.istio.io/v1';

function virtualService(n: number, spec: object): KubeObject {
  return {
    apiVersion: ISTIO,
    kind: 'VirtualService',
    metadata: { name: 'web' },
    spec: { hosts: ['web', `h${n}.example.com`], ...spec },
  };
}

const toHosts = [
  { destination: { host: 'web-stable' }, weight: 100 },
  { destination: { host: 'web-canary' }, weight: 0 },
];
const destinationsIn = (object: KubeObject, type: string): readonly unknown[] =>
  asArray(dig(object, 'spec', type)).flatMap((route) => asArray(dig(route, 'route')));
const hostsWeighed = (object: KubeObject, type: string): string =>
  weightsIn(destinationsIn(object, type), (entry) => dig(entry, 'destination', 'host'));

const SNI_HOST = 'web.example.com';
const tlsAndTcp = (n: number): KubeObject =>
  virtualService(n, {
    tls: [{ match: [{ port: 443, sniHosts: [SNI_HOST], destinationSubnets: [`10.${n}.0.0/16`] }], route: toHosts }],
    tcp: [{ match: [{ port: 3306, destinationSubnets: [`10.${n}.0.0/16`] }], route: toHosts }],
  });

/** The canary of a VirtualService with tls and tcp routes, which the Rollout names by port and SNI host. */
const TLS_AND_TCP: RouterCanary = {
  name: 'istio-tls-tcp',
  ...WEIGHTS,
  route: tlsAndTcp(0),
  others: [],
  trafficRouting: {
    istio: {
      virtualService: { name: 'web', tlsRoutes: [{ port: 443, sniHosts: [SNI_HOST] }], tcpRoutes: [{ port: 3306 }] },
    },
  },
  edited: tlsAndTcp,
  personsPart: (object) => [
    dig(object, 'spec', 'hosts'),
    ...['tls', 'tcp'].map((type) => dig(asArray(dig(object, 'spec', type))[0], 'match')),
  ],
  controllersPart: (object) => ['tls', 'tcp'].map((type) => `${type} ${hostsWeighed(object, type)}`).join('; '),
};

// The weight of the additional subset is the user's, and stable gets what is left.
const additionalSubset = (n: number): KubeObject =>
  virtualService(n, {
    http: [
      {
        name: 'main',
        route: [
          { destination: { host: 'web', subset: 'stable' }, weight: 100 - n },
          { destination: { host: 'web', subset: 'canary' }, weight: 0 },
          { destination: { host: 'web', subset: 'extra' }, weight: n },
        ],
      },
    ],
  });
const isSubset = (name: string) => (entry: unknown) => dig(entry, 'destination', 'subset') === name;

/** The canary of a VirtualService with an additional subset. */
const ADDITIONAL_SUBSET: RouterCanary = {
  name: 'istio-additional-subset',
  ...WEIGHTS,
  route: additionalSubset(0),
  others: [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    },
    {
      apiVersion: ISTIO,
      kind: 'DestinationRule',
      metadata: { name: 'web' },
      spec: { host: 'web', subsets: ['stable', 'canary'].map((name) => ({ name, labels: { app: 'web' } })) },
    },
  ],
  trafficRouting: {
    istio: {
      virtualService: { name: 'web', routes: ['main'] },
      destinationRule: {
        name: 'web',
        stableSubsetName: 'stable',
        canarySubsetName: 'canary',
        additionalSubsetNames: ['extra'],
      },
    },
  },
  edited: additionalSubset,
  personsPart: (object) => [dig(object, 'spec', 'hosts'), destinationsIn(object, 'http').find(isSubset('extra'))],
  controllersPart: (object) => {
    const entries = destinationsIn(object, 'http');
    const sum = entries.reduce<number>((rest, entry) => rest + Number(dig(entry, 'weight') ?? 0), 0);
    return `canary ${Number(dig(entries.find(isSubset('canary')), 'weight') ?? 0)} of ${sum}`;
  },
};

const backendRefs = (stable: number): readonly object[] => [
  { name: 'web-stable', port: 80, weight: stable },
  { name: 'web-canary', port: 80, weight: 0 },
];

function gatewayRoute(
  kind: 'HTTPRoute' | 'GRPCRoute' | 'TCPRoute' | 'TLSRoute',
  version: string,
  change: (n: number) => { readonly spec?: object; readonly rule?: object },
  stable = 100,
): RouterCanary {
  const route = (n: number): KubeObject => {
    const { spec = {}, rule = {} } = change(n);
    return {
      apiVersion: `gateway.networking.k8s.io/${version}`,
      kind,
      metadata: { name: 'web' },
      spec: {
        parentRefs: [{ name: 'edge', sectionName: `s${n}` }],
        ...spec,
        rules: [{ ...rule, backendRefs: backendRefs(stable) }],
      },
    };
  };
  const rule = (object: KubeObject): unknown => asArray(dig(object, 'spec', 'rules'))[0];
  return {
    name: kind.toLowerCase(),
    ...WEIGHTS,
    route: route(0),
    others: [],
    trafficRouting: { plugins: { 'argoproj-labs/gatewayAPI': { [`${kind.slice(0, -5).toLowerCase()}Route`]: 'web' } } },
    edited: route,
    personsPart: (object) => [
      dig(asArray(dig(object, 'spec', 'parentRefs'))[0], 'sectionName'),
      dig(object, 'spec', 'hostnames'),
      dig(asArray(dig(rule(object), 'matches'))[0], 'method', 'service'),
    ],
    controllersPart: (object) =>
      weightsIn(asArray(dig(rule(object), 'backendRefs')), (backend) => dig(backend, 'name')),
  };
}

const httpRoute = gatewayRoute('HTTPRoute', 'v1', (n) => ({ spec: { hostnames: [`h${n}.example.com`] } }), 1000);

/** The canary of a GRPCRoute. */
export const GRPC_ROUTE = gatewayRoute('GRPCRoute', 'v1', (n) => ({
  rule: { matches: [{ method: { service: `s${n}` } }] },
}));

/** A canary at 5 % and at 50 % of 1000, with a plugin that completes weights to `maxTrafficWeight`. */
export const OUT_OF_A_THOUSAND: RouterCanary = {
  ...httpRoute,
  name: 'max-traffic-weight',
  weights: [50, 500],
  trafficRouting: { ...httpRoute.trafficRouting, maxTrafficWeight: 1000 },
};

/** One canary for each kind of route of Istio and of the Gateway API that the examples do not have. */
export const ROUTE_CANARIES: readonly RouterCanary[] = [
  TLS_AND_TCP,
  ADDITIONAL_SUBSET,
  GRPC_ROUTE,
  gatewayRoute('TCPRoute', 'v1alpha2', () => ({})),
  gatewayRoute('TLSRoute', 'v1alpha2', (n) => ({ spec: { hostnames: [`h${n}.example.com`] } })),
];
