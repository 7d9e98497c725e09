import type { KubeObject } from '../../../src/world/object.ts';
import { istio, times, virtualService, type Json } from '../objects.ts';
import { APPLIER, certain, inCanary, written, type Applied, type KeepSetup } from './applied.ts';

/** Returns a route with weights. */
export function route(name: string, canary: number, app = 'app'): Json {
  const to = (host: string, weight: number): Json => ({ destination: { host }, weight });
  return { name, route: [to(`${app}-stable`, 100 - canary), to(`${app}-canary`, canary)] };
}

const withRoutes = (n: number, canary: number): KubeObject =>
  virtualService('vs', { http: times(n, (i) => route(`r-${i}`, canary)) });
const withRoute = (canary: number, before: readonly Json[] = []): KubeObject =>
  virtualService('vs', { http: [...before, route('main', canary)] });

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

/** Routes of VirtualServices. */
export const VIRTUAL_SERVICES: readonly KeepSetup[] = [
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
    title: 'entries of a Rollout for one VirtualService, and its tcp routes of one port',
    make: (n) => {
      const tcp = (canary: number): KubeObject =>
        virtualService('vs', { tcp: times(n, () => ({ ...route('', canary), match: [{ port: 80 }] })) });
      const entries = times(n, () => ({ name: 'vs', tcpRoutes: [{ port: 80 }] }));
      return {
        submitted: tcp(0),
        old: tcp(20),
        rollouts: [inCanary('app', { trafficRouting: { istio: { virtualServices: entries } } })],
      };
    },
  },
];
