import { describe, expect, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { expectLinear } from './linear.ts';
import { driversOf, preserveAll, type PreserveTask } from '../../src/admission/preserve.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { finish } from '../../src/rules/engine.ts';
import { kindOf, type KubeObject } from '../../src/world/object.ts';
import { HASH_LABEL } from '../../src/world/rollout.ts';
import { storeOf } from '../../src/world/store.ts';
import { gateway } from './setups.ts';
import { istio, object, rollout, service, times, virtualService, type Json } from './objects.ts';

/** An object as it is applied, as it is stored, and the Rollouts that drive it. */
interface Applied {
  readonly submitted: KubeObject;
  readonly old: KubeObject;
  readonly rollouts: readonly KubeObject[];
  readonly manager?: string;
  /** Objects between the Rollouts and the object. */
  readonly others?: readonly KubeObject[];
}

/** The client that applies the object, and has written all of it before. */
const APPLIER = 'kubectl-client-side-apply';
const written = (field: string): Json => ({
  managedFields: [
    {
      manager: APPLIER,
      operation: 'Update',
      fieldsV1: { 'f:spec': { [`f:${field}`]: {} } },
      time: '2026-01-01T00:00:00Z',
    },
  ],
});

function inCanary(name: string, canary: Json): KubeObject {
  return {
    ...rollout(name, { canary }),
    status: {
      observedGeneration: '1',
      phase: 'Progressing',
      currentPodHash: 'new',
      stableRS: 'old',
      currentStepIndex: 1,
      canary: { weights: { canary: { weight: 20 }, stable: { weight: 80 } } },
    },
  };
}

/** The weights of the status are those of the current ReplicaSets. */
function certain(one: KubeObject): KubeObject {
  const status = one['status'] as Json;
  const weights = {
    canary: { weight: 20, podTemplateHash: status['currentPodHash'] },
    stable: { weight: 80, podTemplateHash: status['stableRS'] },
  };
  return { ...one, status: { ...status, canary: { weights } } };
}

function route(name: string, canary: number, app = 'app'): Json {
  const to = (host: string, weight: number): Json => ({ destination: { host }, weight });
  return { name, route: [to(`${app}-stable`, 100 - canary), to(`${app}-canary`, canary)] };
}

const withRoutes = (n: number, canary: number): KubeObject =>
  virtualService('vs', { http: times(n, (i) => route(`r-${i}`, canary)) });
const withRoute = (canary: number, before: readonly Json[] = []): KubeObject =>
  virtualService('vs', { http: [...before, route('main', canary)] });
const withHash = (subsets: number, labels: Json): KubeObject =>
  object('networking.istio.io/v1', 'DestinationRule', 'dr', {
    host: 'app',
    subsets: times(subsets, (i) => ({ name: `s-${i}`, labels })),
  });
const withRules = (rules: readonly Json[], metadata: Json = {}): KubeObject =>
  object('gateway.networking.k8s.io/v1', 'HTTPRoute', 'route', { rules }, metadata);
const rule = (app: string, canary: number): Json => ({
  backendRefs: [
    { name: `${app}-stable`, weight: 100 - canary },
    { name: `${app}-canary`, weight: canary },
  ],
});

/** Rollouts that share the route `main`, each with a route that its controller added. */
function ownManagedRoutes(
  n: number,
  { lost, routes = ['main'] }: { lost: 'all' | 'order' | 'content' | 'nothing'; routes?: readonly string[] },
): Applied {
  const managed = (canary: number): Json[] => times(n, (i) => route(`m-${i}`, canary, `app-${i}`));
  const main = route('main', 20);
  const http = {
    all: [main],
    order: [main, ...managed(20)],
    content: [...managed(0), main],
    nothing: [...managed(20), main],
  }[lost];
  return {
    submitted: virtualService('vs', { http }),
    old: virtualService('vs', { http: [...managed(20), main] }),
    rollouts: times(n, (i) => inCanary(`app-${i}`, istio('vs', routes, { managedRoutes: [{ name: `m-${i}` }] }))),
  };
}

const albAction = (name: string): string => `alb.ingress.kubernetes.io/actions.${name}`;
const albPath = (name: string): Json => ({
  path: '/*',
  backend: { service: { name, port: { name: 'use-annotation' } } },
});
const albObject = (annotations: Json, rules: readonly Json[]): KubeObject =>
  object('networking.k8s.io/v1', 'Ingress', 'web', { rules }, { annotations });
const albWeights = (i: number, canary = 20, more: readonly Json[] = []): string => {
  const group = (name: string, Weight: number): Json => ({
    ServiceName: `app-${i}-${name}`,
    ServicePort: '80',
    Weight,
  });
  return JSON.stringify({
    Type: 'forward',
    ForwardConfig: { TargetGroups: [group('canary', canary), group('stable', 100 - canary), ...more] },
  });
};
const albRollout = (i: number, headers = false): KubeObject =>
  inCanary(`app-${i}`, {
    stableService: `app-${i}-stable`,
    canaryService: `app-${i}-canary`,
    steps: [{ setHeaderRoute: { name: `m-${i}`, match: [{ headerName: 'x' }] } }],
    trafficRouting: {
      ...(headers ? { managedRoutes: [{ name: `m-${i}` }] } : {}),
      alb: { ingress: 'web', rootService: `root-${i}`, servicePort: 80 },
    },
  });

/** Rollouts that share an ALB Ingress, each with an action, and with a header route. */
function albIngress(n: number, { lost, headers = false }: { lost: boolean; headers?: boolean }): Applied {
  const roots = times(n, (i) => albPath(`root-${i}`));
  const managed = headers ? times(n, (i) => albPath(`m-${i}`)) : [];
  const rules = (paths: readonly Json[]): Json[] => [{ host: 'a', http: { paths } }];
  const annotations = Object.fromEntries([
    ...times(n, (i) => [albAction(`root-${i}`), albWeights(i)]),
    ...(headers ? times(n, (i) => [albAction(`m-${i}`), 'x']) : []),
    [
      'rollouts.argoproj.io/managed-alb-annotations',
      JSON.stringify(Object.fromEntries(times(n, (i) => [`app-${i}`, ['x']]))),
    ],
  ]) as Json;
  const old = albObject(annotations, rules([...managed, ...roots]));
  return {
    submitted: lost ? albObject({ team: 'a' }, rules(roots)) : albObject(annotations, rules([...managed, ...roots])),
    old,
    rollouts: times(n, (i) => albRollout(i, headers)),
  };
}

const ofRouter = (trafficRouting: Json): Json => ({
  stableService: 'app-stable',
  canaryService: 'app-canary',
  trafficRouting,
});
const withApisixRules = (names: readonly string[], canary: number): KubeObject =>
  object('apisix.apache.org/v2', 'ApisixRoute', 'web', {
    http: names.map((name) => ({
      name,
      backends: [
        { serviceName: 'app-stable', weight: 100 - canary },
        { serviceName: 'app-canary', weight: canary },
      ],
    })),
  });

const selecting = (selector: Json): KubeObject => ({ ...service('one', 'app'), spec: { selector } });

const APPLIED: readonly { readonly title: string; readonly make: (n: number) => Applied }[] = [
  {
    title: 'routes of a VirtualService',
    make: (n) => ({
      submitted: withRoutes(n, 0),
      old: withRoutes(n, 20),
      rollouts: [
        inCanary(
          'app',
          istio(
            'vs',
            times(n, (i) => `r-${i}`),
          ),
        ),
      ],
    }),
  },
  {
    title: 'Rollouts of one VirtualService route',
    make: (n) => ({
      submitted: withRoute(0),
      old: withRoute(20),
      rollouts: times(n, (i) =>
        inCanary(`app-${i}`, {
          ...istio('vs', ['main']),
          stableService: 'app-stable',
          canaryService: 'app-canary',
        }),
      ),
    }),
  },
  {
    title: 'Rollouts and routes, nothing lost',
    make: (n) => ({
      submitted: virtualService('vs', { http: times(n, (i) => route(`r-${i}`, 20, `app-${i}`)) }),
      old: virtualService('vs', { http: times(n, (i) => route(`r-${i}`, 20, `app-${i}`)) }),
      rollouts: times(n, (i) => inCanary(`app-${i}`, istio('vs', [`r-${i}`]))),
    }),
  },
  {
    title: 'Rollouts, each of which loses the weights of its own route',
    make: (n) => ({
      submitted: virtualService('vs', { http: times(n, (i) => route(`r-${i}`, 0, `app-${i}`)) }),
      old: virtualService('vs', { http: times(n, (i) => route(`r-${i}`, 20, `app-${i}`)) }),
      rollouts: times(n, (i) => inCanary(`app-${i}`, istio('vs', [`r-${i}`]))),
    }),
  },
  {
    title: 'Rollouts, each of which loses its own route',
    make: (n) => ({
      submitted: virtualService('vs', { http: [route('other', 0)] }),
      old: virtualService('vs', { http: times(n, (i) => route(`r-${i}`, 20, `app-${i}`)) }),
      rollouts: times(n, (i) => inCanary(`app-${i}`, istio('vs', [`r-${i}`]))),
    }),
  },
  {
    title: 'managed routes',
    make: (n) => {
      const names = times(n, (i) => `m-${i}`);
      return {
        submitted: withRoute(0),
        old: withRoute(
          20,
          names.map((name) => ({ name, route: [{ destination: { host: 'app-canary' }, weight: 100 }] })),
        ),
        rollouts: [inCanary('app', istio('vs', ['main'], { managedRoutes: names.map((name) => ({ name })) }))],
      };
    },
  },
  {
    title: 'Rollouts, each of which loses its own managed route',
    make: (n) => ownManagedRoutes(n, { lost: 'all' }),
  },
  {
    title: 'Rollouts without named routes, each of which loses its own managed route',
    make: (n) => ownManagedRoutes(n, { lost: 'all', routes: [] }),
  },
  {
    title: 'Rollouts, each of which loses the order of its own managed route',
    make: (n) => ownManagedRoutes(n, { lost: 'order' }),
  },
  {
    title: 'Rollouts, each of which loses the content of its own managed route',
    make: (n) => ownManagedRoutes(n, { lost: 'content' }),
  },
  {
    title: 'Rollouts, each with its own managed route, nothing lost',
    make: (n) => ownManagedRoutes(n, { lost: 'nothing' }),
  },
  {
    title: 'Rollouts, each of which loses the weights of its own rule of an HTTPRoute',
    make: (n) => ({
      submitted: withRules(times(n, (i) => rule(`app-${i}`, 0))),
      old: withRules(times(n, (i) => rule(`app-${i}`, 20))),
      rollouts: times(n, (i) => inCanary(`app-${i}`, gateway({ httpRoute: 'route' }))),
    }),
  },
  {
    title: 'Rollouts and rules of an HTTPRoute, nothing lost',
    make: (n) => ({
      submitted: withRules(times(n, (i) => rule(`app-${i}`, 20))),
      old: withRules(times(n, (i) => rule(`app-${i}`, 20))),
      rollouts: times(n, (i) => inCanary(`app-${i}`, gateway({ httpRoute: 'route' }))),
    }),
  },
  {
    title: 'Rollouts, each of which loses its own header rule and label of an HTTPRoute',
    make: (n) => {
      const header = (i: number): Json => ({ name: `m-${i}`, backendRefs: [{ name: `app-${i}-canary` }] });
      return {
        submitted: withRules(times(n, (i) => rule(`app-${i}`, 20))),
        old: withRules([...times(n, (i) => rule(`app-${i}`, 20)), ...times(n, header)], {
          labels: Object.fromEntries(times(n, (i) => [`l-${i}`, 'in-progress'])),
        }),
        rollouts: times(n, (i) =>
          inCanary(`app-${i}`, {
            ...gateway({ httpRoute: 'route', inProgressLabelKey: `l-${i}` }, { managedRoutes: [{ name: `m-${i}` }] }),
            steps: [{ setHeaderRoute: { name: `m-${i}`, match: [{ headerName: 'x' }] } }],
          }),
        ),
      };
    },
  },
  {
    title: 'Rollouts of one Service',
    make: (n) => ({
      submitted: selecting({ app: 'x' }),
      old: selecting({ app: 'x', [HASH_LABEL]: 'old' }),
      rollouts: times(n, (i) => inCanary(`app-${i}`, { stableService: 'one' })),
    }),
  },
  {
    title: 'Rollouts of two Services, which lose the weights of all rules of an HTTPRoute',
    make: (n) => ({
      submitted: withRules(times(n, () => rule('app', 0))),
      old: withRules(times(n, () => rule('app', 20))),
      rollouts: times(n, (i) =>
        inCanary(`app-${i}`, {
          ...gateway({ httpRoute: 'route' }),
          stableService: 'app-stable',
          canaryService: 'app-canary',
        }),
      ),
    }),
  },
  {
    title: 'Rollouts, each of which loses the order of managed routes that another one has too',
    make: (n) => {
      const names = times(n + 1, (i) => `m-${i}`);
      const managed = names.map((name) => route(name, 20, 'app'));
      return {
        submitted: virtualService('vs', { http: [route('main', 20), ...managed] }),
        old: virtualService('vs', { http: [...managed, route('main', 20)] }),
        rollouts: times(n, (i) =>
          inCanary(`app-${i}`, istio('vs', ['main'], { managedRoutes: [{ name: `m-${i + 1}` }, { name: `m-${i}` }] })),
        ),
      };
    },
  },
  {
    title: 'rules of an HTTPRoute with weights that the requester wrote before, and others now',
    make: (n) => ({
      submitted: withRules(times(n, () => rule('app', 1))),
      old: withRules(
        times(n, (i) => rule('app', 40 + (i % 50))),
        written('rules'),
      ),
      rollouts: [certain(inCanary('app', gateway({ httpRoute: 'route' })))],
      manager: APPLIER,
    }),
  },
  {
    title: 'routes of a VirtualService with weights that the requester wrote before, and others now',
    make: (n) => ({
      submitted: withRoutes(n, 1),
      old: {
        ...virtualService('vs', { http: times(n, (i) => route(`r-${i}`, 40 + (i % 50))) }),
        metadata: { name: 'vs', namespace: 'shop', ...written('http') },
      },
      rollouts: [
        certain(
          inCanary(
            'app',
            istio(
              'vs',
              times(n, (i) => `r-${i}`),
            ),
          ),
        ),
      ],
      manager: APPLIER,
    }),
  },
  {
    title: 'Rollouts, each of which loses its own action of an ALB Ingress',
    make: (n) => albIngress(n, { lost: true }),
  },
  {
    title: 'Rollouts and actions of an ALB Ingress, nothing lost',
    make: (n) => albIngress(n, { lost: false }),
  },
  {
    title: 'Rollouts, each of which loses its own header route of an ALB Ingress',
    make: (n) => albIngress(n, { lost: true, headers: true }),
  },
  {
    title: 'Rollouts, each with its own header route of an ALB Ingress, nothing lost',
    make: (n) => albIngress(n, { lost: false, headers: true }),
  },
  {
    title: 'rules of an ALB Ingress, each of which loses the path of a header route',
    make: (n) => {
      const [own, lost] = [albPath('m-0'), albPath('root-0')];
      const hosts = (paths: readonly Json[]): Json[] => times(n, (i) => ({ host: `h-${i}`, http: { paths } }));
      return {
        submitted: albObject({}, hosts([lost])),
        old: albObject({ [albAction('root-0')]: albWeights(0) }, hosts([own, lost])),
        rollouts: [albRollout(0, true)],
      };
    },
  },
  {
    title: 'Rollouts with the same action of an ALB Ingress',
    make: (n) => ({
      submitted: albObject({}, [{ host: 'a', http: { paths: [albPath('root-0')] } }]),
      old: albObject({ [albAction('root-0')]: albWeights(0) }, [{ host: 'a', http: { paths: [albPath('root-0')] } }]),
      rollouts: times(n, (i) => ({ ...albRollout(0), metadata: { name: `app-${i}`, namespace: 'shop' } })),
    }),
  },
  {
    title: 'target groups of an action of an ALB Ingress',
    make: (n) => {
      const groups = times(n, (i) => ({ ServiceName: `g-${i}`, ServicePort: '80', Weight: 1 }));
      const rules = [{ host: 'a', http: { paths: [albPath('root-0')] } }];
      return {
        submitted: albObject({ [albAction('root-0')]: albWeights(0, 30) }, rules),
        old: albObject({ [albAction('root-0')]: albWeights(0, 20, groups) }, rules),
        rollouts: [albRollout(0)],
      };
    },
  },
  {
    title: 'entries of a TraefikService',
    make: (n) => {
      const entries = (canary: number): Json[] => [
        ...times(n, (i) => ({ name: `other-${i}`, weight: 1 })),
        { name: 'app-stable', weight: 100 - canary },
        { name: 'app-canary', weight: canary },
      ];
      const traefik = (canary: number): KubeObject =>
        object('traefik.io/v1alpha1', 'TraefikService', 'web', { weighted: { services: entries(canary) } });
      return {
        submitted: traefik(0),
        old: traefik(20),
        rollouts: [inCanary('app', ofRouter({ traefik: { weightedTraefikServiceName: 'web' } }))],
      };
    },
  },
  {
    title: 'Rollouts of one TraefikService',
    make: (n) => {
      const traefik = (canary: number): KubeObject =>
        object('traefik.io/v1alpha1', 'TraefikService', 'web', {
          weighted: {
            services: [
              { name: 'app-stable', weight: 100 - canary },
              { name: 'app-canary', weight: canary },
            ],
          },
        });
      return {
        submitted: traefik(0),
        old: traefik(20),
        rollouts: times(n, (i) => inCanary(`app-${i}`, ofRouter({ traefik: { weightedTraefikServiceName: 'web' } }))),
      };
    },
  },
  {
    title: 'rules of an ApisixRoute',
    make: (n) => {
      const names = times(n, (i) => `r-${i}`);
      return {
        submitted: withApisixRules(names, 0),
        old: withApisixRules(names, 20),
        rollouts: [inCanary('app', ofRouter({ apisix: { route: { name: 'web', rules: names } } }))],
      };
    },
  },
  {
    title: 'Rollouts, each of which loses the weights of its own rule of an ApisixRoute',
    make: (n) => {
      const names = times(n, (i) => `r-${i}`);
      return {
        submitted: withApisixRules(names, 0),
        old: withApisixRules(names, 20),
        rollouts: times(n, (i) =>
          inCanary(`app-${i}`, ofRouter({ apisix: { route: { name: 'web', rules: [`r-${i}`] } } })),
        ),
      };
    },
  },
  {
    title: 'routes of a VirtualRouter',
    make: (n) => {
      const routes = (canary: number): Json[] =>
        times(n, (i) => ({
          name: `r-${i}`,
          httpRoute: {
            action: {
              weightedTargets: [
                { virtualNodeRef: { name: 'stable' }, weight: 100 - canary },
                { virtualNodeRef: { name: 'canary' }, weight: canary },
              ],
            },
          },
        }));
      const router = (canary: number): KubeObject =>
        object('appmesh.k8s.aws/v1beta2', 'VirtualRouter', 'router', { routes: routes(canary) });
      const nodes = { stableVirtualNodeRef: { name: 'stable' }, canaryVirtualNodeRef: { name: 'canary' } };
      return {
        submitted: router(0),
        old: router(20),
        others: [
          object('appmesh.k8s.aws/v1beta2', 'VirtualService', 'web', {
            provider: { virtualRouter: { virtualRouterRef: { name: 'router' } } },
          }),
        ],
        rollouts: [
          inCanary('app', ofRouter({ appMesh: { virtualService: { name: 'web' }, virtualNodeGroup: nodes } })),
        ],
      };
    },
  },
  {
    title: 'subsets of a DestinationRule',
    make: (n) => ({
      submitted: withHash(n, {}),
      old: withHash(n, { [HASH_LABEL]: 'old' }),
      rollouts: [
        inCanary('app', {
          trafficRouting: {
            istio: { destinationRule: { name: 'dr', stableSubsetName: 's-0', canarySubsetName: 's-1' } },
          },
        }),
      ],
    }),
  },
];

function taskFor({ submitted, old, rollouts, manager, others = [] }: Applied): PreserveTask {
  const after = storeOf([submitted, ...others, ...rollouts]);
  const kind = kindOf(submitted);
  const keeps = PRESERVERS.filter(({ kinds }) => kind !== undefined && kinds.includes(kind));
  return { object: submitted, old, drivers: driversOf(after, submitted, DEFAULT_POLICY), keeps, after, manager };
}

describe.each(APPLIED)('the cost of what is kept for $title', ({ make }) => {
  it('grows no faster than they do', () => {
    expectLinear({
      keeps: (n) => {
        const task = taskFor(make(n));
        return () => void finish(preserveAll(task));
      },
    });
  });
});

describe('what is kept for many Rollouts', () => {
  const keptFor = (title: string, n: number): ReturnType<typeof keep> => {
    const applied = APPLIED.find((each) => each.title === title);
    if (applied === undefined) throw new Error(`no such case: ${title}`);
    return keep(applied.make(n));
  };
  const keep = (applied: Applied): { readonly patched: KubeObject; readonly notes: readonly string[] } =>
    finish(preserveAll(taskFor(applied)));
  const rulesOf = (object: KubeObject): unknown => (object['spec'] as Json)['rules'];

  it('is everything where they share their Services', () => {
    const { patched, notes } = keptFor(
      'Rollouts of two Services, which lose the weights of all rules of an HTTPRoute',
      30,
    );
    expect(rulesOf(patched)).toEqual(times(30, () => rule('app', 20)));
    expect(notes).toHaveLength(1);
  });

  it.each([
    ['Rollouts, each of which loses the weights of its own rule of an ApisixRoute', 60],
    ['routes of a VirtualRouter', 60],
    ['entries of a TraefikService', 2],
    ['Rollouts of one TraefikService', 2],
  ])('is everything for: %s', (title, operations) => {
    const applied = APPLIED.find((each) => each.title === title);
    expect(applied && finish(preserveAll(taskFor(applied.make(30)))).operations).toHaveLength(operations);
  });

  it('is everything in an ALB Ingress that they share', () => {
    const { patched, notes } = keptFor('Rollouts, each of which loses its own header route of an ALB Ingress', 30);
    const { old } = albIngress(30, { lost: true, headers: true });
    const annotationsOf = ({ metadata }: KubeObject): Json => {
      const { 'rollouts.argoproj.io/managed-alb-annotations': list, ...others } = metadata['annotations'] as Json;
      return { ...others, list: JSON.parse(String(list)) as Json };
    };
    expect(annotationsOf(patched)).toEqual({ ...annotationsOf(old), team: 'a' });
    const pathsOf = (ingress: KubeObject): Set<Json> =>
      new Set((rulesOf(ingress) as { http: { paths: Json[] } }[]).flatMap(({ http }) => http.paths));
    expect(pathsOf(patched)).toEqual(pathsOf(old));
    expect(notes).toHaveLength(30);
  });

  it('says for how many nothing is kept, because each changes what others have', () => {
    const title = 'Rollouts, each of which loses the order of managed routes that another one has too';
    const leftOut = (n: number): readonly string[] =>
      keptFor(title, n).notes.filter((note) => note.includes('nothing'));
    expect(leftOut(20)).toEqual([]);
    expect(leftOut(30)).toEqual([
      'VirtualService "vs": nothing is kept for 3 Rollouts that share managed routes or weights with others: give each Rollout its own routes and Services',
    ]);
  });

  it('lets others have their turn after each', () => {
    const work = preserveAll(
      taskFor({
        submitted: virtualService('vs', { http: times(10, (i) => route(`r-${i}`, 0, `app-${i}`)) }),
        old: virtualService('vs', { http: times(10, (i) => route(`r-${i}`, 20, `app-${i}`)) }),
        rollouts: times(10, (i) => inCanary(`app-${i}`, istio('vs', [`r-${i}`]))),
      }),
    );
    let turns = 0;
    for (let step = work.next(); ; step = work.next()) {
      if (step.done === true) {
        expect(step.value.operations).toHaveLength(20);
        break;
      }
      turns++;
    }
    expect(turns).toBe(10);
  });
});
