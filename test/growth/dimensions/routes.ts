import { times, object, rollout, service, destinations, virtualService, istio } from '../objects.ts';
import {
  one,
  route,
  gateway,
  httpRoute,
  backends,
  ingress,
  destinationRule,
  nested,
  type Dimension,
} from '../setups.ts';

/** Steps, routes and other parts of one Rollout. */
export const ROUTES: readonly Dimension[] = [
  {
    title: 'steps',
    make: (n) =>
      one({ steps: times(n, (i) => (i % 2 === 0 ? { setWeight: i % 100 } : { pause: { duration: `${i}s` } })) }),
  },
  {
    title: 'invalid steps',
    make: (n) => one({ steps: times(n, (i) => ({ setWeight: 101 + i, pause: { duration: '1 day' } })) }),
  },
  {
    title: 'routes of a VirtualService, all named',
    make: (n) =>
      one(
        istio(
          'vs',
          times(n, (i) => `r-${i}`),
        ),
        virtualService('vs', { http: times(n, (i) => route(`r-${i}`)) }),
      ),
  },
  {
    title: 'routes of a VirtualService, none named',
    make: (n) => one(istio('vs', []), virtualService('vs', { http: times(n, (i) => route(`r-${i}`)) })),
  },
  {
    title: 'routes that do not exist',
    make: (n) =>
      one(
        istio(
          'vs',
          times(n, (i) => `s-${i}`),
        ),
        virtualService('vs', { http: times(n, (i) => route(`r-${i}`)) }),
      ),
  },
  {
    title: 'tls routes with hosts',
    make: (n) =>
      one(
        {
          trafficRouting: {
            istio: {
              virtualService: {
                name: 'vs',
                tlsRoutes: times(n, (i) => ({ port: 443, sniHosts: [`h-${i}.example.com`] })),
              },
            },
          },
        },
        virtualService('vs', {
          tls: times(n, (i) => ({
            match: [{ port: 443, sniHosts: [`h-${i}.example.com`] }],
            route: destinations('app'),
          })),
        }),
      ),
  },
  {
    title: 'managed routes that are written',
    make: (n) =>
      one(
        istio('vs', ['main'], { managedRoutes: times(n, (i) => ({ name: `r-${i}` })) }),
        virtualService('vs', { http: [route('main'), ...times(n, (i) => route(`r-${i}`, { timeout: '1s' }))] }),
      ),
  },
  {
    title: 'managed routes, also named',
    make: (n) =>
      one(
        istio(
          'vs',
          times(n, (i) => `r-${i}`),
          { managedRoutes: times(n, (i) => ({ name: `r-${i}` })) },
        ),
        virtualService('vs', { http: times(n, (i) => route(`r-${i}`)) }),
      ),
  },
  {
    title: 'VirtualServices of one Rollout, without names of routes',
    make: (n) =>
      one(
        {
          trafficRouting: {
            istio: { virtualServices: times(n, (i) => ({ name: `vs-${i}` })) },
            managedRoutes: times(n, (i) => ({ name: `m-${i}` })),
          },
        },
        ...times(n, (i) => virtualService(`vs-${i}`, { http: [route('main')] })),
      ),
  },
  {
    title: 'matches of a route',
    make: (n) =>
      one(
        istio('vs', ['main']),
        virtualService('vs', {
          http: [route('main', { match: times(n, (i) => ({ uri: { prefix: `/${i}` }, port: 80 })) })],
        }),
      ),
  },
  {
    title: 'destinations of a route',
    make: (n) =>
      one(
        istio('vs', ['main']),
        virtualService('vs', {
          http: [
            {
              name: 'main',
              route: [...destinations('app'), ...times(n, (i) => ({ destination: { host: `h-${i}` }, weight: 1 }))],
            },
          ],
        }),
      ),
  },
  {
    title: 'different ports of two Services, with routes',
    make: (n) => [
      rollout('app', {
        canary: istio(
          'vs',
          times(n, (i) => `r-${i}`),
        ),
      }),
      service(
        'app-stable',
        'app',
        times(n, (i) => ({ name: `p-${i}`, port: 1 + i })),
      ),
      service(
        'app-canary',
        'app',
        times(n, (i) => ({ name: `q-${i}`, port: 30_000 + i })),
      ),
      virtualService('vs', {
        http: times(n, (i) => ({
          name: `r-${i}`,
          match: [{ port: 1 + i }],
          route: [
            { destination: { host: 'app-stable', port: { number: 1 + i } }, weight: 100 },
            { destination: { host: 'app-canary', port: { number: 30_000 + i } }, weight: 0 },
          ],
        })),
      }),
    ],
  },
  { title: 'nesting of a step', make: (n) => one({ steps: [{ plugin: nested(n) }] }) },
  {
    title: 'subsets of a DestinationRule',
    make: (n) =>
      one(
        {
          trafficRouting: {
            istio: {
              virtualService: { name: 'vs', routes: ['main'] },
              destinationRule: { name: 'dr', stableSubsetName: 'stable', canarySubsetName: 'canary' },
            },
          },
        },
        virtualService('vs', {
          http: [
            route('main'),
            ...times(n, (i) => ({ route: [{ destination: { host: 'app-stable', subset: `s-${i}` } }] })),
          ],
        }),
        destinationRule('dr', ['stable', 'canary', ...times(n, (i) => `s-${i}`)]),
      ),
  },
  {
    title: 'DestinationRules of a namespace',
    make: (n) =>
      one(
        {
          trafficRouting: {
            istio: {
              virtualService: { name: 'vs', routes: times(n, (i) => `r-${i}`) },
              destinationRule: { name: 'dr', stableSubsetName: 'stable', canarySubsetName: 'canary' },
            },
          },
        },
        virtualService('vs', {
          http: times(n, (i) => ({
            name: `r-${i}`,
            route: [
              { destination: { host: `h-${i}`, subset: 'stable' } },
              { destination: { host: `h-${i}`, subset: 'canary' } },
            ],
          })),
        }),
        destinationRule('dr', ['stable', 'canary']),
        ...times(n, (i) => destinationRule(`other-${i}`, [`s-${i}`])),
      ),
  },
  {
    title: 'rules of an HTTPRoute',
    make: (n) =>
      one(
        gateway({ httpRoute: 'route' }),
        httpRoute(
          'route',
          times(n, () => backends('app')),
        ),
      ),
  },
  {
    title: 'header rules',
    make: (n) =>
      one(
        {
          ...gateway({ httpRoute: 'route' }, { managedRoutes: times(n, (i) => ({ name: `h-${i}` })) }),
          steps: times(n, (i) => ({
            setHeaderRoute: { name: `h-${i}`, match: [{ headerName: `x-${i}`, headerValue: { exact: 'a' } }] },
          })),
        },
        httpRoute('route', [
          backends('app'),
          ...times(n, (i) => ({
            matches: [{ headers: [{ name: `y-${i}`, value: 'a' }] }],
            backendRefs: [{ name: 'app-canary', port: 80 }],
          })),
        ]),
      ),
  },
  {
    title: 'HTTPRoutes of one Rollout',
    make: (n) =>
      one(
        gateway({ httpRoutes: times(n, (i) => ({ name: `r-${i}` })) }),
        ...times(n, (i) => httpRoute(`r-${i}`, [backends('app')])),
      ),
  },
  {
    title: 'HTTPRoutes by selector',
    make: (n) =>
      one(
        gateway({ httpRouteSelector: { matchLabels: { app: 'app' } } }),
        ...times(n, (i) => httpRoute(`r-${i}`, [backends('app')], { app: 'app' })),
      ),
  },
  {
    title: 'matches of an HTTPRoute rule',
    make: (n) =>
      one(
        {
          ...gateway({ httpRoute: 'route' }, { managedRoutes: [{ name: 'h' }] }),
          steps: [{ setHeaderRoute: { name: 'h', match: [{ headerName: 'x-0', headerValue: { exact: 'a' } }] } }],
        },
        httpRoute('route', [
          backends('app', { matches: times(n, (i) => ({ headers: [{ name: `x-${i}`, value: 'a' }] })) }),
        ]),
      ),
  },
  {
    title: 'matches of a header step',
    make: (n) =>
      one(
        {
          ...istio('vs', ['main'], { managedRoutes: [{ name: 'h' }] }),
          steps: [
            {
              setHeaderRoute: {
                name: 'h',
                match: times(n, (i) => ({ headerName: `x-${i}`, headerValue: { exact: 'a', prefix: 'b' } })),
              },
            },
          ],
        },
        virtualService('vs', { http: [route('main')] }),
      ),
  },
  {
    title: 'hosts of a tls route',
    make: (n) => {
      const sniHosts = times(n, (i) => `h-${i}.example.com`);
      return one(
        { trafficRouting: { istio: { virtualService: { name: 'vs', tlsRoutes: [{ port: 443, sniHosts }] } } } },
        virtualService('vs', { tls: [{ match: [{ port: 443, sniHosts }], route: destinations('app') }] }),
      );
    },
  },
  {
    title: 'matches of tcp routes that no Rollout can name',
    make: (n) =>
      one(
        { trafficRouting: { istio: { virtualService: { name: 'vs', tcpRoutes: times(n, (i) => ({ port: i })) } } } },
        virtualService('vs', {
          tcp: times(n, (i) => ({ match: [{ port: 1 }, { port: 2 + i }], route: destinations('app') })),
        }),
      ),
  },
  {
    title: 'rules of a GRPCRoute',
    make: (n) =>
      one(
        gateway({ grpcRoute: 'route' }),
        object('gateway.networking.k8s.io/v1', 'GRPCRoute', 'route', { rules: times(n, () => backends('app')) }),
      ),
  },
  {
    title: 'routes of an App Mesh router',
    make: (n) =>
      one(
        { trafficRouting: { appMesh: { virtualService: { name: 'vs', routes: times(n, (i) => `r-${i}`) } } } },
        object('appmesh.k8s.aws/v1beta2', 'VirtualService', 'vs', {
          provider: { virtualRouter: { virtualRouterRef: { name: 'router' } } },
        }),
        object('appmesh.k8s.aws/v1beta2', 'VirtualRouter', 'router', {
          routes: times(n, (i) => ({
            name: `s-${i}`,
            httpRoute: { action: { weightedTargets: [{ virtualNodeRef: { name: 'app' }, weight: 1 }] } },
          })),
        }),
      ),
  },
  {
    title: 'Ingresses of one Rollout',
    make: (n) =>
      one(
        { trafficRouting: { nginx: { stableIngresses: times(n, (i) => `i-${i}`) } } },
        ...times(n, (i) => ingress(`i-${i}`, ['app-stable'])),
      ),
  },
  {
    title: 'paths of an Ingress',
    make: (n) =>
      one(
        { trafficRouting: { alb: { ingress: 'i', servicePort: 80 } } },
        ingress(
          'i',
          times(n, () => 'app-stable'),
        ),
      ),
  },
  {
    title: 'Mappings',
    make: (n) =>
      one(
        { trafficRouting: { ambassador: { mappings: times(n, (i) => `m-${i}`) } } },
        ...times(n, (i) => object('getambassador.io/v3alpha1', 'Mapping', `m-${i}`, { weight: 1 })),
      ),
  },
  {
    title: 'plugins',
    make: (n) => [
      rollout('app', {
        canary: { trafficRouting: { plugins: Object.fromEntries(times(n, (i) => [`x/p-${i}`, {}])) } },
      }),
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'argo-rollouts-config', namespace: 'argo' },
        data: { trafficRouterPlugins: times(n, (i) => `- name: x/q-${i}`).join('\n') },
      },
    ],
  },
  {
    title: 'entries of a Rollout for one VirtualService, and its tcp routes of one port',
    make: (n) =>
      one(
        { trafficRouting: { istio: { virtualServices: times(n, () => ({ name: 'vs', tcpRoutes: [{ port: 80 }] })) } } },
        virtualService('vs', { tcp: times(n, () => ({ match: [{ port: 80 }] })) }),
      ),
  },
];
