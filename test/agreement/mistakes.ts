import { dig, isObject } from '../../src/world/read.ts';
import type { Fields, Json } from './draw.ts';

/**
 * A mistake: where it is made (`*` for any entry, `name+` for one that is made if need be), and what may stand there
 * then; undefined: nothing.
 */
export interface Mistake {
  /** A kind, or `template` for both kinds of analysis templates. */
  readonly kind: string;
  readonly path: readonly string[];
  readonly values: readonly (Json | undefined | ((old: Json | undefined) => Json | undefined))[];
}

type Values = Mistake['values'];

function at(kind: string, path: string, ...values: Values): Mistake {
  return { kind, path: path.split('/'), values };
}

function twice(old: Json | undefined): Json | undefined {
  return Array.isArray(old) && old.length > 0 ? [...old, structuredClone(old[0] as Json)] : old;
}

const CANARY = 'spec/strategy/canary';
const STEP = `${CANARY}/steps/*`;
const ROUTING = `${CANARY}/trafficRouting`;
const POD = 'spec/template/spec';
const CONTAINER = `${POD}/containers/*`;
const METRIC = 'spec/metrics/*';

const SPEC: readonly Mistake[] = [
  at('Rollout', 'spec/replicas', -1, '3', null),
  at('Rollout', 'spec/minReadySeconds', -1, 600, 601),
  at('Rollout', 'spec/revisionHistoryLimit', -1, 0),
  at('Rollout', 'spec/progressDeadlineSeconds', -1, 0, 5),
  at('Rollout', 'spec/selector', undefined, {}, null, { matchLabels: {} }),
  at(
    'Rollout',
    'spec/selector/matchLabels',
    { app: 'other' },
    { 'bad key!': 'web' },
    { app: 'bad value!' },
    { '': 'x' },
    { app: 'web', missing: 'x' },
    { 'a/b/c': 'x' },
    { app: '' },
  ),
  at(
    'Rollout',
    'spec/selector/matchExpressions',
    [{ key: 'app', operator: 'In' }],
    [{ key: 'app', operator: 'in', values: ['web'] }],
    [{ key: 'app', operator: 'Exists', values: ['web'] }],
    [{ key: 'app', operator: 'DoesNotExist' }],
    [{ key: 'b a d', operator: 'Exists' }],
  ),
  at(
    'Rollout',
    'spec/selector/matchExpressions/0',
    { key: 'app', operator: 'NotIn', values: ['web'] },
    { operator: 'Exists' },
    { key: 'app', operator: 'In', values: [] },
    { key: 'app', operator: 'In', values: ['bad value!'] },
  ),
  at(
    'Rollout',
    'spec/template',
    undefined,
    {},
    { metadata: { labels: { app: 'web' } } },
    { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
    { spec: { containers: [] } },
  ),
  at(
    'Rollout',
    'spec/template/metadata/labels',
    undefined,
    { app: 'other' },
    { app: 'web', 'bad key!': 'x' },
    { app: 'web', tier: 'bad value!' },
    { app: 'web', long: 'x'.repeat(64) },
  ),
  at(
    'Rollout',
    'spec/strategy',
    {},
    { canary: {} },
    { canary: null },
    { rollingUpdate: {} },
    { canary: {}, blueGreen: { activeService: 'web-active' } },
  ),
  at('Rollout', 'spec/strategy/blueGreen+', {}, { activeService: 'web-active' }),
  at('Rollout', 'spec/workloadRef+', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web-workload' }),
  at('Rollout', 'spec/workloadRef/kind', 'StatefulSet', 'deployment', 'Deployment', undefined, ''),
  at('Rollout', 'spec/workloadRef/apiVersion', 'apps/v1beta1', 'v1', undefined, 'extensions/v1beta1'),
  at('Rollout', 'spec/workloadRef/name', '', 'gone', undefined),
];

const STRATEGY: readonly Mistake[] = [
  at('Rollout', 'spec/strategy/blueGreen/activeService', '', undefined, 'web-preview', 'gone'),
  at('Rollout', 'spec/strategy/blueGreen/previewService', '', 'web-active', 'gone'),
  at('Rollout', 'spec/strategy/blueGreen/scaleDownDelayRevisionLimit', 11, 10, -1),
  at(
    'Rollout',
    'spec/strategy/*/antiAffinity',
    {},
    { requiredDuringSchedulingIgnoredDuringExecution: null },
    {
      requiredDuringSchedulingIgnoredDuringExecution: {},
      preferredDuringSchedulingIgnoredDuringExecution: { weight: 1 },
    },
  ),
  at(
    'Rollout',
    'spec/strategy/*/antiAffinity',
    { preferredDuringSchedulingIgnoredDuringExecution: { weight: 0 } },
    { preferredDuringSchedulingIgnoredDuringExecution: { weight: 101 } },
    { preferredDuringSchedulingIgnoredDuringExecution: {} },
  ),
  at('Rollout', `${CANARY}/maxSurge`, 0, '0', '0%', 'ten', '2.5%', -1, '-5%', undefined, '00%'),
  at('Rollout', `${CANARY}/maxUnavailable`, 0, '0', '0%', 'ten', '2.5%', -1, undefined, '101%'),
  at(
    'Rollout',
    CANARY,
    (old) => ({ ...(old as Fields), maxSurge: 0, maxUnavailable: '0%' }),
    (old) => ({ ...(old as Fields), maxSurge: 'some', maxUnavailable: 0 }),
    (old) => ({ ...(old as Fields), maxSurge: 0 }),
  ),
  at('Rollout', `${CANARY}/stableService`, '', undefined, 'web-canary', 'gone'),
  at('Rollout', `${CANARY}/canaryService`, '', undefined, 'web-stable', 'gone'),
  at('Rollout', `${CANARY}/pingPong+/pingService`, '', undefined, 'web-pong', 'gone'),
  at('Rollout', `${CANARY}/pingPong/pongService`, '', undefined, 'web-ping', 'gone'),
  at('Rollout', `${CANARY}/pingPong`, {}, undefined),
  at('Rollout', `${CANARY}/scaleDownDelaySeconds`, 0, 30),
  at('Rollout', `${CANARY}/dynamicStableScale`, true, false),
  at(
    'Rollout',
    CANARY,
    { dynamicStableScale: true },
    { scaleDownDelaySeconds: 10 },
    { steps: [{ experiment: { templates: [{ name: 'a', specRef: 'canary', weight: 5 }] } }] },
  ),
  at('Rollout', CANARY, (old) => ({ ...(old as Fields), dynamicStableScale: true, scaleDownDelaySeconds: 0 })),
];

const STEPS: readonly Mistake[] = [
  at(
    'Rollout',
    STEP,
    {},
    { setWeight: 10, pause: {} },
    { pause: null },
    { setWeights: 10 },
    { setWeight: 10, setCanaryScale: { replicas: 1 } },
    { setCanaryScale: { weight: 10 } },
    { pause: {}, plugin: { name: 'example/step' } },
  ),
  at(
    'Rollout',
    STEP,
    { setWeight: -1 },
    { setWeight: 101 },
    { setWeight: 1001 },
    { setWeight: null },
    { setWeight: '20' },
    { setWeight: 150 },
  ),
  at(
    'Rollout',
    STEP,
    ...[
      '1d',
      '-1',
      '-10s',
      '',
      '10 s',
      '1h-30m',
      '.5h',
      '1e3',
      '+10',
      '1.5',
      '1h 30m',
      '5M',
      '9999999999',
      '0.5s',
      '-0.5s',
      '2562048h',
    ].map((duration): Json => ({ pause: { duration } })),
  ),
  at('Rollout', STEP, ...[-1, 0, 2147483647, 1.5, null, true].map((duration): Json => ({ pause: { duration } }))),
  at(
    'Rollout',
    STEP,
    { setHeaderRoute: { name: 'by-header' } },
    { setHeaderRoute: { name: 'unknown', match: [{ headerName: 'a', headerValue: { exact: 'b' } }] } },
    { setHeaderRoute: { match: [] } },
  ),
  at(
    'Rollout',
    STEP,
    ...[{ exact: 'a', prefix: 'b' }, {}, { prefix: 'a' }, { regex: 'a' }, { exact: '' }, null].map(
      (headerValue): Json => ({ setHeaderRoute: { name: 'by-header', match: [{ headerName: 'a', headerValue }] } }),
    ),
  ),
  at(
    'Rollout',
    STEP,
    { setHeaderRoute: { name: 'by-header', match: [{ headerName: 'a' }] } },
    { setHeaderRoute: { name: 'by-header', match: [{ headerValue: { exact: 'a' } }] } },
  ),
  at(
    'Rollout',
    STEP,
    { setMirrorRoute: { name: 'mirrored' } },
    { setMirrorRoute: { name: 'unknown', percentage: 10 } },
    { setMirrorRoute: { percentage: 10 } },
  ),
  at(
    'Rollout',
    STEP,
    ...[
      { method: { exact: 'GET', regex: 'P' } },
      { path: {} },
      { method: {} },
      { path: { prefix: '/', exact: '/' } },
      {},
      { headers: { a: {} } },
    ].map((match): Json => ({ setMirrorRoute: { name: 'mirrored', match: [match] } })),
  ),
  at(
    'Rollout',
    STEP,
    { experiment: { templates: [{ name: 'a', specRef: 'canary', weight: 10 }] } },
    { experiment: { templates: [] } },
    { experiment: {} },
    { experiment: { templates: [{ name: 'a', specRef: 'other' }] } },
    { experiment: { duration: '1d', templates: [{ name: 'a', specRef: 'canary' }] } },
  ),
  at('Rollout', `${CANARY}/steps`, null, {}),
];

const ROUTERS: readonly Mistake[] = [
  at(
    'Rollout',
    ROUTING,
    undefined,
    {},
    null,
    { plugins: {} },
    { plugins: { 'example/router': {} } },
    { nginx: {} },
    { istio: {} },
    { alb: { servicePort: 80 } },
    { appMesh: {} },
    { ambassador: { mappings: [] } },
  ),
  at(
    'Rollout',
    ROUTING,
    { traefik: { weightedTraefikServiceName: '' } },
    { apisix: { route: { name: '' } } },
    { apisix: {} },
    { smi: {} },
    { traefik: {} },
    { appMesh: { virtualService: { name: '' } } },
  ),
  at('Rollout', `${ROUTING}/maxTrafficWeight`, 100, 50, 1000, 0, -1),
  at('Rollout', `${ROUTING}/managedRoutes`, undefined, [], [{ name: 'other' }], null),
  at('Rollout', `${ROUTING}/nginx/stableIngress`, '', undefined, 'gone', 'web'),
  at('Rollout', `${ROUTING}/nginx/stableIngresses`, [], ['web', ''], ['web'], undefined, ['gone'], null),
  at('Rollout', `${ROUTING}/alb/ingress`, '', undefined, 'gone', 'web'),
  at('Rollout', `${ROUTING}/alb/ingresses`, [], [''], ['web'], undefined, ['web', 'gone']),
  at('Rollout', `${ROUTING}/alb/rootService`, '', undefined, 'other'),
  at('Rollout', `${ROUTING}/alb/servicePort`, undefined, 0, 101, 8080),
  at(
    'Rollout',
    `${ROUTING}/istio/virtualService`,
    undefined,
    { name: 'gone' },
    { name: '' },
    {},
    { name: 'web' },
    { name: 'web', routes: ['gone'] },
    { name: 'web', routes: [] },
  ),
  at('Rollout', `${ROUTING}/istio/virtualServices`, undefined, [], [{ name: 'web' }], [{ name: 'gone' }], null, [
    { name: 'web' },
    { name: 'web' },
  ]),
  at(
    'Rollout',
    `${ROUTING}/istio/virtualService/routes`,
    undefined,
    ['gone'],
    ['primary', 'gone'],
    [],
    ['primary', 'primary'],
  ),
  at('Rollout', `${ROUTING}/istio/virtualServices/*/routes`, undefined, ['gone'], []),
  at(
    'Rollout',
    `${ROUTING}/istio/virtualService/tlsRoutes`,
    undefined,
    [{ port: 444 }],
    [{ sniHosts: ['other'] }],
    [{}],
    [],
    [{ port: 443, sniHosts: [] }],
  ),
  at('Rollout', `${ROUTING}/istio/virtualService/tcpRoutes`, undefined, [{ port: 1 }], [{}], []),
  at('Rollout', `${ROUTING}/istio/destinationRule`, undefined, {}),
  at('Rollout', `${ROUTING}/istio/destinationRule/canarySubsetName`, 'other', '', 'stable'),
  at('Rollout', `${ROUTING}/ambassador/mappings`, [], ['web', ''], ['gone'], undefined),
  at('Rollout', `${ROUTING}/appMesh/virtualService`, undefined, { name: 'gone' }, {}),
  at('Rollout', `${ROUTING}/nginx+`, { stableIngress: 'web' }),
  at('Rollout', `${ROUTING}/istio+`, { virtualService: { name: 'web' } }),
];

const OBJECTS: readonly Mistake[] = [
  at(
    'Service',
    'spec/selector',
    { app: 'other' },
    { app: 'web', extra: 'x' },
    undefined,
    { app: 'web', 'rollouts-pod-template-hash': 'abc' },
    { role: 'canary' },
  ),
  at('Service', 'metadata/annotations+/argo-rollouts.argoproj.io~managed-by-rollouts', 'other', 'web', ''),
  at('Service', 'metadata/name', 'renamed'),
  at('VirtualService', 'metadata/name', 'renamed'),
  at('VirtualService', 'spec/http', undefined, [], twice),
  at('VirtualService', 'spec/tls', undefined, twice, []),
  at('VirtualService', 'spec/tcp', undefined, twice, []),
  at('VirtualService', 'spec/http/*/name', undefined, 'other', ''),
  at(
    'VirtualService',
    'spec/*/*/route',
    undefined,
    [],
    [{ destination: { host: 'web-stable' } }],
    [{ destination: { host: 'other' } }],
    twice,
  ),
  at('VirtualService', 'spec/*/*/route/*/destination/host', 'other', 'web-stable'),
  at('VirtualService', 'spec/*/*/route/*/destination/subset', 'other', undefined, 'stable'),
  at('VirtualService', 'spec/*/*/match/*', { port: 1 }, {}, undefined),
  at('VirtualService', 'spec', { hosts: ['web'], http: [] }, { hosts: ['web'] }),
  at('VirtualService', 'spec/http/*', 'text', { name: 'primary', route: 'text' }),
  at('VirtualService', 'spec/tls+', ['text'], [{ route: 'text' }]),
  at('VirtualService', 'spec/tcp+', ['text'], [{ route: 'text' }]),
  at(
    'HTTPRoute',
    'spec/rules/*/backendRefs',
    [],
    [{ name: 'web-stable', port: 80 }],
    [{ name: 'web-canary', port: 80 }],
    twice,
  ),
  at('appmesh VirtualService', 'metadata/name', 'renamed'),
  at(
    'appmesh VirtualService',
    'spec/provider',
    undefined,
    {},
    { virtualRouter: { virtualRouterRef: { name: 'gone' } } },
  ),
  at('VirtualRouter', 'spec/routes', undefined, [], {}),
  at('VirtualRouter', 'spec/routes/*', 'text', { name: 'x' }, {}),
  at(
    'VirtualRouter',
    'spec/routes/*',
    { name: 'x' },
    { name: 'x', httpRoute: {} },
    { name: 'x', httpRoute: { action: {} } },
    { name: 'x', tcpRoute: { action: { weightedTargets: [] } } },
    'text',
    {},
  ),
  at('VirtualRouter', 'spec/routes/*/*/action/weightedTargets', undefined, [], twice, [
    { virtualNodeRef: { name: 'a' }, weight: 1 },
  ]),
  at('Mapping', 'spec/weight', 10, 1, 0, -1),
  at('Mapping', 'metadata/name', 'renamed'),
  at('Ingress', 'spec/rules', undefined, [], [{ host: 'a' }]),
  at('Ingress', 'spec/rules/*/http/paths/*/backend/service/name', 'other', 'web-canary'),
  at('Ingress', 'metadata/name', 'renamed'),
  at('Deployment', 'spec/template/metadata/labels', { app: 'web' }, { app: 'web', tier: 'back' }),
  at('Deployment', 'spec/selector', { matchLabels: { app: 'web' } }),
  at('ReplicaSet', 'spec/template/metadata/labels', { app: 'web' }),
  at('PodTemplate', 'template/metadata/labels', { app: 'other' }),
];

const PODS: readonly Mistake[] = [
  at('Rollout', `${POD}/containers`, undefined, [], twice),
  at('Rollout', `${CONTAINER}/name`, '', undefined, 'Web', 'a_b', 'x'.repeat(64), 'web', '-a'),
  at('Rollout', `${CONTAINER}/image`, '', undefined),
  at('Rollout', `${CONTAINER}/restartPolicy`, 'Always', 'Never'),
  at('Rollout', `${POD}/restartPolicy`, 'OnFailure', 'Never', 'always', ''),
  at('Rollout', `${POD}/activeDeadlineSeconds`, 10, 0),
  at(
    'Rollout',
    `${CONTAINER}/ports`,
    twice,
    [{ containerPort: 0 }],
    [{ containerPort: 65536 }],
    [{ name: 'http' }],
    [{ name: 'HTTP', containerPort: 80 }],
    [{ name: 'much-too-long-name', containerPort: 80 }],
  ),
  at(
    'Rollout',
    `${CONTAINER}/ports`,
    [{ containerPort: 80, protocol: 'tcp' }],
    [{ containerPort: 80, protocol: 'SCTP' }],
    [
      { name: 'a', containerPort: 80 },
      { name: 'a', containerPort: 81 },
    ],
    [{ containerPort: 80, hostPort: 70000 }],
    [{ name: '80', containerPort: 80 }],
  ),
  at(
    'Rollout',
    `${CONTAINER}/env`,
    [{ name: '' }],
    [{ name: '1A' }],
    [{ name: 'A' }, { name: 'A' }],
    [{ value: 'x' }],
    [{ name: 'A B' }],
    [{ name: 'a.b-c' }],
    [{ name: 'A', valueFrom: {} }],
  ),
  at(
    'Rollout',
    `${CONTAINER}/env`,
    [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, secretKeyRef: { name: 's', key: 'k' } } }],
  ),
  at(
    'Rollout',
    `${CONTAINER}/env`,
    ...[
      'metadata.labels',
      "metadata.labels['a']",
      'spec.nodeName',
      'status.podIP',
      'spec.replicas',
      'metadata.uid',
      '',
      "metadata.labels['bad key!']",
    ].map((fieldPath): Json => [{ name: 'A', valueFrom: { fieldRef: { fieldPath } } }]),
  ),
  at(
    'Rollout',
    `${CONTAINER}/envFrom`,
    [{}],
    [{ configMapRef: { name: 'a' }, secretRef: { name: 'b' } }],
    [{ configMapRef: {} }],
  ),
  at(
    'Rollout',
    `${CONTAINER}/resources`,
    { limits: { memory: '512MB' } },
    { limits: { cpu: '-1' } },
    { requests: { cpu: '2' }, limits: { cpu: '1' } },
    { limits: { cores: '1' } },
    { requests: { 'example.com/gpu': '1' } },
    { limits: { memory: '1 Gi' } },
  ),
  at(
    'Rollout',
    `${CONTAINER}/resources`,
    { limits: { cpu: '0.0001' } },
    { limits: { storage: '1Gi' } },
    { limits: { 'hugepages-2Mi': '2Mi' } },
    { limits: { memory: '1e3' } },
    { limits: { 'example.com/gpu': '0.5' } },
    { requests: { 'hugepages-2Mi': '2Mi' } },
  ),
  at(
    'Rollout',
    `${CONTAINER}/readinessProbe`,
    {},
    { httpGet: { port: 80 }, exec: { command: ['a'] } },
    { httpGet: { port: '8080' } },
    { httpGet: { port: 0 } },
    { httpGet: { port: 80, scheme: 'https' } },
    { exec: {} },
    { exec: { command: [] } },
  ),
  at(
    'Rollout',
    `${CONTAINER}/livenessProbe`,
    { tcpSocket: { port: 1 }, successThreshold: 2 },
    { tcpSocket: { port: 1 }, periodSeconds: -1 },
    { grpc: { port: 0 } },
    { httpGet: { path: '/', port: 70000 } },
    { httpGet: { path: '', port: 80 } },
    {
      httpGet: { path: '/' },
    },
  ),
  at(
    'Rollout',
    `${POD}/initContainers`,
    [{ name: 'web', image: 'a' }],
    [{ name: 'init', image: 'a', livenessProbe: { exec: { command: ['a'] } } }],
    [{ name: 'init' }],
    [{ image: 'a' }],
    [{ name: 'init', image: 'a', restartPolicy: 'OnFailure' }],
  ),
  at(
    'Rollout',
    `${POD}/volumes`,
    undefined,
    twice,
    [{ emptyDir: {} }],
    [{ name: 'Config', emptyDir: {} }],
    [{ name: 'config' }],
    [{ name: 'config', emptyDir: {}, configMap: { name: 'a' } }],
  ),
  at(
    'Rollout',
    `${CONTAINER}/volumeMounts`,
    twice,
    [{ name: 'gone', mountPath: '/a' }],
    [{ name: 'config' }],
    [{ name: 'config', mountPath: '' }],
    [
      { name: 'config', mountPath: '/a' },
      { name: 'config', mountPath: '/a' },
    ],
  ),
];

const SETTINGS: readonly Mistake[] = [
  at(
    'Rollout',
    `${CONTAINER}/lifecycle`,
    {},
    { preStop: {} },
    { preStop: { exec: {} } },
    { postStart: { httpGet: { port: '80' } } },
    { preStop: { sleep: { seconds: 5 } } },
    { preStop: { sleep: { seconds: 31 } } },
    { preStop: { sleep: { seconds: 0 } } },
  ),
  at(
    'Rollout',
    `${POD}/initContainers`,
    [{ name: 'init', image: 'a', lifecycle: {} }],
    [{ name: 'init', image: 'a', restartPolicy: 'Always', lifecycle: { preStop: { sleep: { seconds: 1 } } } }],
  ),
  at('Rollout', `${POD}/terminationGracePeriodSeconds`, 3, 0),
  at('Rollout', `${POD}/imagePullSecrets`, twice, []),
  at(
    'Rollout',
    `${POD}/volumes/*/configMap/items`,
    [{ key: 'a' }],
    [{ path: 'a' }],
    [{ key: 'a', path: '../a' }],
    [{ key: 'a', path: '/a' }],
    [{ key: 'a', path: 'a', mode: 644 }],
  ),
  at('Rollout', `${POD}/volumes/*/configMap/defaultMode`, 644, 420, 0, -1),
  at('Rollout', `${POD}/volumes/*/emptyDir/sizeLimit`, '512MB', '-1Gi', '1Gi', 0, '-'),
  at('Rollout', `${POD}/serviceAccountName`, 'Web', 'web.v1', 'a_b'),
  at('Rollout', `${POD}/nodeSelector`, { 'bad key!': 'x' }, { zone: 'bad value!' }, { zone: '' }),
  at('Rollout', `${CONTAINER}/imagePullPolicy`, 'always', '', 'Never'),
  at('Rollout', `${CONTAINER}/terminationMessagePolicy`, 'file', 'File'),
  at(
    'Rollout',
    'spec/template/metadata/annotations',
    { 'bad key!': 'x' },
    { 'Example.com/Team': 'x' },
    { 'a/b/c': 'x' },
  ),
];

const ANALYSES: readonly string[] = [
  `${CANARY}/analysis`,
  `${STEP}/analysis`,
  'spec/strategy/blueGreen/prePromotionAnalysis',
  'spec/strategy/blueGreen/postPromotionAnalysis',
];

const FIELD_PATHS = [
  'metadata.name',
  'metadata.labels',
  "metadata.labels['none']",
  'metadata.creationTimestamp',
  'spec.replicas',
  'spec.gone',
  'spec.template.spec.containers[0].image',
  'spec.strategy',
  'status.currentPodHash',
  'metadata.annotations[bad]',
  'spec.template.metadata.labels.app',
];

const ANALYSIS: readonly Mistake[] = [
  ...ANALYSES.flatMap((path): Mistake[] => [
    at(
      'Rollout',
      `${path}/args`,
      undefined,
      [],
      [{ name: 'service' }],
      [{ name: 'other', value: 'x' }],
      [
        { name: 'service', value: 'a' },
        { name: 'threshold', value: 'b' },
      ],
    ),
    at(
      'Rollout',
      `${path}/args`,
      ...FIELD_PATHS.map((fieldPath): Json => [
        { name: 'service', valueFrom: { fieldRef: { fieldPath } } },
        { name: 'threshold', value: '1' },
      ]),
    ),
    at('Rollout', `${path}/args/*/value`, '0', 'x', '', '-1', '{{args.service}}', '2'),
    at(
      'Rollout',
      `${path}/templates`,
      [{ templateName: 'gone' }],
      [],
      undefined,
      twice,
      [{ templateName: 'errors' }, { templateName: 'latency' }],
      [{ templateName: 'errors', clusterScope: true }],
      [{ templateName: '' }],
      [{ templateName: 'saturation' }],
    ),
    at(
      'Rollout',
      `${path}/dryRun`,
      [{ metricName: 'gone' }],
      [{ metricName: '.*' }, { metricName: '.*' }],
      [{ metricName: 'errors-.*' }],
      [{ metricName: '(' }],
      [{ metricName: 'errors-0' }],
    ),
    at(
      'Rollout',
      `${path}/measurementRetention`,
      [{ metricName: 'gone', limit: 1 }],
      [{ metricName: '.*', limit: 1 }],
      [{ metricName: 'errors.*', limit: 1 }],
      [
        { metricName: 'errors.*', limit: 1 },
        { metricName: 'errors.*', limit: 2 },
      ],
    ),
  ]),
  at(
    'Rollout',
    `${STEP}/experiment+/analyses`,
    ...['errors', 'latency', 'saturation'].map((templateName): Json => [
      {
        name: 'a',
        templateName,
        requiredForCompletion: true,
        args: [
          { name: 'service', value: 'a' },
          { name: 'threshold', value: '1' },
        ],
      },
    ]),
  ),
  at(
    'Rollout',
    `${STEP}/experiment/analyses`,
    [{ name: 'a', templateName: 'errors' }],
    [{ name: 'a', templateName: 'gone' }],
    [{ name: 'a', templateName: 'errors', args: [{ name: 'service', value: '{{templates.gone.podTemplateHash}}' }] }],
  ),
  at(
    'Rollout',
    `${STEP}/experiment/analyses/*/args`,
    undefined,
    [
      { name: 'service', value: '{{experiment.finishedAt}}' },
      { name: 'threshold', value: '{{' },
    ],
    [{ name: 'service', valueFrom: { fieldRef: { fieldPath: 'metadata.gone' } } }],
    [{ name: 'service', valueFrom: { fieldRef: { fieldPath: 'spec.gone' } } }],
  ),
  at('Rollout', `${STEP}/experiment/dryRun`, [{ metricName: 'gone' }], [{ metricName: '.*' }]),
  at('template', 'spec/metrics', undefined, [], twice, [{ name: 'empty' }], [{ name: 'empty', provider: {} }]),
  at('template', `${METRIC}/name`, 'errors-0', '', undefined, 'latency-0'),
  at(
    'template',
    `${METRIC}/interval`,
    undefined,
    '1d',
    '',
    '5',
    'soon',
    '-1s',
    '{{args.service}}',
    '{{args.threshold}}',
    '1m30s',
  ),
  at('template', `${METRIC}/initialDelay`, '1d', '10', '-1s', '0'),
  at('template', `${METRIC}/count`, undefined, 0, -1, '1', 'x', 2, '{{args.threshold}}', '2.5', '10%', 100),
  at('template', `${METRIC}/failureLimit`, -1, -2, 100, '3', 'x', 0),
  at('template', `${METRIC}/consecutiveSuccessLimit`, -1, 0, 4, 100, '2'),
  at('template', `${METRIC}/inconclusiveLimit`, -1, 100, '1'),
  at('template', `${METRIC}/consecutiveErrorLimit`, -1, 0),
  at(
    'template',
    `${METRIC}/provider`,
    {},
    undefined,
    { prometheus: {}, web: { url: 'http://x' } },
    { plugin: {} },
    { plugin: { a: {}, b: {} } },
    { web: {} },
    { prometheus: { query: '{{args.gone}}' } },
    { other: {} },
    { prometheus: null },
  ),
  at(
    'template',
    `${METRIC}/provider/job/spec/template/spec/containers`,
    twice,
    [],
    [{ name: 'a', image: 'a', resources: { limits: { memory: '512MB' } } }],
    [{ name: 'a', image: 'a', resources: { requests: { cpu: '{{args.service}}' } } }],
  ),
  at(
    'template',
    `${METRIC}/successCondition`,
    '{{args.gone}} > 1',
    '{{ args.service',
    'result > {{args.threshold}}',
    '{{inputs.x}}',
    '}} {{',
    '{{}}',
    '{{args.service}}',
  ),
  at(
    'template',
    'spec/args',
    undefined,
    [],
    [{ name: 'service' }],
    [{ name: 'service', value: 'a' }],
    [{ name: 'threshold', value: 'other' }],
    [{ name: 'service', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    [{ name: 'service', value: 'a', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
  ),
  at(
    'template',
    'spec/args',
    [
      { name: 'service', value: 'one' },
      { name: 'threshold', value: '1' },
    ],
    [
      { name: 'service', value: 'two' },
      { name: 'threshold', value: '2' },
    ],
  ),
  at('template', 'spec/args/*/value', 'different', undefined, '', '0', 'x', '1'),
  at('template', 'spec/args', (old) => [...(Array.isArray(old) ? old : []), { name: 'new' }], twice),
  at(
    'template',
    'spec/dryRun',
    [{ metricName: 'gone' }],
    [{ metricName: '.*' }],
    [{ metricName: '.*' }, { metricName: '.*' }],
    [{ metricName: '' }],
  ),
  at(
    'template',
    'spec/measurementRetention',
    [{ metricName: 'gone', limit: 1 }],
    [
      { metricName: '.*', limit: 1 },
      { metricName: '.*', limit: 1 },
    ],
    [{ metricName: 'errors.*', limit: 0 }],
  ),
  at(
    'template',
    'spec/templates',
    [{ templateName: 'errors' }],
    [{ templateName: 'gone' }],
    [{ templateName: 'latency' }],
    [{ templateName: 'errors', clusterScope: true }],
    [],
  ),
];

function fromField(fieldPath: string): Json {
  return [
    { name: 'service', valueFrom: { fieldRef: { fieldPath } } },
    { name: 'threshold', value: '1' },
  ];
}

function jobOf(...containers: Json[]): Json {
  return { job: { spec: { template: { spec: { containers, restartPolicy: 'Never' } } } } };
}

function canaryWith(fields: Fields): (old: Json | undefined) => Json {
  return (old) => ({ ...(old as Fields), ...fields });
}

// A background analysis that takes an argument from the template, which a Rollout with workloadRef does not have.
function fromWorkload(old: Json | undefined): Json | undefined {
  if (!isObject(dig(old, 'strategy', 'canary', 'analysis'))) return old;
  const spec = structuredClone(old) as Fields;
  Reflect.deleteProperty(spec, 'template');
  const { canary } = spec['strategy'] as { canary: { analysis: Fields } };
  canary.analysis['args'] = fromField('spec.template.metadata.labels.app');
  return {
    ...spec,
    workloadRef: spec['workloadRef'] ?? { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web-workload' },
  };
}

// What the lists above would make in a few of 20,000 cases only, and by some seeds in none: each here by itself, so
// that it is made often.
const RARE: readonly Mistake[] = [
  at('Rollout', 'spec', fromWorkload),
  at('Rollout', 'spec', fromWorkload, fromWorkload),
  at('Rollout', `${CANARY}/maxSurge`, 4294967296, 3000000000),
  at('Rollout', 'spec/replicas', 4294967299, 3000000000),
  at(
    'Rollout',
    STEP,
    { setWeight: 4294967306 },
    { setWeight: 3000000000 },
    { pause: { duration: 4294967296 } },
    { pause: { duration: '600000h' } },
    { pause: { duration: 2147483647 } },
  ),
  at(
    'Rollout',
    `${CONTAINER}/ports`,
    [
      { containerPort: 80, hostPort: 80 },
      { containerPort: 81, hostPort: 80 },
    ],
    [
      { containerPort: 80, hostPort: 80, hostIP: '10.0.0.1' },
      { containerPort: 81, hostPort: 80 },
    ],
  ),
  at(
    'Rollout',
    `${CONTAINER}/readinessProbe`,
    { tcpSocket: { port: 80 }, terminationGracePeriodSeconds: 5 },
    { httpGet: { port: 80, httpHeaders: [{ name: 'a b', value: 'x' }] } },
    { httpGet: { port: 80, httpHeaders: [{ name: 'X-A', value: 'x' }] } },
  ),
  at(
    'Rollout',
    `${CONTAINER}/livenessProbe`,
    { tcpSocket: { port: 80 }, terminationGracePeriodSeconds: 0 },
    { tcpSocket: { port: 80 }, terminationGracePeriodSeconds: 5 },
  ),
  at(
    'Rollout',
    `${CONTAINER}/lifecycle`,
    { preStop: { httpGet: { port: 80, httpHeaders: [{ name: 'a_b', value: 'x' }] } } },
    { preStop: { httpGet: { port: 80, httpHeaders: [{ name: 'a-b', value: 'x' }] } } },
  ),
  at(
    'Rollout',
    `${CONTAINER}/envFrom`,
    [{ prefix: '1A', configMapRef: { name: 'a' } }],
    [{ prefix: 'A.', configMapRef: { name: 'a' } }],
  ),
  at('Rollout', `${CONTAINER}/volumeMounts/*/subPath`, '../a', '/a', 'a..b', 'a/..'),
  at('Rollout', `${CONTAINER}/volumeMounts/*/mountPropagation`, 'Both', 'None', ''),
  at('Rollout', `${CONTAINER}/volumeMounts/*`, (old) => ({ ...(old as Fields), subPath: 'a', subPathExpr: 'b' })),
  at(
    'Rollout',
    `${CONTAINER}/resources`,
    { limits: { 'Example.com/gpu': 1 } },
    { limits: { memory: '1Gi ' } },
    { requests: { cpu: '0.0005' }, limits: { cpu: '0.0001' } },
    { requests: { memory: '9Ei' }, limits: { memory: '8Ei' } },
  ),
  at('HTTPRoute', 'spec/rules/*/backendRefs/*/port', 81),
  at('template', `${METRIC}/count`, 3000000000, '3000000000', 2147483647),
  ...ANALYSES.flatMap((path): Mistake[] => [
    at(
      'Rollout',
      `${path}/args`,
      fromField('spec.template.metadata.labels.app'),
      fromField('spec.template.spec.containers[0].name'),
    ),
    at('Rollout', `${path}/args`, fromField('spec.gone'), fromField('metadata.labels[app]')),
  ]),
  at('Rollout', `${CONTAINER}/env`, [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.gpu' } } }]),
  at(
    'Rollout',
    `${CONTAINER}/env`,
    [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'a b' } } }],
    [{ name: 'A', valueFrom: { secretKeyRef: { name: 'secrets' } } }],
  ),
  at(
    'Rollout',
    `${CONTAINER}/lifecycle`,
    { preStop: { httpGet: { port: 0 } } },
    { postStart: { httpGet: { port: '8080' } } },
  ),
  at('Rollout', `${CONTAINER}/readinessProbe`, { httpGet: { port: 80, scheme: 'https' } }),
  at(
    'Rollout',
    `${CONTAINER}/resources`,
    { requests: { cpu: '2' }, limits: { cpu: '1' } },
    { requests: { memory: '1Gi' }, limits: { memory: null } },
    { requests: { cpu: null }, limits: { cpu: null } },
  ),
  at(
    'Rollout',
    `${CONTAINER}/resources`,
    { limits: { cpu: '-1' } },
    { limits: { 'example.com/gpu': '0.5' }, requests: { 'example.com/gpu': '0.5' } },
  ),
  at('Rollout', `${POD}/imagePullSecrets`, [{ name: 'registry' }, { name: 'registry' }]),
  at(
    'Rollout',
    `${POD}/volumes`,
    [{ name: 'config', emptyDir: {}, configMap: { name: 'settings' } }],
    [{ name: 'scratch', emptyDir: { sizeLimit: '512MB' } }],
  ),
  at('Rollout', `${POD}/volumes`, [{ name: 'config', configMap: { name: 'settings', defaultMode: 644 } }]),
  at(
    'Rollout',
    CANARY,
    canaryWith({
      pingPong: { pingService: 'web-ping', pongService: 'web-pong' },
      trafficRouting: { alb: { ingress: 'web', servicePort: 80 } },
    }),
  ),
  at(
    'Rollout',
    CANARY,
    canaryWith({
      stableService: '',
      trafficRouting: { plugins: { 'argoproj-labs/gatewayAPI': { httpRoute: 'web', namespace: 'shop' } } },
    }),
  ),
  at('Rollout', STEP, {
    experiment: {
      templates: [{ name: 'a', specRef: 'canary' }],
      analyses: [
        { name: 'a', templateName: 'errors', args: [{ name: 'service', value: '{{templates.gone.podTemplateHash}}' }] },
      ],
    },
  }),
  at('Rollout', `${ROUTING}/istio`, { virtualServices: [{ name: 'web', routes: ['primary'] }, { name: 'web' }] }),
  at(
    'Rollout',
    CANARY,
    canaryWith({ pingPong: { pongService: 'web-pong' } }),
    canaryWith({ pingPong: { pingService: 'web-ping' } }),
    canaryWith({ pingPong: { pingService: 'web-ping', pongService: 'web-ping' } }),
  ),
  at('Rollout', `${CANARY}/analysis/args`, undefined, [{ name: 'other', value: 'x' }]),
  at('Rollout', `${ROUTING}/nginx`, { stableIngress: 'web', stableIngresses: ['web'] }),
  at('Rollout', `${ROUTING}/alb`, { servicePort: 80, ingress: 'web', ingresses: ['web'] }),
  at('VirtualRouter', 'spec/routes', undefined, []),
  at('VirtualRouter', 'spec/routes/*', 'text'),
  at('VirtualRouter', 'spec/routes/*', { name: 'x', httpRoute: {} }, { name: 'x', grpcRoute: { action: {} } }),
  at('VirtualRouter', 'spec/routes/*', {
    name: 'x',
    httpRoute: { action: { weightedTargets: [{ virtualNodeRef: { name: 'a' }, weight: 1 }] } },
  }),
  at('template', `${METRIC}/name`, 'errors-0', 'latency-0'),
  at('template', `${METRIC}/name`, 'errors-0', 'saturation-0'),
  at('template', 'spec/templates', [{ templateName: 'errors' }], [{ templateName: 'latency' }]),
  at('template', `${METRIC}/count`, '{{args.threshold}}', '{{args.service}}'),
  at(
    'template',
    `${METRIC}/provider`,
    jobOf({ name: 'a', image: 'a' }, { name: 'a', image: 'b' }),
    jobOf({ name: 'a', image: 'a', resources: { limits: { memory: '512MB' } } }),
  ),
  at('template', 'spec/args', [
    { name: 'service', value: 'a', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
    { name: 'threshold', value: '1' },
  ]),
];

const ALL = [...SPEC, ...STRATEGY, ...STEPS, ...ROUTERS, ...OBJECTS, ...PODS, ...SETTINGS, ...ANALYSIS, ...RARE].map(
  (mistake) => ({ ...mistake, path: mistake.path.map((part) => part.replaceAll('~', '/')) }),
);

/** The mistakes that people make in Rollouts and around them, and what is just not one, by kind. */
export const MISTAKES: ReadonlyMap<string, readonly Mistake[]> = Map.groupBy(ALL, ({ kind }) => kind);
