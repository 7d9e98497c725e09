import type { Draw, Fields, Json } from './draw.ts';
import { LABELS } from './pods.ts';

/** The traffic router of a Rollout, and the objects that it needs. */
export interface Routing {
  /** The fields of `canary` that this router needs. */
  readonly canary: Fields;
  readonly objects: Fields[];
  /** Which steps the router supports. */
  readonly can: {
    readonly header: boolean;
    readonly mirror: boolean;
    readonly weights: boolean;
    readonly exactOnly: boolean;
    readonly scale: boolean;
  };
  readonly maxWeight: number;
}

const NAMESPACE = 'shop';
const NOTHING = { header: false, mirror: false, weights: false, exactOnly: false, scale: true };

type Router = (draw: Draw) => Omit<Routing, 'maxWeight'> & { readonly maxWeight?: number };

/** Returns one of the routers that Argo Rollouts knows, with its objects, or no router. */
export function routing(draw: Draw): Routing {
  const chosen = draw.pick<Router>(
    none,
    none,
    istioByHost,
    istioBySubset,
    istioPingPong,
    nginx,
    alb,
    albPingPong,
    smi,
    ambassador,
    appMesh,
    appMesh,
    traefik,
    apisix,
    gatewayApi,
    otherPlugin,
    idle,
  )(draw);
  return { maxWeight: 100, ...chosen };
}

/** Returns a Service that selects the generated pods. */
export function service(draw: Draw, name: string): Fields {
  const annotations: Fields = draw.perhaps(0.1, () => ({
    annotations: { 'argo-rollouts.argoproj.io/managed-by-rollouts': 'web' },
  }));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE, ...annotations },
    spec: {
      selector: draw.pick<Fields>({ app: LABELS.app }, { ...LABELS }),
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    },
  };
}

function pair(draw: Draw): { fields: Fields; objects: Fields[] } {
  return {
    fields: { stableService: 'web-stable', canaryService: 'web-canary' },
    objects: [service(draw, 'web-stable'), service(draw, 'web-canary')],
  };
}

function none(draw: Draw): Omit<Routing, 'maxWeight'> {
  const { fields, objects } = draw.pick(
    () => ({ fields: {}, objects: [] as Fields[] }),
    () => pair(draw),
  )();
  return { canary: fields, objects, can: { ...NOTHING, scale: false } };
}

function idle(): Omit<Routing, 'maxWeight'> {
  return { canary: { trafficRouting: {} }, objects: [], can: NOTHING };
}

const ISTIO_CAN = { header: true, mirror: true, weights: true, exactOnly: false, scale: true };

function managed(draw: Draw): Fields {
  return {
    managedRoutes: [{ name: 'by-header' }, { name: 'mirrored' }, ...(draw.maybe(0.1) ? [{ name: 'unused' }] : [])],
  };
}

function destinations(draw: Draw, names: readonly [Fields, Fields]): Json[] {
  const [stable, canary] = names;
  return draw.pick<Json[]>(
    [
      { destination: stable, weight: 100 },
      { destination: canary, weight: 0 },
    ],
    [{ destination: stable }, { destination: canary }],
  );
}

function virtualService(draw: Draw, name: string, names: readonly [Fields, Fields]): { object: Fields; entry: Fields } {
  const routes = draw.pick(['primary'], ['primary', 'secondary']);
  const spec: Fields = {
    hosts: ['web'],
    http: routes.map((route): Json => ({ name: route, route: destinations(draw, names) })),
  };
  const entry: Fields = {
    name,
    ...(routes.length > 1 || draw.maybe(0.5) ? { routes: routes.slice(0, draw.int(1, routes.length)) } : {}),
  };
  if (draw.maybe(0.2)) {
    spec['tls'] = [{ match: [{ port: 443, sniHosts: ['web.example'] }], route: destinations(draw, names) }];
    if (draw.maybe(0.7)) entry['tlsRoutes'] = [{ port: 443, sniHosts: ['web.example'] }];
  }
  if (draw.maybe(0.2)) {
    spec['tcp'] = [{ match: [{ port: 3306 }], route: destinations(draw, names) }];
    if (draw.maybe(0.7)) entry['tcpRoutes'] = [{ port: 3306 }];
  }
  if (draw.maybe(0.1)) {
    delete spec['http'];
    delete entry['routes'];
    spec['tcp'] = [{ match: [{ port: 3306 }], route: destinations(draw, names) }];
  }
  return {
    object: {
      apiVersion: draw.pick('networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'),
      kind: 'VirtualService',
      metadata: { name, namespace: NAMESPACE },
      spec,
    },
    entry,
  };
}

function virtualServices(draw: Draw, names: readonly [Fields, Fields]): { fields: Fields; objects: Fields[] } {
  const first = virtualService(draw, 'web', names);
  if (draw.maybe(0.7))
    return {
      fields: { virtualService: draw.maybe(0.1) ? { ...first.entry, name: `web.${NAMESPACE}` } : first.entry },
      objects: [first.object],
    };
  const second = virtualService(draw, 'web-internal', names);
  return { fields: { virtualServices: [first.entry, second.entry] }, objects: [first.object, second.object] };
}

function istioByHost(draw: Draw): Omit<Routing, 'maxWeight'> {
  const services = pair(draw);
  const driven = virtualServices(draw, [{ host: 'web-stable' }, { host: 'web-canary' }]);
  return {
    canary: { ...services.fields, trafficRouting: { ...managed(draw), istio: driven.fields } },
    objects: [...services.objects, ...driven.objects],
    can: ISTIO_CAN,
  };
}

function istioBySubset(draw: Draw): Omit<Routing, 'maxWeight'> {
  const driven = virtualServices(draw, [
    { host: 'web', subset: 'stable' },
    { host: 'web', subset: 'canary' },
  ]);
  const rule: Fields = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: {
      host: 'web',
      subsets: [
        { name: 'stable', labels: { app: 'web' } },
        { name: 'canary', labels: { app: 'web' } },
      ],
    },
  };
  const destinationRule: Fields = { name: 'web', stableSubsetName: 'stable', canarySubsetName: 'canary' };
  return {
    canary: { trafficRouting: { ...managed(draw), istio: { ...driven.fields, destinationRule } } },
    objects: [service(draw, 'web'), rule, ...driven.objects],
    can: ISTIO_CAN,
  };
}

const PING_PONG: Fields = { pingPong: { pingService: 'web-ping', pongService: 'web-pong' } };

function istioPingPong(draw: Draw): Omit<Routing, 'maxWeight'> {
  const driven = virtualServices(draw, [{ host: 'web-ping' }, { host: 'web-pong' }]);
  return {
    canary: { ...PING_PONG, trafficRouting: { ...managed(draw), istio: driven.fields } },
    objects: [service(draw, 'web-ping'), service(draw, 'web-pong'), ...driven.objects],
    can: ISTIO_CAN,
  };
}

function ingress(draw: Draw, name: string, backend: string, port: Fields): Fields {
  const path: Fields = { path: '/', pathType: 'Prefix', backend: { service: { name: backend, port } } };
  const rules: Json[] = [
    {
      ...draw.perhaps(0.8, () => ({ host: 'web.example' })),
      http: {
        paths: [
          path,
          ...(draw.maybe(0.2)
            ? [{ path: '/static', pathType: 'Prefix', backend: { service: { name: 'static', port: { number: 80 } } } }]
            : []),
        ],
      },
    },
  ];
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace: NAMESPACE },
    spec: { ...draw.perhaps(0.3, () => ({ ingressClassName: 'nginx' })), rules },
  };
}

function nginx(draw: Draw): ReturnType<Router> {
  const services = pair(draw);
  const several = draw.maybe(0.4);
  const names = several ? ['web', 'web-internal'] : ['web'];
  const maxWeight = draw.maybe(0.2) ? 1000 : undefined;
  return {
    canary: {
      ...services.fields,
      trafficRouting: {
        nginx: {
          ...(several ? { stableIngresses: names } : { stableIngress: 'web' }),
          ...draw.perhaps(0.1, () => ({ annotationPrefix: 'custom.nginx' })),
        },
        ...(maxWeight === undefined ? {} : { maxTrafficWeight: maxWeight }),
      },
    },
    objects: [...services.objects, ...names.map((name) => ingress(draw, name, 'web-stable', { number: 80 }))],
    can: NOTHING,
    ...(maxWeight === undefined ? {} : { maxWeight }),
  };
}

const ALB_CAN = { header: true, mirror: false, weights: true, exactOnly: true, scale: true };

function alb(draw: Draw): Omit<Routing, 'maxWeight'> {
  const services = pair(draw);
  const root = draw.maybe(0.5);
  const several = draw.maybe(0.3);
  const names = several ? ['web', 'web-internal'] : ['web'];
  const config: Fields = {
    servicePort: 80,
    ...(several ? { ingresses: names } : { ingress: 'web' }),
    ...(root ? { rootService: 'web-root' } : {}),
  };
  return {
    canary: { ...services.fields, trafficRouting: { ...managed(draw), alb: config } },
    objects: [
      ...services.objects,
      ...(root ? [service(draw, 'web-root')] : []),
      ...names.map((name) => ingress(draw, name, root ? 'web-root' : 'web-stable', { name: 'use-annotation' })),
    ],
    can: ALB_CAN,
  };
}

function albPingPong(draw: Draw): Omit<Routing, 'maxWeight'> {
  return {
    canary: {
      ...PING_PONG,
      trafficRouting: { ...managed(draw), alb: { servicePort: 80, ingress: 'web', rootService: 'web-root' } },
    },
    objects: [
      service(draw, 'web-ping'),
      service(draw, 'web-pong'),
      service(draw, 'web-root'),
      ingress(draw, 'web', 'web-root', { name: 'use-annotation' }),
    ],
    can: ALB_CAN,
  };
}

function smi(draw: Draw): Omit<Routing, 'maxWeight'> {
  const services = pair(draw);
  const root = draw.maybe(0.5);
  return {
    canary: { ...services.fields, trafficRouting: { smi: root ? { rootService: 'web-root' } : {} } },
    objects: [...services.objects, ...(root ? [service(draw, 'web-root')] : [])],
    can: { ...NOTHING, weights: true },
  };
}

function ambassador(draw: Draw): Omit<Routing, 'maxWeight'> {
  const services = pair(draw);
  const mappings = draw.pick(['web'], ['web', 'web-internal']);
  return {
    canary: { ...services.fields, trafficRouting: { ambassador: { mappings } } },
    objects: [
      ...services.objects,
      ...mappings.map((name): Fields => ({
        apiVersion: 'getambassador.io/v2',
        kind: 'Mapping',
        metadata: { name, namespace: NAMESPACE },
        spec: { prefix: '/', service: 'web-stable', ...draw.perhaps(0.1, () => ({ weight: 0 })) },
      })),
    ],
    can: NOTHING,
  };
}

function appMesh(draw: Draw): Omit<Routing, 'maxWeight'> {
  const services = pair(draw);
  const kind = draw.pick('httpRoute', 'http2Route', 'grpcRoute', 'tcpRoute');
  const weightedTargets: Json[] = ['web-stable', 'web-canary'].map((name, index) => ({
    virtualNodeRef: { name },
    weight: 100 - 100 * index,
  }));
  const routes = draw.list(1, 2, (index): Json => ({
    name: `route-${index}`,
    [kind]: { action: { weightedTargets } },
  }));
  return {
    canary: {
      ...services.fields,
      trafficRouting: {
        appMesh: {
          virtualService: { name: 'web', ...draw.perhaps(0.5, () => ({ routes: ['route-0'] })) },
          virtualNodeGroup: {
            canaryVirtualNodeRef: { name: 'web-canary' },
            stableVirtualNodeRef: { name: 'web-stable' },
          },
        },
      },
    },
    objects: [
      ...services.objects,
      {
        apiVersion: 'appmesh.k8s.aws/v1beta2',
        kind: 'VirtualService',
        metadata: { name: 'web', namespace: NAMESPACE },
        spec: { provider: { virtualRouter: { virtualRouterRef: { name: 'web-router' } } } },
      },
      {
        apiVersion: 'appmesh.k8s.aws/v1beta2',
        kind: 'VirtualRouter',
        metadata: { name: 'web-router', namespace: NAMESPACE },
        spec: { listeners: [{ portMapping: { port: 80, protocol: 'http' } }], routes },
      },
    ],
    can: NOTHING,
  };
}

function traefik(draw: Draw): Omit<Routing, 'maxWeight'> {
  const services = pair(draw);
  return {
    canary: { ...services.fields, trafficRouting: { traefik: { weightedTraefikServiceName: 'web' } } },
    objects: services.objects,
    can: NOTHING,
  };
}

function apisix(draw: Draw): Omit<Routing, 'maxWeight'> {
  const services = pair(draw);
  return {
    canary: {
      ...services.fields,
      trafficRouting: {
        ...managed(draw),
        apisix: { route: { name: 'web', ...draw.perhaps(0.3, () => ({ rules: ['main'] })) } },
      },
    },
    objects: services.objects,
    can: { ...NOTHING, header: true },
  };
}

const PLUGIN_CAN = { header: true, mirror: false, weights: true, exactOnly: false, scale: true };

function gatewayApi(draw: Draw): ReturnType<Router> {
  const services = pair(draw);
  const route: Fields = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: {
      parentRefs: [{ name: 'public' }],
      rules: [
        {
          backendRefs: [
            { name: 'web-stable', port: 80 },
            { name: 'web-canary', port: 80 },
          ],
        },
      ],
    },
  };
  const maxWeight = draw.maybe(0.2) ? 200 : undefined;
  return {
    canary: {
      ...services.fields,
      trafficRouting: {
        ...managed(draw),
        plugins: { 'argoproj-labs/gatewayAPI': { httpRoute: 'web', namespace: NAMESPACE } },
        ...(maxWeight === undefined ? {} : { maxTrafficWeight: maxWeight }),
      },
    },
    objects: [...services.objects, route],
    can: PLUGIN_CAN,
    ...(maxWeight === undefined ? {} : { maxWeight }),
  };
}

function otherPlugin(draw: Draw): Omit<Routing, 'maxWeight'> {
  const services = draw.maybe(0.5) ? pair(draw) : { fields: {}, objects: [] };
  return {
    canary: {
      ...services.fields,
      trafficRouting: { ...managed(draw), plugins: { 'example/router': { route: 'web' } } },
    },
    objects: services.objects,
    can: PLUGIN_CAN,
  };
}
