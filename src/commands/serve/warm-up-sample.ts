import type { KubeObject } from '../../world/object.ts';

const NAMESPACE = 'warm-up';

function object(apiVersion: string, kind: string, name: string, spec: object, more: object = {}): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace: NAMESPACE, labels: { app: 'web' } }, spec, ...more };
}

const ROLLOUT = object(
  'argoproj.io/v1alpha1',
  'Rollout',
  'web',
  {
    replicas: 5,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'web:1',
            ports: [{ name: 'http', containerPort: 8080 }],
            env: [{ name: 'MODE', value: 'fast' }],
            resources: { requests: { cpu: '100m', memory: '128Mi' } },
            readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
          },
        ],
      },
    },
    strategy: {
      canary: {
        stableService: 'web-stable',
        canaryService: 'web-canary',
        trafficRouting: { istio: { virtualService: { name: 'web-route', routes: ['primary'] } } },
        analysis: { templates: [{ templateName: 'web-success' }], args: [{ name: 'service', value: 'web-canary' }] },
        steps: [{ setWeight: 10 }, { pause: { duration: '5m' } }, { setWeight: 50 }, { pause: {} }],
      },
    },
  },
  {
    status: {
      currentPodHash: 'bbb',
      stableRS: 'aaa',
      availableReplicas: 5,
      canary: {
        weights: { canary: { podTemplateHash: 'bbb', weight: 10 }, stable: { podTemplateHash: 'aaa', weight: 90 } },
      },
    },
  },
);

function service(name: string, hash: string): KubeObject {
  const ports = [{ name: 'http', port: 80, targetPort: 'http' }];
  return object('v1', 'Service', name, { selector: { app: 'web', 'rollouts-pod-template-hash': hash }, ports });
}

/** A Rollout in the middle of a canary, and the objects that it refers to. */
export const SAMPLE: readonly KubeObject[] = [
  ROLLOUT,
  service('web-stable', 'aaa'),
  service('web-canary', 'bbb'),
  object('networking.istio.io/v1', 'VirtualService', 'web-route', {
    hosts: ['web.example.com'],
    http: [
      {
        name: 'primary',
        timeout: '10s',
        route: [
          { destination: { host: 'web-stable', port: { number: 80 } }, weight: 90 },
          { destination: { host: 'web-canary', port: { number: 80 } }, weight: 10 },
        ],
      },
    ],
  }),
  object('argoproj.io/v1alpha1', 'AnalysisTemplate', 'web-success', {
    args: [{ name: 'service' }],
    metrics: [
      {
        name: 'success-rate',
        interval: '1m',
        successCondition: 'result[0] >= 0.95',
        failureLimit: 3,
        provider: { prometheus: { address: 'http://prometheus:9090', query: 'up{service="{{args.service}}"}' } },
      },
    ],
  }),
];

/** A text in the JSON of an object of the sample, and what takes its place. */
export interface SampleEdit {
  /** The name of the object. */
  readonly of: string;
  readonly edit: readonly [before: string, after: string];
}

/** Edits as people and tools make them, most of them harmless. */
export const SAMPLE_EDITS: readonly SampleEdit[] = [
  { of: 'web', edit: ['web:1', 'web:2'] },
  { of: 'web', edit: ['"steps":[', '"steps":[{"setWeight":5},{"pause":{"duration":"1m"}},'] },
  { of: 'web', edit: ['"stableService":"web-stable"', '"stableService":"missing"'] },
  { of: 'web', edit: ['"containerPort":8080', '"containerPort":8081'] },
  { of: 'web-stable', edit: ['"targetPort":"http"', '"targetPort":8080'] },
  { of: 'web-canary', edit: ['"labels":{', '"labels":{"tier":"front",'] },
  { of: 'web-route', edit: ['"name":"primary"', '"name":"first"'] },
  { of: 'web-route', edit: ['"route":[', '"match":[{"uri":{"prefix":"/v2"}}],"route":['] },
  { of: 'web-success', edit: ['"failureLimit":3', '"failureLimit":5'] },
];
