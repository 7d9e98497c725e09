import { dig, isObject } from '../../../src/world/read.ts';
import type { Fields, Json } from '../draw.ts';
import { PING_PONG } from '../routing.ts';
import { ANALYSES } from './analysis.ts';
import { at, CANARY, CONTAINER, METRIC, POD, ROUTING, STEP, twice, type Mistake } from './mistake.ts';

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

// Adds a background analysis whose argument comes from `spec.template`, and replaces the template by a `workloadRef`.
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

// Leaves one of the two Services where Ping and Pong take their place, for routes that Istio has.
function withHalfPair(given: string): (old: Json | undefined) => Json | undefined {
  return (old) => {
    if (!isObject(dig(old, 'trafficRouting', 'istio'))) return old;
    const canary = structuredClone(old) as Fields;
    Reflect.deleteProperty(canary, 'stableService');
    Reflect.deleteProperty(canary, 'canaryService');
    Reflect.deleteProperty((canary['trafficRouting'] as { istio: Fields }).istio, 'destinationRule');
    return { ...canary, ...PING_PONG, [given]: given === 'stableService' ? 'web-stable' : 'web-canary' };
  };
}

/**
 * Mistakes that the other lists make in only a few of 20,000 cases, and with some seeds never. Each has its own entry
 * here, so that it is made often.
 */
export const RARE: readonly Mistake[] = [
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
  at('Rollout', `${ROUTING}/istio/destinationRule/canarySubsetName`, 'gone'),
  at('Rollout', `${CONTAINER}/securityContext`, { privileged: true, allowPrivilegeEscalation: false }),
  at('VirtualService', 'spec/http', twice),
  at('DestinationRule', 'spec/subsets', (old) => (Array.isArray(old) ? old.slice(0, 1) : old)),
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
  at('Rollout', CANARY, withHalfPair('stableService'), withHalfPair('canaryService')),
  at('Rollout', `${CANARY}/analysis/args`, undefined, [{ name: 'other', value: 'x' }]),
  at('Rollout', `${ROUTING}/istio/destinationRule/canarySubsetName`, 'stable'),
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
    jobOf(),
    jobOf({
      name: 'a',
      image: 'a',
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    }),
    jobOf({ name: 'a', image: 'a' }, { name: 'a', image: 'b' }),
    jobOf({ name: 'a', image: 'a', resources: { limits: { memory: '512MB' } } }),
  ),
  at('template', 'spec/args', [
    { name: 'service', value: 'a', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
    { name: 'threshold', value: '1' },
  ]),
];
