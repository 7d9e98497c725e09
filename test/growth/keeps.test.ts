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
}

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

function taskFor({ submitted, old, rollouts }: Applied): PreserveTask {
  const after = storeOf([submitted, ...rollouts]);
  const kind = kindOf(submitted);
  const keeps = PRESERVERS.filter(({ kinds }) => kind !== undefined && kinds.includes(kind));
  return { object: submitted, old, drivers: driversOf(after, submitted, DEFAULT_POLICY), keeps, after };
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
