import type { KubeObject } from '../../../src/world/object.ts';
import { object, times, type Json } from '../objects.ts';
import { gateway } from '../setups.ts';
import { APPLIER, certain, inCanary, written, type KeepSetup } from './applied.ts';

const withRules = (rules: readonly Json[], metadata: Json = {}): KubeObject =>
  object('gateway.networking.k8s.io/v1', 'HTTPRoute', 'route', { rules }, metadata);

/** Returns a rule of an HTTPRoute with weights. */
export const rule = (app: string, canary: number): Json => ({
  backendRefs: [
    { name: `${app}-stable`, weight: 100 - canary },
    { name: `${app}-canary`, weight: canary },
  ],
});

/** Rules of HTTPRoutes. */
export const HTTP_ROUTES: readonly KeepSetup[] = [
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
];
