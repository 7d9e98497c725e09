import type { Draw, Fields, Json } from './draw.ts';

/** The labels of every generated pod. */
export const LABELS = { app: 'web', tier: 'front' } as const;

/** Returns a pod template that Kubernetes accepts, with settings that people use. */
export function podTemplate(draw: Draw): Fields {
  const volumes = draw.some(['config', 'scratch', 'certs'], 0.3);
  const contexts = draw.maybe(0.07) ? WINDOWS : LINUX;
  const spec: Fields = {
    ...(contexts === WINDOWS ? { os: { name: 'windows' } } : draw.perhaps(0.05, () => ({ os: { name: 'linux' } }))),
    ...draw.perhaps(0.1, () => ({ securityContext: draw.pick(...contexts.pod) })),
    containers: draw.list(1, 2, (index) => container(draw, index === 0 ? 'web' : 'sidecar', index, volumes, contexts)),
    ...draw.perhaps(0.15, () => ({ initContainers: [initContainer(draw, volumes, contexts)] })),
    ...(volumes.length === 0 ? {} : { volumes: volumes.map((name) => volume(draw, name)) }),
    ...draw.perhaps(0.1, () => ({ restartPolicy: 'Always' })),
    ...draw.perhaps(0.1, () => ({ serviceAccountName: 'web' })),
    ...draw.perhaps(0.1, () => ({ terminationGracePeriodSeconds: draw.pick<Json>(30, 0) })),
    ...draw.perhaps(0.05, () => ({ nodeSelector: { disk: 'ssd' } })),
    ...draw.perhaps(0.05, () => ({ imagePullSecrets: [{ name: 'registry' }] })),
  };
  const metadata: Fields = { labels: { ...LABELS, ...draw.perhaps(0.2, () => ({ version: 'v1' })) } };
  if (draw.maybe(0.2)) metadata['annotations'] = { 'prometheus.io/scrape': 'true' };
  return { metadata, spec };
}

/** Security contexts that fit the operating system of a pod. */
interface Contexts {
  readonly pod: readonly Fields[];
  readonly container: readonly Fields[];
}

const LINUX: Contexts = {
  pod: [
    { runAsNonRoot: true, runAsUser: 1000, fsGroup: 0, seccompProfile: { type: 'RuntimeDefault' } },
    { supplementalGroups: [1000], fsGroupChangePolicy: 'OnRootMismatch', sysctls: [{ name: 'net.a', value: '1' }] },
  ],
  container: [
    { runAsNonRoot: true },
    { privileged: true },
    { privileged: true, allowPrivilegeEscalation: true },
    { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  ],
};
const WINDOWS: Contexts = {
  pod: [{ runAsNonRoot: true }, { windowsOptions: { runAsUserName: 'ContainerUser' } }],
  container: [{ runAsNonRoot: true }, { windowsOptions: { gmsaCredentialSpecName: 'web' } }],
};

function container(draw: Draw, name: string, index: number, volumes: readonly string[], contexts: Contexts): Fields {
  const port = 8080 + index;
  return {
    name,
    image: draw.pick(
      'nginx:1.27',
      'registry.example/web@sha256:0123456789012345678901234567890123456789012345678901234567890123',
    ),
    ...(index === 0 || draw.maybe(0.3) ? { ports: ports(draw, port, index) } : {}),
    ...draw.perhaps(0.3, () => ({ env: environment(draw) })),
    ...draw.perhaps(0.1, () => ({
      envFrom: [
        draw.pick<Fields>({ configMapRef: { name: 'settings' } }, { secretRef: { name: 'secrets', optional: true } }),
      ],
    })),
    ...draw.perhaps(0.3, () => ({ resources: resources(draw) })),
    ...draw.perhaps(0.3, () => ({ [draw.pick('readinessProbe', 'livenessProbe', 'startupProbe')]: probe(draw, port) })),
    ...(volumes.length === 0
      ? {}
      : {
          volumeMounts: volumes.map((volume) => ({
            name: volume,
            mountPath: `/${volume}`,
            ...draw.perhaps(0.3, () => ({ readOnly: true })),
          })),
        }),
    ...draw.perhaps(0.1, () => ({ command: ['/bin/web'], args: ['--port', String(port)] })),
    ...draw.perhaps(0.1, () => ({ imagePullPolicy: draw.pick('Always', 'IfNotPresent', 'Never') })),
    ...draw.perhaps(0.1, () => ({ securityContext: draw.pick(...contexts.container) })),
    ...draw.perhaps(0.05, () => ({ lifecycle: { preStop: { exec: { command: ['sleep', '5'] } } } })),
  };
}

function initContainer(draw: Draw, volumes: readonly string[], contexts: Contexts): Fields {
  const [mounted] = volumes;
  return {
    name: 'migrate',
    image: 'registry.example/migrate:2',
    ...draw.perhaps(0.1, () => ({ securityContext: draw.pick(...contexts.container) })),
    ...(mounted === undefined ? {} : { volumeMounts: [{ name: mounted, mountPath: '/in' }] }),
    ...draw.perhaps(0.2, () => ({ restartPolicy: 'Always', readinessProbe: { exec: { command: ['true'] } } })),
  };
}

function ports(draw: Draw, port: number, index: number): Json[] {
  return [
    { name: index === 0 ? 'http' : 'admin', containerPort: port, ...draw.perhaps(0.2, () => ({ protocol: 'TCP' })) },
    ...(draw.maybe(0.2) ? [{ name: index === 0 ? 'metrics' : 'debug', containerPort: port + 1000 }] : []),
    ...(draw.maybe(0.1) ? [{ containerPort: port, protocol: 'UDP' }] : []),
  ];
}

function environment(draw: Draw): Json[] {
  const sources: Fields[] = [
    { configMapKeyRef: { name: 'settings', key: 'mode' } },
    { secretKeyRef: { name: 'secrets', key: 'token' } },
    { fieldRef: { fieldPath: 'metadata.name' } },
    { resourceFieldRef: { resource: 'limits.cpu' } },
  ];
  return draw.list(1, 3, (index): Json => ({
    name: `VAR_${index}`,
    ...draw.pick<Fields>({ value: 'x' }, {}, { valueFrom: draw.pick(...sources) }),
  }));
}

function resources(draw: Draw): Fields {
  const limits: Fields = draw.pick<Fields>(
    { cpu: '500m', memory: '256Mi' },
    { cpu: 1, memory: '1Gi' },
    { memory: '512M', 'example.com/gpu': '1' },
  );
  const requests: Fields = draw.pick<Fields>({ cpu: '100m' }, { memory: '64Mi' }, { cpu: 0.25, memory: '128Mi' });
  return draw.pick<Fields>({ limits, requests }, { limits }, { requests });
}

function probe(draw: Draw, port: number): Fields {
  return {
    ...draw.pick<Fields>(
      { httpGet: { path: '/healthz', port } },
      { httpGet: { path: '/healthz', port: 'http', scheme: 'HTTPS' } },
      { tcpSocket: { port } },
      { exec: { command: ['true'] } },
      { grpc: { port } },
    ),
    ...draw.perhaps(0.3, () => ({ periodSeconds: draw.pick<Json>(5, 0), failureThreshold: 3 })),
    ...draw.perhaps(0.1, () => ({ successThreshold: 1, initialDelaySeconds: 0, timeoutSeconds: 1 })),
  };
}

function volume(draw: Draw, name: string): Fields {
  if (name === 'config')
    return {
      name,
      configMap: { name: 'settings', ...draw.perhaps(0.2, () => ({ items: [{ key: 'mode', path: 'mode' }] })) },
    };
  if (name === 'certs') return { name, secret: { secretName: 'certs' } };
  return { name, emptyDir: draw.pick<Fields>({}, { sizeLimit: '1Gi' }) };
}
