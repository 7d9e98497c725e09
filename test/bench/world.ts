import type { KubeObject } from '../../src/world/object.ts';

/** A Rollout and its Services, VirtualService and AnalysisTemplate, as a cluster stores them. */
export interface Application {
  readonly rollout: KubeObject;
  readonly virtualService: KubeObject;
  readonly stable: KubeObject;
  readonly canary: KubeObject;
  readonly template: KubeObject;
}

const NAMESPACE_SIZE = 20;

/**
 * Returns applications, twenty per namespace. Each is in the middle of a canary at host level with a background
 * analysis.
 */
export function applications(count: number): Application[] {
  return Array.from({ length: count }, (_, index) =>
    application(`app-${index}`, `team-${Math.floor(index / NAMESPACE_SIZE)}`),
  );
}

/** Returns all objects of applications. */
export function objectsOfAll(apps: readonly Application[]): KubeObject[] {
  return apps.flatMap(({ rollout, virtualService, stable, canary, template }) => [
    rollout,
    virtualService,
    stable,
    canary,
    template,
  ]);
}

function application(name: string, namespace: string): Application {
  const labels = { app: name, 'app.kubernetes.io/part-of': namespace };
  const hash = { stable: '5bfbf9599', canary: '746b5594b8' };
  const service = (suffix: string, podHash: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: `${name}${suffix}`,
      namespace,
      annotations: { 'argo-rollouts.argoproj.io/managed-by-rollouts': name },
    },
    spec: {
      selector: { app: name, 'rollouts-pod-template-hash': podHash },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
  });
  return {
    rollout: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name, namespace, labels },
      spec: {
        replicas: 5,
        revisionHistoryLimit: 3,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels },
          spec: {
            containers: [
              {
                name: 'main',
                image: `registry.example.com/${name}:1.0.0`,
                ports: [{ name: 'http', containerPort: 8080 }],
                env: Array.from({ length: 12 }, (_, index) => ({
                  name: `SETTING_${index}`,
                  value: `value ${index} of ${name}`,
                })),
                resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
                readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
              },
            ],
          },
        },
        strategy: {
          canary: {
            stableService: `${name}-stable`,
            canaryService: `${name}-canary`,
            trafficRouting: { istio: { virtualService: { name, routes: ['primary'] } } },
            analysis: {
              templates: [{ templateName: name }],
              startingStep: 1,
              args: [{ name: 'service', value: `${name}-canary` }],
            },
            steps: [{ setWeight: 10 }, { pause: { duration: '5m' } }, { setWeight: 50 }, { pause: {} }],
          },
        },
      },
      status: {
        phase: 'Paused',
        currentPodHash: hash.canary,
        stableRS: hash.stable,
        availableReplicas: 6,
        updatedReplicas: 1,
        canary: {
          weights: {
            canary: { podTemplateHash: hash.canary, weight: 10 },
            stable: { podTemplateHash: hash.stable, weight: 90 },
          },
        },
      },
    },
    virtualService: {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name, namespace },
      spec: {
        hosts: [`${name}.example.com`],
        gateways: ['istio-system/public'],
        http: [
          {
            name: 'primary',
            match: [{ uri: { prefix: '/' } }],
            timeout: '10s',
            route: [
              { destination: { host: `${name}-stable`, port: { number: 80 } }, weight: 90 },
              { destination: { host: `${name}-canary`, port: { number: 80 } }, weight: 10 },
            ],
          },
        ],
      },
    },
    stable: service('-stable', hash.stable),
    canary: service('-canary', hash.canary),
    template: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AnalysisTemplate',
      metadata: { name, namespace },
      spec: {
        args: [{ name: 'service' }],
        metrics: [
          {
            name: 'success-rate',
            interval: '1m',
            successCondition: 'result[0] >= 0.95',
            failureLimit: 3,
            provider: {
              prometheus: {
                address: 'http://prometheus:9090',
                query:
                  'sum(rate(requests_total{service="{{args.service}}",code!~"5.."}[2m])) / sum(rate(requests_total{service="{{args.service}}"}[2m]))',
              },
            },
          },
        ],
      },
    },
  };
}

/** A sort of change that people and tools make. */
export interface ChangeSort {
  readonly title: string;
  /** Whether rules read what it changes, so that it must be evaluated. */
  readonly seen: boolean;
  /** Returns the object that changes. */
  of(app: Application): KubeObject;
  /**
   * Returns the JSON after the change.
   *
   * @param turn - A number that makes each change different.
   */
  edit(json: string, turn: number): string;
}

/** Changes that are admitted, as most are. Each kind has changes that rules read and changes that they do not read. */
export const CHANGES: readonly ChangeSort[] = [
  {
    title: 'Rollout: another image',
    seen: false,
    of: ({ rollout }) => rollout,
    edit: (json, turn) => json.replace(':1.0.0"', `:1.0.${turn}"`),
  },
  {
    title: 'Rollout: other steps',
    seen: true,
    of: ({ rollout }) => rollout,
    edit: (json, turn) =>
      json.replace(
        '{"setWeight":50}',
        `{"setWeight":${(turn % 30) + 20}},{"pause":{"duration":"${turn + 1}s"}},{"setWeight":50}`,
      ),
  },
  {
    title: 'VirtualService: another time-out',
    seen: false,
    of: ({ virtualService }) => virtualService,
    edit: (json, turn) => json.replace('"timeout":"10s"', `"timeout":"${turn + 11}s"`),
  },
  {
    title: 'VirtualService: one more match',
    seen: true,
    of: ({ virtualService }) => virtualService,
    edit: (json, turn) => json.replace('"match":[', `"match":[{"uri":{"prefix":"/v${turn}"}},`),
  },
  {
    title: 'Service: session affinity',
    seen: false,
    of: ({ stable }) => stable,
    edit: (json, turn) =>
      json.replace('"ports":[', `"sessionAffinityConfig":{"clientIP":{"timeoutSeconds":${turn + 60}}},"ports":[`),
  },
  {
    title: 'Service: one more label',
    seen: true,
    of: ({ canary }) => canary,
    edit: (json, turn) => json.replace('"namespace":', `"labels":{"revision":"r${turn}"},"namespace":`),
  },
  {
    title: 'AnalysisTemplate: another limit',
    seen: true,
    of: ({ template }) => template,
    edit: (json, turn) => json.replace('"failureLimit":3', `"failureLimit":${turn + 4}`),
  },
  {
    title: 'Rollout: one more annotation',
    seen: true,
    of: ({ rollout }) => rollout,
    edit: (json, turn) => json.replace('"labels":', `"annotations":{"example.com/change":"${turn}"},"labels":`),
  },
];

/**
 * Returns an object before and after a change.
 *
 * @throws Error - If nothing changed.
 */
export function changeOf(
  app: Application,
  sort: ChangeSort,
  turn: number,
): { readonly before: KubeObject; readonly after: KubeObject } {
  const before = sort.of(app);
  const json = JSON.stringify(before);
  const changed = sort.edit(json, turn);
  if (changed === json) throw new Error(`no change: ${sort.title}`);
  return { before, after: JSON.parse(changed) as KubeObject };
}

/** Returns one of the changes; the sorts take turns. */
export function changeFor(app: Application, turn: number): { readonly before: KubeObject; readonly after: KubeObject } {
  const sort = CHANGES[turn % CHANGES.length];
  if (sort === undefined) throw new Error('no sort of change');
  return changeOf(app, sort, turn + 1);
}
