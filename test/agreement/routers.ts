import type { Draw, Fields, Json } from './draw.ts';
import { istioByHost, istioBySubset, istioPingPong } from './istio.ts';
import { managed, NAMESPACE, pair, PING_PONG, service, type Router, type Routing } from './routing.ts';

const NOTHING = { header: false, mirror: false, weights: false, exactOnly: false, scale: true };

/** Returns one of the routers that Argo Rollouts knows, with its objects, or no router. */
export function routing(draw: Draw): Routing {
  const chosen = draw.pick<Router>(
    none,
    none,
    istioByHost,
    istioBySubset,
    istioPingPong,
    pluginPingPong,
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

const PLUGIN_CAN = { header: true, weights: true, exactOnly: false, scale: true };

// Only from 1.10 on, a plugin may have routes that mirror.
function pluginCan(draw: Draw): Routing['can'] {
  return { ...PLUGIN_CAN, mirror: draw.maybe(0.2) };
}

// Only from 1.10 on, ping-pong works with a plugin.
function pluginPingPong(draw: Draw): Omit<Routing, 'maxWeight'> {
  return {
    canary: {
      ...PING_PONG,
      trafficRouting: { ...managed(draw), plugins: { 'example/router': { route: 'web' } } },
    },
    objects: [service(draw, 'web-ping'), service(draw, 'web-pong')],
    can: pluginCan(draw),
  };
}

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
    can: pluginCan(draw),
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
    can: pluginCan(draw),
  };
}
