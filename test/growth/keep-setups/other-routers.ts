import type { KubeObject } from '../../../src/world/object.ts';
import { object, times, type Json } from '../objects.ts';
import { inCanary, type KeepSetup } from './applied.ts';

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

/** Weights of Traefik, Apache APISIX and AWS App Mesh. */
export const OTHER_ROUTERS: readonly KeepSetup[] = [
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
];
