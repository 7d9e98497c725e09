import type { Draw, Fields, Json } from './draw.ts';
import { managed, NAMESPACE, pair, PING_PONG, service, type Router } from './routing.ts';

const ISTIO_CAN = { header: true, mirror: true, weights: true, exactOnly: false, scale: true };

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
  if (draw.maybe(0.7)) {
    const { entry, objects } = draw.maybe(0.25) ? namedWithDots(draw, first) : { ...first, objects: [first.object] };
    return { fields: { virtualService: entry }, objects };
  }
  const second = virtualService(draw, 'web-internal', names);
  const { entry, objects } = draw.maybe(0.15) ? namedWithDots(draw, first) : { ...first, objects: [first.object] };
  return { fields: { virtualServices: [entry, second.entry] }, objects: [...objects, second.object] };
}

// A Service of this namespace by one of its names. The controller reads a host up to its first dot.
function host(draw: Draw, name: string): string {
  return draw.maybe(0.2) ? `${name}.${NAMESPACE}${draw.pick('', '.svc', '.svc.cluster.local')}` : name;
}

type Named = ReturnType<typeof virtualService>;

// The versions of Argo Rollouts read such names in different ways, so one of them may find what the other does not.
function namedWithDots(draw: Draw, { entry, object }: Named): { entry: Fields; objects: Fields[] } {
  const called = (name: string, namespace = NAMESPACE): Fields => ({ ...object, metadata: { name, namespace } });
  const named = (name: string, ...objects: Fields[]): { entry: Fields; objects: Fields[] } => ({
    entry: { ...entry, name },
    objects,
  });
  return draw.pick(
    named(`web.${NAMESPACE}`, object),
    named(`web.${NAMESPACE}.svc.cluster.local`, object),
    named(`web.${NAMESPACE}.cluster.local`, object),
    named('web.cluster.local', object),
    named(`web.example.com.${NAMESPACE}`, called('web.example.com')),
    named(`web.example.com.${NAMESPACE}`, called('web.example.com'), called('web', 'example')),
    named(`web.${NAMESPACE}.svc`, object, called(`web.${NAMESPACE}`, 'svc')),
    named('web.example.com', called('web.example.com')),
  );
}

/** Istio with a host for each of the two. */
export function istioByHost(draw: Draw): ReturnType<Router> {
  const services = pair(draw);
  const driven = virtualServices(draw, [{ host: host(draw, 'web-stable') }, { host: host(draw, 'web-canary') }]);
  return {
    canary: { ...services.fields, trafficRouting: { ...managed(draw), istio: driven.fields } },
    objects: [...services.objects, ...driven.objects],
    can: ISTIO_CAN,
  };
}

/** Istio with a subset for each of the two. */
export function istioBySubset(draw: Draw): ReturnType<Router> {
  const name = host(draw, 'web');
  const driven = virtualServices(draw, [
    { host: name, subset: 'stable' },
    { host: name, subset: 'canary' },
  ]);
  const rule: Fields = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: {
      host: host(draw, 'web'),
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

/** Istio with ping-pong. */
export function istioPingPong(draw: Draw): ReturnType<Router> {
  const driven = virtualServices(draw, [{ host: host(draw, 'web-ping') }, { host: host(draw, 'web-pong') }]);
  return {
    canary: { ...PING_PONG, trafficRouting: { ...managed(draw), istio: driven.fields } },
    objects: [service(draw, 'web-ping'), service(draw, 'web-pong'), ...driven.objects],
    can: ISTIO_CAN,
  };
}
