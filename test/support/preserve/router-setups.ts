import { routeWeights } from '../../../src/preserve/route-weights.ts';
import { routerWeights } from '../../../src/preserve/router-weights.ts';
import { virtualServiceWeights } from '../../../src/preserve/virtualservice-weights.ts';
import type { Preserver } from '../../../src/preserve/define.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { asKube, defined, type Fields } from '../json-objects.ts';

/** A backend of a rule, of any router. */
export interface Backend {
  readonly name: string;
  readonly weight: number | undefined;
  /** Something of the user. */
  readonly port: number;
}

/** A rule of a route, of any router. */
export interface Rule {
  readonly name: string | undefined;
  readonly path: string | undefined;
  readonly backends: readonly Backend[];
}

/** How a Rollout names a router, and how rules are written for that. */
export interface RouterSetup {
  readonly id: string;
  readonly keep: Preserver;
  /** Returns the router of a Rollout. */
  router(): Fields;
  route(rules: readonly Rule[]): KubeObject;
  /** Returns the rules in an object. */
  rulesIn(object: KubeObject): readonly Rule[];
  /** Objects between the Rollout and the object. */
  readonly between?: readonly KubeObject[];
}

/** The metadata of the Rollout and of what it names. */
export const METADATA = { name: 'web', namespace: 'shop' };

const spec = (object: KubeObject): Record<string, Fields[] | undefined> =>
  object['spec'] as Record<string, Fields[] | undefined>;

function gateway(kind: string): RouterSetup {
  const field = `${kind.slice(0, -5).toLowerCase()}Route`;
  return {
    id: kind,
    keep: routeWeights,
    router: () => ({ plugins: { 'argoproj-labs/gatewayAPI': { [field]: 'web' } } }),
    route: (rules) =>
      asKube({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind,
        metadata: METADATA,
        spec: {
          rules: rules.map(({ name, path, backends }) =>
            defined({
              name,
              matches: path === undefined ? undefined : [{ path: { value: path } }],
              backendRefs: backends.map((backend) => defined({ ...backend })),
            }),
          ),
        },
      }),
    rulesIn: (object) =>
      (spec(object)['rules'] ?? []).map((rule) => ({
        name: rule['name'] as string | undefined,
        path: (rule['matches'] as { path: { value: string } }[] | undefined)?.[0]?.path.value,
        backends: rule['backendRefs'] as unknown as Backend[],
      })),
  };
}

function istio(type: 'http' | 'tls' | 'tcp', subsets: boolean): RouterSetup {
  // With subsets, all destinations have one host.
  const destination = (name: string): Fields => (subsets ? { host: 'web', subset: name } : { host: name });
  const ports = new Map([
    ['/a', 3000],
    ['/b', 4000],
  ]);
  return {
    id: `${type} routes of a VirtualService${subsets ? ', by subset' : ''}`,
    keep: virtualServiceWeights,
    router: () => ({
      istio: defined({
        virtualService: {
          name: 'web',
          ...(type === 'http' ? { routes: ['main', 'side'] } : {}),
          ...(type === 'tls' ? { tlsRoutes: [...ports.values()].map((port) => ({ port })) } : {}),
          ...(type === 'tcp' ? { tcpRoutes: [...ports.values()].map((port) => ({ port })) } : {}),
        },
        destinationRule: subsets
          ? {
              name: 'web',
              stableSubsetName: 'stable',
              canarySubsetName: 'canary',
              additionalSubsetNames: ['extra'],
            }
          : undefined,
      }),
    }),
    route: (rules) =>
      asKube({
        apiVersion: 'networking.istio.io/v1',
        kind: 'VirtualService',
        metadata: METADATA,
        spec: {
          hosts: ['a'],
          [type]: rules.map(({ name, path, backends }) =>
            defined({
              name: type === 'http' ? name : undefined,
              match: path === undefined ? undefined : [{ port: ports.get(path) ?? 1 }],
              route: backends.map((backend) =>
                defined({
                  destination: { ...destination(backend.name), port: { number: backend.port } },
                  weight: backend.weight,
                }),
              ),
            }),
          ),
        },
      }),
    rulesIn: (object) =>
      (spec(object)[type] ?? []).map((rule) => {
        const number = (rule['match'] as { port: number }[] | undefined)?.[0]?.port;
        return {
          name: rule['name'] as string | undefined,
          path: [...ports].find(([, port]) => port === number)?.[0],
          backends: (rule['route'] as { destination: Fields; weight?: number }[]).map(
            ({ destination: to, weight }): Backend => ({
              name: (subsets ? (to['subset'] ?? to['host']) : to['host']) as string,
              weight,
              port: (to['port'] as { number: number } | undefined)?.number ?? 0,
            }),
          ),
        };
      }),
  };
}

// The first rule stands for all: a TraefikService has one.
const traefik: RouterSetup = {
  id: 'TraefikService',
  keep: routerWeights,
  router: () => ({ traefik: { weightedTraefikServiceName: 'web' } }),
  route: ([rule]) =>
    asKube({
      apiVersion: 'traefik.io/v1alpha1',
      kind: 'TraefikService',
      metadata: METADATA,
      spec: { weighted: { services: (rule?.backends ?? []).map((backend) => defined({ ...backend })) } },
    }),
  rulesIn: (object) => {
    const { weighted } = object['spec'] as { weighted: { services: Backend[] } };
    return [{ name: undefined, path: undefined, backends: weighted.services }];
  },
};

const apisix: RouterSetup = {
  id: 'ApisixRoute',
  keep: routerWeights,
  router: () => ({ apisix: { route: { name: 'web', rules: ['main', 'side'] } } }),
  route: (rules) =>
    asKube({
      apiVersion: 'apisix.apache.org/v2',
      kind: 'ApisixRoute',
      metadata: METADATA,
      spec: {
        http: rules.map(({ name, path, backends }) =>
          defined({
            name,
            match: path === undefined ? undefined : { paths: [path] },
            backends: backends.map(({ name: serviceName, port, weight }) =>
              defined({ serviceName, servicePort: port, weight }),
            ),
          }),
        ),
      },
    }),
  rulesIn: (object) =>
    (spec(object)['http'] ?? []).map((rule) => ({
      name: rule['name'] as string | undefined,
      path: (rule['match'] as { paths: string[] } | undefined)?.paths[0],
      backends: (rule['backends'] as { serviceName: string; servicePort: number; weight: number | undefined }[]).map(
        ({ serviceName, servicePort, weight }): Backend => ({ name: serviceName, port: servicePort, weight }),
      ),
    })),
};

const appMesh = (type: string): RouterSetup => ({
  id: `VirtualRouter, ${type}`,
  keep: routerWeights,
  between: [
    asKube({
      apiVersion: 'appmesh.k8s.aws/v1beta2',
      kind: 'VirtualService',
      metadata: METADATA,
      spec: { provider: { virtualRouter: { virtualRouterRef: { name: 'web' } } } },
    }),
  ],
  router: () => ({
    appMesh: {
      virtualService: { name: 'web' },
      virtualNodeGroup: { stableVirtualNodeRef: { name: 'stable' }, canaryVirtualNodeRef: { name: 'canary' } },
    },
  }),
  route: (rules) =>
    asKube({
      apiVersion: 'appmesh.k8s.aws/v1beta2',
      kind: 'VirtualRouter',
      metadata: METADATA,
      spec: {
        routes: rules.map(({ name, path, backends }) =>
          defined({
            name,
            [type]: {
              match: { prefix: path ?? '/' },
              action: {
                weightedTargets: backends.map(({ name: node, port, weight }) =>
                  defined({ virtualNodeRef: { name: node }, port, weight }),
                ),
              },
            },
          }),
        ),
      },
    }),
  rulesIn: (object) =>
    (spec(object)['routes'] ?? []).map((rule) => {
      const { match, action } = rule[type] as unknown as {
        match: { prefix: string };
        action: { weightedTargets: { virtualNodeRef: { name: string }; port: number; weight: number | undefined }[] };
      };
      return {
        name: rule['name'] as string | undefined,
        path: match.prefix === '/' ? undefined : match.prefix,
        backends: action.weightedTargets.map(({ virtualNodeRef, port, weight }): Backend => ({
          name: virtualNodeRef.name,
          port,
          weight,
        })),
      };
    }),
});

/** All routers, and the kinds and types of their routes. */
export const ROUTER_SETUPS: readonly RouterSetup[] = [
  gateway('HTTPRoute'),
  gateway('GRPCRoute'),
  gateway('TCPRoute'),
  gateway('TLSRoute'),
  istio('http', false),
  istio('http', true),
  istio('tls', false),
  istio('tcp', false),
  istio('tcp', true),
  traefik,
  apisix,
  appMesh('httpRoute'),
  appMesh('tcpRoute'),
];
