import { destinations, service, times, virtualService, type Json } from '../objects.ts';
import { backends, destinationRule, gateway, httpRoute, route, sharing, type Dimension } from '../setups.ts';

/** Objects with many parts that many Rollouts share. */
export const SHARED_PARTS: readonly Dimension[] = [
  {
    title: 'Rollouts, each with its own tls route of one VirtualService',
    make: (n) => {
      const tlsRoutes = (i: number): Json[] => [{ port: 443, sniHosts: [`h-${i}.example.com`] }];
      return sharing(
        n,
        (i) => ({ trafficRouting: { istio: { virtualService: { name: 'vs', tlsRoutes: tlsRoutes(i) } } } }),
        virtualService('vs', {
          tls: times(n, (i) => ({ match: tlsRoutes(i), route: destinations(`app-${i}`) })),
        }),
      );
    },
  },
  {
    title: 'Rollouts, each with its own tcp route of one VirtualService',
    make: (n) =>
      sharing(
        n,
        (i) => ({ trafficRouting: { istio: { virtualService: { name: 'vs', tcpRoutes: [{ port: 1 + i }] } } } }),
        virtualService('vs', {
          tcp: times(n, (i) => ({ match: [{ port: 1 + i }], route: destinations(`app-${i}`) })),
        }),
      ),
  },
  {
    title: 'Rollouts that miss their subsets in one DestinationRule',
    make: (n) =>
      sharing(
        n,
        () => ({
          trafficRouting: {
            istio: {
              virtualService: { name: 'vs', routes: ['main'] },
              destinationRule: { name: 'dr', stableSubsetName: 'stable', canarySubsetName: 'canary' },
            },
          },
        }),
        virtualService('vs', { http: [route('main')] }),
        destinationRule(
          'dr',
          times(n, (i) => `s-${i}`),
        ),
      ),
  },
  {
    title: 'Rollouts and HTTPRoutes, each with a selector and labels of its own',
    make: (n) =>
      sharing(
        n,
        (i) => gateway({ httpRouteSelector: { matchLabels: { app: `app-${i}` } } }),
        ...times(n, (i) => httpRoute(`r-${i}`, [backends(`app-${i}`)], { app: `app-${i}` })),
      ),
  },
  {
    title: 'Rollouts and ports of one Service',
    make: (n) => {
      const ports = times(n, (i) => ({ name: `p-${i}`, port: 1 + i, targetPort: 'http' }));
      return sharing(
        n,
        () => ({ stableService: 'one', canaryService: 'two' }),
        service('one', 'app', ports),
        service('two', 'app', ports),
      );
    },
  },
];
