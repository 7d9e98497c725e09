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
  clusterTemplate,
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
    title: 'Rollouts with one ClusterAnalysisTemplate',
    make: (n) =>
      sharing(
        n,
        () => ({ steps: [{ analysis: { templates: [{ templateName: 't', clusterScope: true }] } }] }),
        clusterTemplate('t', { args: [argument(0)], metrics: [] }),
      ),
  },
  {
    title: 'Rollouts with one App Mesh router',
    make: (n) =>
      sharing(
        n,
        () => ({ trafficRouting: { appMesh: { virtualService: { name: 'vs' } } } }),
        object('appmesh.k8s.aws/v1beta2', 'VirtualService', 'vs', {
          provider: { virtualRouter: { virtualRouterRef: { name: 'router' } } },
        }),
        object('appmesh.k8s.aws/v1beta2', 'VirtualRouter', 'router', { routes: [] }),
      ),
  },
  {
    title: 'Rollouts with one TrafficSplit and one TraefikService',
    make: (n) =>
      sharing(
        n,
        () => ({ trafficRouting: { smi: { trafficSplitName: 's' }, traefik: { weightedTraefikServiceName: 't' } } }),
        object('split.smi-spec.io/v1alpha1', 'TrafficSplit', 's', { service: 'app' }),
        object('traefik.io/v1alpha1', 'TraefikService', 't', { weighted: { services: [] } }),
      ),
  },
  {
    title: 'Rollouts with one ConfigMap, Secret, claim and account',
    make: (n) => [
      ...times(n, (i) =>
        rollout(`app-${i}`, {
          pod: {
            serviceAccountName: 'account',
            volumes: [
              { name: 'c', configMap: { name: 'config' } },
              { name: 's', secret: { secretName: 'secret' } },
              { name: 'p', persistentVolumeClaim: { claimName: 'claim' } },
            ],
          },
        }),
      ),
      ...['ConfigMap config', 'Secret secret', 'PersistentVolumeClaim claim', 'ServiceAccount account'].map((title) => {
        const [kind = '', name = ''] = title.split(' ');
        return object('v1', kind, name, {});
      }),
    ],
  },
  {
    title: 'Rollouts of one namespace with Istio',
    make: (n) => [
      ...sharing(n, () => istio('vs', ['main']), virtualService('vs', { http: [route('main')] })),
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { 'istio-injection': 'disabled' } } },
    ],
  },
  {
    title: 'Rollouts of one ReplicaSet and one PodTemplate',
    make: (n) => [
      ...times(n, (i) =>
        rollout(`app-${i}`, {
          spec: {
            selector: undefined,
            template: undefined,
            workloadRef:
              i % 2 === 0
                ? { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'w' }
                : { apiVersion: 'v1', kind: 'PodTemplate', name: 'w' },
          },
        }),
      ),
      object('apps/v1', 'ReplicaSet', 'w', {
        selector: { matchLabels: { app: 'd' } },
        template: { metadata: { labels: { app: 'd' } }, spec: { containers: [container('app')] } },
      }),
      {
        ...object('v1', 'PodTemplate', 'w', {}),
        template: { metadata: { labels: { app: 'd' } }, spec: { containers: [container('app')] } },
      },
    ],
  },
  {
    title: 'ScaledObjects of one Deployment',
    make: (n) => [
      ...times(n, (i) => object('keda.sh/v1alpha1', 'ScaledObject', `s-${i}`, { scaleTargetRef: { name: 'd' } })),
      rollout('d'),
    ],
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
