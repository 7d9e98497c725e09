import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRESERVERS } from '../src/preserve/index.ts';
import type { Preserver } from '../src/preserve/define.ts';
import { isKubeObject, type KubeObject } from '../src/world/object.ts';
import { isObject } from '../src/world/read.ts';
import { apply } from './support/preserver-tester.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const HASH = 'rollouts-pod-template-hash';
const MANAGED_BY = 'argo-rollouts.argoproj.io/managed-by-rollouts';
const IN_PROGRESS = 'rollouts.argoproj.io/gatewayapi-canary';
const EXPERIMENT = 'exp';
const ALB = 'alb.ingress.kubernetes.io';
const ALB_LIST = 'rollouts.argoproj.io/managed-alb-annotations';
const MANAGED = ['m-header', 'm-mirror'];

const hash = fc.constantFrom('old', 'new', 'exp', 'gone');
const weight = fc.constantFrom(0, 1, 20, 50, 100);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

/** Returns an arbitrary of objects; keys whose value is undefined are left out. */
function record(fields: Record<string, fc.Arbitrary<Json | undefined>>): fc.Arbitrary<{ [key: string]: Json }> {
  return fc
    .record(fields)
    .map((value) =>
      Object.fromEntries(Object.entries(value).flatMap(([key, entry]) => (entry === undefined ? [] : [[key, entry]]))),
    );
}

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

function asKube(value: Json): KubeObject {
  if (!isKubeObject(value)) throw new Error('not a Kubernetes object');
  return value;
}

const services = fc.constant<Json>({ stableService: 'stable', canaryService: 'canary' });
const pingPong = fc.constant<Json>({ pingPong: { pingService: 'stable', pongService: 'canary' } });
const routers: fc.Arbitrary<{ [key: string]: Json }> = record({
  managedRoutes: maybe(fc.constant<Json>(MANAGED.map((name) => ({ name })))),
  istio: maybe(
    record({
      virtualService: fc.oneof(
        fc.constant<Json>({ name: 'web' }),
        fc.constant<Json>({ name: 'web', routes: ['primary'], tcpRoutes: [{ port: 3000 }] }),
      ),
      destinationRule: maybe(
        fc.constant<Json>({
          name: 'web',
          stableSubsetName: 'st',
          canarySubsetName: 'ca',
          additionalSubsetNames: ['extra'],
        }),
      ),
    }),
  ),
  alb: maybe(fc.constantFrom<Json>({ ingress: 'web', rootService: 'root', servicePort: 80 }, { ingresses: ['web'] })),
  traefik: maybe(fc.constant<Json>({ weightedTraefikServiceName: 'web' })),
  apisix: maybe(fc.constantFrom<Json>({ route: { name: 'web' } }, { route: { name: 'web', rules: ['main', 'web'] } })),
  appMesh: maybe(
    fc.constantFrom<Json>(
      ...[{}, { routes: ['main'] }].map((routes) => ({
        virtualService: { name: 'web', ...routes },
        virtualNodeGroup: { stableVirtualNodeRef: { name: 'stable' }, canaryVirtualNodeRef: { name: 'canary' } },
      })),
    ),
  ),
  plugins: maybe(fc.constant<Json>({ 'argoproj-labs/gatewayAPI': { httpRoute: 'web', tcpRoutes: [{ name: 'web' }] } })),
});
const steps = fc.constantFrom<Json>(
  [{ setWeight: 20 }],
  [
    { setHeaderRoute: { name: 'm-header', match: [{ headerName: 'x', headerValue: { exact: '1' } }] } },
    { setMirrorRoute: { name: 'm-mirror', match: [{}] } },
    { pause: {} },
  ],
);
const canaryStrategy = fc
  .tuple(fc.oneof(services, pingPong), maybe(routers), steps)
  .map(([named, trafficRouting, list]): Json => ({
    canary: {
      ...(named as { [key: string]: Json }),
      steps: list,
      ...(trafficRouting === undefined ? {} : { trafficRouting }),
    },
  }));
const blueGreen = fc.constant<Json>({ blueGreen: { activeService: 'stable', previewService: 'canary' } });
const destination = (weight: fc.Arbitrary<number>): fc.Arbitrary<Json> =>
  record({ weight, podTemplateHash: maybe(hash) });
const status = record({
  currentPodHash: maybe(hash),
  stableRS: maybe(hash),
  abort: maybe(fc.boolean()),
  phase: maybe(fc.constantFrom('Healthy', 'Progressing', 'Degraded')),
  replicas: maybe(fc.nat(6)),
  updatedReplicas: maybe(fc.nat(6)),
  availableReplicas: maybe(fc.nat(6)),
  currentStepIndex: maybe(fc.nat(3)),
  blueGreen: maybe(record({ activeSelector: maybe(hash), previewSelector: maybe(hash) })),
  canary: record({
    stablePingPong: maybe(fc.constantFrom('ping', 'pong')),
    weights: maybe(
      record({
        canary: destination(weight),
        stable: destination(weight),
        additional: maybe(fc.constant<Json>([{ serviceName: EXPERIMENT, weight: 10, podTemplateHash: 'exp' }])),
      }),
    ),
  }),
});
const rollout = fc
  .tuple(
    fc.oneof(canaryStrategy, canaryStrategy, blueGreen),
    maybe(fc.constantFrom('onsuccess', 'progressively', 'never')),
    status,
  )
  .map(([strategy, scaleDown, status]) =>
    asKube({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        strategy,
        ...(scaleDown === undefined
          ? {}
          : { workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', scaleDown } }),
      },
      status,
    }),
  );

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
    asKube({ apiVersion: 'v1', kind: 'Service', metadata: { ...(meta as { [key: string]: Json }), name }, spec }),
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
// A Rollout names the VirtualService of a VirtualRouter.
const BETWEEN = [
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

// Two independent random Deployments are seldom versions of the same one.
function heldBack(submitted: KubeObject, old: KubeObject | undefined): KubeObject | undefined {
  return submitted.kind === 'Deployment' ? { ...submitted, spec: { replicas: 0 } } : old;
}

const OBJECTS: Record<string, readonly fc.Arbitrary<KubeObject>[]> = {
  'destinationrule-hash': [destinationRule],
  'ingress-weights': [ingress],
  'router-weights': [traefikService, apisixRoute, virtualRouter],
  'service-hash': [serviceObject],
  'virtualservice-weights': [virtualService],
  'route-weights': [gatewayRoute('HTTPRoute'), gatewayRoute('TCPRoute')],
  'workload-replicas': [deployment],
};

/**
 * Returns an object with some of its parts replaced.
 *
 * @param blows - For each replacement, a number that selects the part, and the new value.
 */
function damage(object: KubeObject, blows: readonly (readonly [number, Json])[]): KubeObject {
  const copy = structuredClone(object) as unknown as { [key: string]: Json };
  for (const [number, value] of blows) {
    const places: { holder: Record<string, Json>; key: string }[] = [];
    const visit = (holder: Json): void => {
      if (typeof holder !== 'object' || holder === null) return;
      for (const key of Object.keys(holder)) {
        places.push({ holder: holder as Record<string, Json>, key });
        visit((holder as Record<string, Json>)[key] ?? null);
      }
    };
    visit(copy);
    const place = places[number % Math.max(1, places.length)];
    if (place !== undefined) place.holder[place.key] = structuredClone(value);
  }
  return isKubeObject(copy) ? copy : object;
}

const junk = fc.oneof(
  fc.constantFrom<Json>(
    null,
    [],
    {},
    '',
    0,
    -1,
    1e300,
    true,
    'x',
    [null],
    [[]],
    ['canary'],
    { weight: 'x' },
    { name: {} },
  ),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
);
const blows = fc.array(fc.tuple(fc.nat(), junk), { maxLength: 4 });

/** Returns a JSON value in which every object is replaced, from the leaves up. */
function map(
  value: unknown,
  change: (object: Record<string, unknown>, path: readonly string[]) => void,
  path: readonly string[] = [],
): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => map(entry, change, [...path, '*']));
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) copy[key] = map(entry, change, [...path, key]);
  change(copy, path);
  return copy;
}

const ROUTER_BACKENDS =
  /^spec\.(weighted\.services|http\.\*\.backends|routes\.\*\.[a-z]+Route\.action\.weightedTargets)\.\*$/;

function without(list: unknown, drop: (entry: Record<string, unknown>) => boolean): unknown {
  return Array.isArray(list) ? list.filter((entry) => !isObject(entry) || !drop(entry)) : list;
}

/**
 * Returns the parts of an object that no preserver may change, without empty objects, which a preserver may have added.
 */
function others(object: KubeObject): unknown {
  const kept = map(object, (part, path) => {
    const place = path.join('.');
    if (place === 'metadata.annotations')
      for (const key of Object.keys(part))
        if (key === MANAGED_BY || key === ALB_LIST || key.startsWith(ALB)) delete part[key];
    if (place === 'spec.rules.*.http')
      part['paths'] = without(part['paths'], (entry) => JSON.stringify(entry['backend']).includes('m-header'));
    if (place === 'metadata.labels') delete part[IN_PROGRESS];
    if (place === 'spec.selector' || place === 'spec.subsets.*.labels') delete part[HASH];
    for (const key of ['annotations', 'labels'])
      if (isObject(part[key]) && Object.keys(part[key]).length === 0) delete part[key];
    if (/^spec\.(http|tcp)\.\*$/.test(place))
      part['route'] = without(
        part['route'],
        (entry) => isObject(entry['destination']) && entry['destination']['host'] === EXPERIMENT,
      );
    if (
      /^spec\.(http|tcp)\.\*\.route\.\*$/.test(place) &&
      JSON.stringify(part['destination']) !== JSON.stringify({ host: 'legacy' })
    )
      delete part['weight'];
    if (place === 'spec.rules.*')
      part['backendRefs'] = without(part['backendRefs'], (entry) => entry['name'] === EXPERIMENT);
    if (place === 'spec.rules.*.backendRefs.*' && part['name'] !== 'legacy') delete part['weight'];
    if (ROUTER_BACKENDS.test(place) && !JSON.stringify(part).includes('"legacy"')) delete part['weight'];
    if (place !== 'spec') return;
    if (object.kind === 'Deployment') delete part['replicas'];
    if (object.kind === 'DestinationRule')
      part['subsets'] = without(part['subsets'], (entry) => entry['name'] === EXPERIMENT);
    part['http'] = without(part['http'], (entry) => MANAGED.includes(String(entry['name'])));
    part['rules'] = without(
      part['rules'],
      (entry) =>
        String(entry['name']).startsWith('m-header') ||
        (Array.isArray(entry['backendRefs']) && entry['backendRefs'].length === 1),
    );
  });
  return JSON.parse(JSON.stringify(kept));
}

const runs = { numRuns: 400 };

describe.each(PRESERVERS.map((keep): [string, Preserver] => [keep.id, keep]))('%s', (id, keep) => {
  const kinds = OBJECTS[id] ?? [];
  it('has test objects', () => {
    expect(kinds).not.toEqual([]);
  });

  for (const objects of kinds) {
    const input = fc
      .tuple(objects, maybe(objects), rollout, fc.boolean())
      .map(([submitted, old, subject, again]) => [submitted, again ? heldBack(submitted, old) : old, subject] as const);

    it('returns a valid patch, leaves its input unchanged, and needs no second run', () => {
      fc.assert(
        fc.property(input, ([submitted, old, subject]) => {
          apply(keep, submitted, old, subject, BETWEEN);
        }),
        runs,
      );
    });

    it('changes only what the controller owns', () => {
      fc.assert(
        fc.property(input, ([submitted, old, subject]) => {
          expect(others(apply(keep, submitted, old, subject, BETWEEN).object)).toEqual(others(submitted));
        }),
        runs,
      );
    });

    it('changes some of the random objects', () => {
      const useful = fc
        .sample(input, 2000)
        .filter(([submitted, old, subject]) => apply(keep, submitted, old, subject, BETWEEN).operations.length > 0);
      expect(useful.length).toBeGreaterThan(20);
    });

    it('accepts any JSON in any place', () => {
      fc.assert(
        fc.property(input, blows, blows, blows, ([submitted, old, subject], first, second, third) => {
          apply(
            keep,
            damage(submitted, first),
            old === undefined ? undefined : damage(old, second),
            damage(subject, third),
            BETWEEN,
          );
        }),
        { numRuns: 1500 },
      );
    });

    it('preserves nothing for a Rollout that has no status, is being deleted, or is in another namespace', () => {
      fc.assert(
        fc.property(input, ([submitted, old, subject]) => {
          const strangers = [
            { ...subject, status: {} },
            { ...subject, metadata: { ...subject.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
            { ...subject, metadata: { ...subject.metadata, namespace: 'elsewhere' } },
          ];
          for (const stranger of strangers)
            expect(apply(keep, submitted, old, stranger, BETWEEN)).toMatchObject({ operations: [], notes: [] });
        }),
        runs,
      );
    });
  }
});
