import {
  times,
  object,
  container,
  rollout,
  service,
  servicesOf,
  destinations,
  virtualService,
  istio,
  metric,
  template,
  analysisStep,
} from '../objects.ts';
import {
  sharing,
  route,
  gateway,
  httpRoute,
  backends,
  ingress,
  destinationRule,
  argument,
  queryOf,
  type Dimension,
} from '../setups.ts';

/** Objects that many Rollouts share. */
export const SHARING: readonly Dimension[] = [
  {
    title: 'Rollouts with one VirtualService route',
    make: (n) => sharing(n, () => istio('vs', ['main']), virtualService('vs', { http: [route('main')] })),
  },
  {
    title: 'Rollouts with one VirtualService, no route named',
    make: (n) =>
      sharing(
        n,
        () => istio('vs', [], { managedRoutes: [{ name: 'm' }] }),
        virtualService('vs', { http: [route('main')] }),
      ),
  },
  {
    title: 'Rollouts with one VirtualService and Services of their own',
    make: (n) => [
      ...sharing(
        n,
        () => istio('vs', ['main']),
        virtualService('vs', { http: [{ name: 'main', route: destinations('app-0') }] }),
      ),
      ...times(n, (i) => servicesOf(`app-${i}`)).flat(),
    ],
  },
  {
    title: 'Rollouts, each with its own route of one VirtualService',
    make: (n) => [
      ...sharing(
        n,
        (i) => istio('vs', [`r-${i}`]),
        virtualService('vs', { http: times(n, (i) => ({ name: `r-${i}`, route: destinations(`app-${i}`) })) }),
      ),
      ...times(n, (i) => servicesOf(`app-${i}`)).flat(),
    ],
  },
  {
    title: 'Rollouts, each without its own route of one VirtualService with unnamed routes',
    make: (n) =>
      sharing(
        n,
        (i) => istio('vs', [`r-${i}`]),
        virtualService('vs', { http: times(n, (i) => ({ route: destinations(`app-${i}`) })) }),
      ),
  },
  {
    title: 'Rollouts and routes of one VirtualService, none named',
    make: (n) =>
      sharing(
        n,
        (i) => istio('vs', [], { managedRoutes: [{ name: `m-${i}` }] }),
        virtualService('vs', { http: times(n, (i) => route(`r-${i}`)) }),
      ),
  },
  {
    title: 'Rollouts with one Service',
    make: (n) =>
      sharing(n, () => ({ stableService: 'one', canaryService: 'two' }), service('one', 'app'), service('two', 'app')),
  },
  {
    title: 'Rollouts with one root Service',
    make: (n) =>
      sharing(
        n,
        () => ({ trafficRouting: { alb: { ingress: 'i', rootService: 'one', servicePort: 80 } } }),
        service('one', 'app'),
        ingress('i', ['one']),
      ),
  },
  {
    title: 'Rollouts with one HTTPRoute',
    make: (n) => sharing(n, () => gateway({ httpRoute: 'route' }), httpRoute('route', [backends('app-0')])),
  },
  {
    title: 'Rollouts and rules of one HTTPRoute',
    make: (n) => [
      ...sharing(
        n,
        () => gateway({ httpRoute: 'route' }),
        httpRoute(
          'route',
          times(n, (i) => backends(`app-${i}`)),
        ),
      ),
      ...times(n, (i) => servicesOf(`app-${i}`)).flat(),
    ],
  },
  {
    title: 'Rollouts and HTTPRoutes by one selector',
    make: (n) =>
      sharing(
        n,
        () => gateway({ httpRouteSelector: { matchLabels: { app: 'app' } } }),
        httpRoute('route', [backends('app-0')], { app: 'app' }),
      ),
  },
  {
    title: 'Rollouts with one DestinationRule',
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
        destinationRule('dr', ['stable', 'canary']),
      ),
  },
  {
    title: 'Rollouts with one Ingress',
    make: (n) =>
      sharing(n, () => ({ trafficRouting: { nginx: { stableIngress: 'i' } } }), ingress('i', ['app-0-stable'])),
  },
  {
    title: 'Rollouts and paths of one Ingress',
    make: (n) => [
      ...sharing(
        n,
        () => ({ trafficRouting: { nginx: { stableIngress: 'i' } } }),
        ingress(
          'i',
          times(n, (i) => `app-${i}-stable`),
        ),
      ),
      ...times(n, (i) => servicesOf(`app-${i}`)).flat(),
    ],
  },
  {
    title: 'Rollouts with one AnalysisTemplate',
    make: (n) =>
      sharing(
        n,
        () => ({ steps: [analysisStep(['t'])] }),
        template('t', { args: [argument(0), argument(1)], metrics: [metric('m', queryOf(1))] }),
      ),
  },
  {
    title: 'Rollouts with the steps of one AnalysisTemplate',
    make: (n) =>
      sharing(
        n,
        () => ({ steps: times(30, () => analysisStep(['t'])) }),
        template('t', { args: [argument(0)], metrics: [metric('m', queryOf(2))] }),
      ),
  },
  {
    title: 'Rollouts and metrics of one AnalysisTemplate',
    make: (n) =>
      sharing(
        n,
        () => ({ steps: [analysisStep(['t'])] }),
        template('t', { metrics: times(n, (i) => metric(`m-${i}`)) }),
      ),
  },
  {
    title: 'Rollouts of one Deployment',
    make: (n) => [
      ...times(n, (i) =>
        rollout(`app-${i}`, {
          spec: {
            selector: undefined,
            template: undefined,
            workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
          },
        }),
      ),
      object('apps/v1', 'Deployment', 'd', {
        selector: { matchLabels: { app: 'd' } },
        template: { metadata: { labels: { app: 'd' } }, spec: { containers: [container('app')] } },
      }),
      object('autoscaling/v2', 'HorizontalPodAutoscaler', 'h', {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      }),
    ],
  },
  {
    title: 'autoscalers of one Deployment',
    make: (n) => [
      ...times(n, (i) =>
        object('autoscaling/v2', 'HorizontalPodAutoscaler', `h-${i}`, {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        }),
      ),
      rollout('d'),
    ],
  },
  {
    title: 'Rollouts and Deployments with one selector',
    make: (n) => [
      ...times(n, (i) => rollout(`app-${i}`, { spec: { selector: { matchLabels: { app: 'one' } } } })),
      ...times(n, (i) => object('apps/v1', 'Deployment', `d-${i}`, { selector: { matchLabels: { app: 'one' } } })),
    ],
  },
  {
    title: 'Rollouts without their templates',
    make: (n) => sharing(n, () => ({ steps: [analysisStep(['t'])] }), ...times(n, (i) => template(`s-${i}`))),
  },
];
