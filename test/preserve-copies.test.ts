import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routeWeights } from '../src/preserve/route-weights.ts';
import { routerWeights } from '../src/preserve/router-weights.ts';
import { virtualServiceWeights } from '../src/preserve/virtualservice-weights.ts';
import type { Preserver } from '../src/preserve/define.ts';
import { isKubeObject, type KubeObject } from '../src/world/object.ts';
import { storeOf } from '../src/world/store.ts';
import { apply } from './support/preserver-tester.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Fields = { [key: string]: Json };

/** How many random objects each property tries. */
const CASES = Number(process.env['KEEP_CASES'] ?? 300);
const TIME = Math.max(30_000, CASES * 5);

const MANAGED = ['m-header', 'm-mirror'];
const EXPERIMENTS = ['exp-a', 'exp-b'];

/** A backend of a rule, of any router. */
interface Backend {
  readonly name: string;
  readonly weight: number | undefined;
  /** Something of the user. */
  readonly port: number;
}

/** A rule of a route, of any router. */
interface Rule {
  readonly name: string | undefined;
  readonly path: string | undefined;
  readonly backends: readonly Backend[];
}

interface Setup {
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

function asKube(value: Json): KubeObject {
  if (!isKubeObject(value)) throw new Error('not a Kubernetes object');
  return value;
}

function defined(fields: Record<string, Json | undefined>): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

const metadata = { name: 'web', namespace: 'shop' };

const spec = (object: KubeObject): Record<string, Fields[] | undefined> =>
  object['spec'] as Record<string, Fields[] | undefined>;

function gateway(kind: string): Setup {
  const field = `${kind.slice(0, -5).toLowerCase()}Route`;
  return {
    id: kind,
    keep: routeWeights,
    router: () => ({ plugins: { 'argoproj-labs/gatewayAPI': { [field]: 'web' } } }),
    route: (rules) =>
      asKube({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind,
        metadata,
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

function istio(type: 'http' | 'tls' | 'tcp', subsets: boolean): Setup {
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
        metadata,
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
const traefik: Setup = {
  id: 'TraefikService',
  keep: routerWeights,
  router: () => ({ traefik: { weightedTraefikServiceName: 'web' } }),
  route: ([rule]) =>
    asKube({
      apiVersion: 'traefik.io/v1alpha1',
      kind: 'TraefikService',
      metadata,
      spec: { weighted: { services: (rule?.backends ?? []).map((backend) => defined({ ...backend })) } },
    }),
  rulesIn: (object) => {
    const { weighted } = object['spec'] as { weighted: { services: Backend[] } };
    return [{ name: undefined, path: undefined, backends: weighted.services }];
  },
};

const apisix: Setup = {
  id: 'ApisixRoute',
  keep: routerWeights,
  router: () => ({ apisix: { route: { name: 'web', rules: ['main', 'side'] } } }),
  route: (rules) =>
    asKube({
      apiVersion: 'apisix.apache.org/v2',
      kind: 'ApisixRoute',
      metadata,
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

const appMesh = (type: string): Setup => ({
  id: `VirtualRouter, ${type}`,
  keep: routerWeights,
  between: [
    asKube({
      apiVersion: 'appmesh.k8s.aws/v1beta2',
      kind: 'VirtualService',
      metadata,
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
      metadata,
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

const SETUPS: readonly Setup[] = [
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

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
// From 0 to the most that the Gateway API takes, often what is usual.
const weight = fc.oneof(fc.nat(100), fc.constantFrom(0, 1, 5, 20, 50, 95, 100), fc.nat(1000), fc.nat(1_000_000));
const backend = fc.record({
  name: fc.constantFrom('stable', 'canary', 'stable', 'canary', 'legacy', 'extra', ...EXPERIMENTS),
  weight: maybe(weight),
  port: fc.constantFrom(80, 8080),
});
const anyRule = fc.record({
  name: maybe(fc.constantFrom('main', 'side', ...MANAGED, 'm-header-1')),
  path: maybe(fc.constantFrom('/a', '/b')),
  backends: fc.array(backend, { maxLength: 5 }),
});

const hash = fc.constantFrom('old', 'new');
const anyRollout = (setup: Setup): fc.Arbitrary<KubeObject> =>
  fc
    .record({
      max: maybe(fc.constantFrom(100, 1000, 10_000)),
      managed: fc.boolean(),
      pingPong: fc.boolean(),
      weights: fc.record({ canary: weight, stable: weight, hash, stableHash: hash }),
      experiments: fc.subarray(EXPERIMENTS),
      status: fc.record({ currentPodHash: hash, stableRS: hash, abort: fc.boolean(), currentStepIndex: fc.nat(3) }),
    })
    .map(({ max, managed, pingPong, weights, experiments, status }) =>
      asKube({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Rollout',
        metadata,
        spec: {
          strategy: {
            canary: {
              ...(pingPong && setup.keep === virtualServiceWeights
                ? { pingPong: { pingService: 'stable', pongService: 'canary' } }
                : { stableService: 'stable', canaryService: 'canary' }),
              steps: [
                { setHeaderRoute: { name: 'm-header', match: [{ headerName: 'x', headerValue: { exact: '1' } }] } },
                { setMirrorRoute: { name: 'm-mirror', match: [{}] } },
              ],
              trafficRouting: defined({
                ...setup.router(),
                maxTrafficWeight: max,
                managedRoutes: managed ? MANAGED.map((name) => ({ name })) : undefined,
              }),
            },
          },
        },
        status: {
          ...status,
          canary: {
            stablePingPong: 'ping',
            weights: {
              canary: { weight: weights.canary, podTemplateHash: weights.hash },
              stable: { weight: weights.stable, podTemplateHash: weights.stableHash },
              additional: experiments.map((serviceName) => ({ serviceName, weight: 10, podTemplateHash: 'exp' })),
            },
          },
        },
      }),
    );

/** A canary in progress as the controller leaves it: the weights of every rule add up to the total. */
interface Running {
  readonly rollout: KubeObject;
  readonly canary: number;
  readonly total: number;
  readonly rules: readonly Rule[];
}

const running = (setup: Setup): fc.Arbitrary<Running> =>
  fc
    .record({
      total: setup.keep === routeWeights ? fc.constantFrom(100, 1000) : fc.constant(100),
      part: fc.nat(1000),
      names: fc.constantFrom(['main'], ['main', 'side']),
      ports: fc.array(fc.constantFrom(80, 8080), { minLength: 2, maxLength: 2 }),
    })
    .map(({ total, part, names, ports }) => {
      const canary = Math.floor((part * total) / 1000);
      return {
        canary,
        total,
        rules: names.map((name, index) => ({
          name,
          path: index === 0 ? '/a' : '/b',
          backends: [
            { name: 'stable', weight: total - canary, port: ports[0] ?? 80 },
            { name: 'canary', weight: canary, port: ports[1] ?? 80 },
          ],
        })),
        rollout: asKube({
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Rollout',
          metadata,
          spec: {
            strategy: {
              canary: {
                stableService: 'stable',
                canaryService: 'canary',
                trafficRouting: { ...setup.router(), ...(total === 100 ? {} : { maxTrafficWeight: total }) },
              },
            },
          },
          status: {
            currentPodHash: 'new',
            stableRS: 'old',
            canary: {
              weights: {
                canary: { weight: canary, podTemplateHash: 'new', serviceName: 'canary' },
                stable: { weight: total - canary, podTemplateHash: 'old', serviceName: 'stable' },
              },
            },
          },
        }),
      };
    });

describe.each(SETUPS.map((setup): [string, Setup] => [setup.id, setup]))('%s', (_, setup) => {
  it(
    'are not changed when exactly what is stored is applied',
    () => {
      fc.assert(
        fc.property(fc.array(anyRule, { maxLength: 4 }), anyRollout(setup), (rules, rollout) => {
          const stored = setup.route(rules);
          const { operations, notes } = setup.keep.keep({
            submitted: setup.route(rules),
            old: stored,
            rollout,
            rollouts: [rollout],
            drivers: [rollout],
            world: storeOf([stored, rollout, ...(setup.between ?? [])]),
          });
          if (operations.length + notes.length > 0)
            expect({ operations, notes }).toEqual({ operations: [], notes: [] });
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );

  it(
    'keep the share of the canary, and take every other edit',
    () => {
      const edits = fc.record({
        ports: fc.array(fc.constantFrom(80, 8080, 9090), { minLength: 2, maxLength: 2 }),
        weights: fc.constantFrom([100, 0], [1, 0], [50, 50], [0, 100]),
        legacy: maybe(fc.record({ name: fc.constant('legacy'), weight: fc.nat(20), port: fc.constant(80) })),
        reversed: fc.boolean(),
        others: fc.boolean(),
      });
      fc.assert(
        fc.property(running(setup), edits, ({ rollout, canary, total, rules }, edit) => {
          const submitted = rules.map((rule): Rule => {
            const [stable, next] = rule.backends.map((old, index): Backend => ({
              ...old,
              weight: edit.weights[index] ?? 0,
              port: edit.ports[index] ?? 80,
            }));
            const backends = [stable, next, edit.legacy].filter((entry) => entry !== undefined);
            return { ...rule, backends: edit.reversed ? backends.toReversed() : backends };
          });
          const order = edit.others ? submitted.toReversed() : submitted;
          const { object } = apply(setup.keep, setup.route(order), setup.route(rules), rollout, setup.between);
          const kept = order.map((rule) => ({
            ...rule,
            backends: rule.backends.map((entry) => {
              if (entry.name === 'legacy') return entry;
              return { ...entry, weight: entry.name === 'canary' ? canary : total - canary };
            }),
          }));
          expect(setup.rulesIn(object)).toEqual(setup.rulesIn(setup.route(kept)));
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );
});
