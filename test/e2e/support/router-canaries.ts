import { asArray, asObject, asString, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';

/** A Rollout and the objects of one router, as files that are applied again during its canary. */
export interface RouterCanary {
  readonly name: string;
  /** The object into which the controller writes, mostly weights. */
  readonly route: KubeObject;
  /** What else the Rollout needs. */
  readonly others: readonly KubeObject[];
  readonly trafficRouting: object;
  /** Steps before the first pause. */
  readonly steps?: readonly object[];
  /** At which weights the update pauses; see {@link weightsOf}. */
  readonly weights?: readonly [number, number];
  /** How many different values the controller writes at least during an update, with the one before it. */
  readonly values: number;
  /** Whether the controller writes at the end what was there before the update. */
  readonly comesBack: boolean;
  /** Returns the route after the n-th edit by a user. */
  edited(n: number): KubeObject;
  /** Returns the part of an object that `edited` changes, and the controller never does. */
  personsPart(object: KubeObject): unknown;
  /** Returns what the controller writes, as a text that can be compared; empty if there is none. */
  controllersPart(object: KubeObject): string;
}

const SERVICES = ['web-stable', 'web-canary'];
/** The weights 0, those of the pauses, and 0 again. */
export const WEIGHTS = { values: 3, comesBack: true };
const labels = { app: 'web' };

/** Returns the weights at which the update of a canary pauses. */
export function weightsOf({ weights = [30, 60] }: RouterCanary): readonly [number, number] {
  return weights;
}

/** Returns the objects of a canary in a namespace, the one that is written again first. */
export function objectsOfRouter(canary: RouterCanary, namespace: string): KubeObject[] {
  const services = SERVICES.map((name): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  }));
  const [first, second] = weightsOf(canary);
  const rollout: KubeObject = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'app', image: 'web:1', ports: [{ containerPort: 8080 }] }] },
      },
      strategy: {
        canary: {
          stableService: 'web-stable',
          canaryService: 'web-canary',
          trafficRouting: canary.trafficRouting,
          steps: [{ setWeight: first }, ...(canary.steps ?? []), { pause: {} }, { setWeight: second }, { pause: {} }],
        },
      },
    },
  };
  return [canary.route, ...canary.others, ...services, rollout].map((object) => inNamespace(object, namespace));
}

/** Returns an object in a namespace. */
export function inNamespace(object: KubeObject, namespace: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

const ACTION = 'alb.ingress.kubernetes.io/actions.root';
const HEADER = 'alb.ingress.kubernetes.io/conditions.beta';
const LIST = 'rollouts.argoproj.io/managed-alb-annotations';
const toService = (path: string, name: string): object => ({
  path,
  pathType: 'ImplementationSpecific',
  backend: { service: { name, port: { name: 'use-annotation' } } },
});

function ingress(annotations: object, paths: readonly object[]): KubeObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', annotations },
    spec: { ingressClassName: 'alb', rules: [{ host: 'web.example.com', http: { paths } }] },
  };
}

const pathsOf = (object: KubeObject): readonly unknown[] =>
  asArray(dig(asArray(dig(object, 'spec', 'rules'))[0], 'http', 'paths'));
const isHeader = (path: unknown): boolean => dig(path, 'backend', 'service', 'name') === 'beta';

/** The canary of an ALB Ingress. */
export const ALB: RouterCanary = {
  name: 'alb',
  ...WEIGHTS,
  route: ingress({ team: '0' }, [toService('/*', 'root')]),
  others: [],
  trafficRouting: {
    managedRoutes: [{ name: 'beta' }],
    alb: { ingress: 'web', rootService: 'root', servicePort: 80 },
  },
  steps: [{ setHeaderRoute: { name: 'beta', match: [{ headerName: 'beta', headerValue: { exact: 'true' } }] } }],
  edited: (n) => ingress({ team: String(n) }, [toService(`/v${n}`, 'root'), toService('/*', 'root')]),
  personsPart: (object) => ({
    team: dig(object.metadata, 'annotations', 'team'),
    paths: pathsOf(object).filter((path) => !isHeader(path)),
  }),
  controllersPart: ({ metadata, ...rest }) => {
    const text = dig(metadata, 'annotations', ACTION);
    if (typeof text !== 'string') return '';
    const groups = asArray(dig(JSON.parse(text), 'ForwardConfig', 'TargetGroups'));
    const weights = groups.map((group) => `${String(dig(group, 'ServiceName'))}=${String(dig(group, 'Weight'))}`);
    const isListed = dig(metadata, 'annotations', LIST) !== undefined;
    const header = dig(metadata, 'annotations', HEADER) !== undefined;
    const first = isHeader(pathsOf({ metadata, ...rest })[0]);
    return [
      ...weights.sort(),
      ...(isListed ? ['listed'] : []),
      ...(header ? ['header'] : []),
      ...(first ? ['path'] : []),
    ].join(' ');
  },
};

/** Returns the weights of backends as a text, without those of `legacy`. */
export const weightsIn = (backends: readonly unknown[], name: (backend: unknown) => unknown): string =>
  backends
    .filter((backend) => name(backend) !== 'legacy')
    .map((backend) => `${String(name(backend))}=${String(dig(backend, 'weight'))}`)
    .sort()
    .join(' ');

function traefik(n: number): KubeObject {
  return {
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'TraefikService',
    metadata: { name: 'web' },
    spec: {
      weighted: {
        services: [
          { name: 'web-stable', port: 80, weight: 100 },
          { name: 'web-canary', port: 80, weight: 0 },
          ...(n === 0 ? [] : [{ name: 'legacy', port: 80, weight: n }]),
        ],
      },
    },
  };
}
const traefikServices = (object: KubeObject): readonly unknown[] =>
  asArray(dig(object, 'spec', 'weighted', 'services'));

/** The canary of a TraefikService. */
export const TRAEFIK: RouterCanary = {
  name: 'traefik',
  ...WEIGHTS,
  route: traefik(0),
  others: [],
  trafficRouting: { traefik: { weightedTraefikServiceName: 'web' } },
  edited: traefik,
  personsPart: (object) => traefikServices(object).filter((entry) => dig(entry, 'name') === 'legacy'),
  controllersPart: (object) => weightsIn(traefikServices(object), (entry) => dig(entry, 'name')),
};

function apisix(n: number): KubeObject {
  return {
    apiVersion: 'apisix.apache.org/v2',
    kind: 'ApisixRoute',
    metadata: { name: 'web' },
    spec: {
      http: [
        {
          name: 'main',
          match: { paths: ['/*', `/v${n}`] },
          backends: [
            { serviceName: 'web-stable', servicePort: 80, weight: 100 },
            { serviceName: 'web-canary', servicePort: 80, weight: 0 },
          ],
        },
      ],
    },
  };
}
const apisixRule = (object: KubeObject): unknown => asArray(dig(object, 'spec', 'http'))[0];

/** The canary of an ApisixRoute. */
export const APISIX: RouterCanary = {
  name: 'apisix',
  ...WEIGHTS,
  route: apisix(0),
  others: [],
  trafficRouting: { apisix: { route: { name: 'web', rules: ['main'] } } },
  edited: apisix,
  personsPart: (object) => dig(apisixRule(object), 'match'),
  controllersPart: (object) =>
    weightsIn(asArray(dig(apisixRule(object), 'backends')), (backend) => dig(backend, 'serviceName')),
};

const MESH = 'appmesh.k8s.aws/v1beta2';
function meshRouter(n: number): KubeObject {
  return {
    apiVersion: MESH,
    kind: 'VirtualRouter',
    metadata: { name: 'router' },
    spec: {
      routes: [
        {
          name: 'main',
          httpRoute: {
            match: { prefix: `/v${n}` },
            action: {
              weightedTargets: [
                { virtualNodeRef: { name: 'node-stable' }, weight: 100 },
                { virtualNodeRef: { name: 'node-canary' }, weight: 0 },
              ],
            },
          },
        },
      ],
    },
  };
}
const httpRoute = (object: KubeObject): unknown => asObject(asArray(dig(object, 'spec', 'routes'))[0])['httpRoute'];

const MESH_SERVICE: KubeObject = {
  apiVersion: MESH,
  kind: 'VirtualService',
  metadata: { name: 'web' },
  spec: { provider: { virtualRouter: { virtualRouterRef: { name: 'router' } } } },
};
const meshNode = (name: string, n: number): KubeObject => ({
  apiVersion: MESH,
  kind: 'VirtualNode',
  metadata: { name },
  spec: { listeners: [{ portMapping: { port: 8080 + n, protocol: 'http' } }], podSelector: { matchLabels: labels } },
});
const NODES = ['node-stable', 'node-canary'];
const APP_MESH_ROUTING = {
  appMesh: {
    virtualService: { name: 'web', routes: ['main'] },
    virtualNodeGroup: {
      stableVirtualNodeRef: { name: 'node-stable' },
      canaryVirtualNodeRef: { name: 'node-canary' },
    },
  },
};

/** The canary of an App Mesh VirtualRouter. */
export const APP_MESH: RouterCanary = {
  name: 'app-mesh',
  ...WEIGHTS,
  route: meshRouter(0),
  others: [MESH_SERVICE, ...NODES.map((name) => meshNode(name, 0))],
  trafficRouting: APP_MESH_ROUTING,
  edited: meshRouter,
  personsPart: (object) => dig(httpRoute(object), 'match'),
  controllersPart: (object) =>
    weightsIn(asArray(dig(httpRoute(object), 'action', 'weightedTargets')), (target) =>
      dig(target, 'virtualNodeRef', 'name'),
    ),
};

/** The canary of the virtual node of a role, into which the controller writes a hash. Without a canary it is one that no pod has. */
export function appMeshNode(role: 'stable' | 'canary'): RouterCanary {
  const own = `node-${role}`;
  return {
    name: `app-mesh-${own}`,
    values: 2,
    comesBack: role === 'canary',
    route: meshNode(own, 0),
    others: [MESH_SERVICE, meshRouter(0), ...NODES.filter((name) => name !== own).map((name) => meshNode(name, 0))],
    trafficRouting: APP_MESH_ROUTING,
    edited: (n) => meshNode(own, n),
    personsPart: (object) => dig(object, 'spec', 'listeners'),
    controllersPart: (object) =>
      asString(dig(object, 'spec', 'podSelector', 'matchLabels', 'rollouts-pod-template-hash')),
  };
}

/** One canary for each router whose weights live in an object of the user, except Istio and the Gateway API. */
export const ROUTER_CANARIES: readonly RouterCanary[] = [
  ALB,
  TRAEFIK,
  APISIX,
  APP_MESH,
  appMeshNode('stable'),
  appMeshNode('canary'),
];
