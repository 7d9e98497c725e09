import { isObject } from '../../src/world/read.ts';
import type { Factors } from './pairwise.ts';

/** Values of the chart, as a values file has them. */
export type Values = Readonly<Record<string, unknown>>;

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const PORTS = { webhook: 9443, health: 9080 };

/** The structural values of the chart. The names of the levels are those in the titles of tests. */
export const CHART_FACTORS: Factors<Values> = {
  name: { default: {}, name: { nameOverride: 'keeper' }, 'full name': { fullnameOverride: 'admission' } },
  image: {
    tag: { image: { tag: '1', pullPolicy: 'Always' } },
    registry: { image: { registry: 'registry.example.com', repository: 'platform/rollgate' } },
    digest: { image: { registry: 'ignored.example.com', digest: DIGEST }, global: { imageRegistry: 'r.example.com/' } },
  },
  'pull secrets': {
    none: {},
    own: { imagePullSecrets: [{ name: 'own' }] },
    global: { imagePullSecrets: [{ name: 'own' }], global: { imagePullSecrets: ['own', { name: 'other' }] } },
  },
  account: {
    default: {},
    named: { serviceAccount: { name: 'gate-account', annotations: { 'example.com/role': 'gate' } } },
    existing: { serviceAccount: { create: false, name: 'own-account', automount: false } },
  },
  labels: {
    none: {},
    some: {
      commonLabels: { team: 'platform', stage: 'all' },
      podLabels: { stage: 'pods' },
      podAnnotations: { 'example.com/note': 'yes' },
    },
  },
  // Selectors need conversion to be off.
  conversion: {
    on: {},
    'in namespaces': { conversion: { namespaces: ['shop', 'web'] } },
    off: { conversion: { enabled: false } },
    'off, by namespace': {
      conversion: { enabled: false },
      webhooks: {
        namespaceSelector: {
          matchLabels: { checked: 'yes' },
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['rollgate', 'shop'] }],
        },
      },
    },
    'off, by object': {
      conversion: { enabled: false },
      webhooks: { objectSelector: { matchExpressions: [{ key: 'unchecked', operator: 'DoesNotExist' }] } },
    },
  },
  webhooks: {
    default: {},
    other: {
      webhooks: {
        annotations: { 'example.com/note': 'yes' },
        excludedNamespaces: ['legacy'],
        keep: { ingresses: false, routers: false },
        matchConditions: false,
        timeoutSeconds: 7,
        failurePolicy: {
          argoproj: 'Fail',
          istio: 'Fail',
          gateway: 'Fail',
          services: 'Fail',
          workloads: 'Fail',
          ingresses: 'Fail',
          routers: 'Fail',
          autoscalers: 'Fail',
        },
      },
    },
  },
  certificates: {
    'cert-manager': {},
    issuer: {
      certificates: {
        certManager: { issuerRef: { name: 'company-ca', kind: 'ClusterIssuer' }, duration: '480h', renewBefore: '96h' },
      },
    },
    existing: { certificates: { mode: 'existing', existingSecret: 'gate-tls', caBundle: 'PEM' } },
    self: { certificates: { mode: 'self' } },
  },
  network: {
    default: {},
    'other ports': { ports: { webhook: 10250, health: 9080 } },
    host: { hostNetwork: true, ports: PORTS, host: '::' },
  },
  service: {
    default: {},
    other: {
      service: {
        annotations: { 'example.com/a': 'b' },
        ipFamilyPolicy: 'PreferDualStack',
        ipFamilies: ['IPv4'],
      },
    },
  },
  metrics: {
    default: {},
    separate: {
      metrics: { service: { separate: true, port: 80, annotations: { 'prometheus.io/scrape': 'true' } } },
      serviceMonitor: { enabled: true },
    },
    monitored: {
      serviceMonitor: { enabled: true, interval: '17s', labels: { release: 'prometheus' } },
      prometheusRule: {
        enabled: true,
        labels: { tenant: 'operators' },
        runbookUrl: 'https://wiki.example.com/rollgate',
      },
      dashboard: {
        enabled: true,
        labels: { grafana_dashboard: 'on' },
        annotations: { 'example.com/folder': 'Admission' },
      },
    },
  },
  'network policy': {
    off: {},
    open: { networkPolicy: { enabled: true } },
    peers: {
      networkPolicy: {
        enabled: true,
        webhookFrom: [{ ipBlock: { cidr: '10.0.0.0/28' } }],
        metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        egressPorts: [6443],
        extraEgress: [{ to: [{ ipBlock: { cidr: '10.1.0.0/16' } }], ports: [{ port: 3128, protocol: 'TCP' }] }],
      },
    },
  },
  replicas: {
    two: {},
    one: { replicas: 1 },
    'three, without a budget': { replicas: 3, podDisruptionBudget: { enabled: false } },
  },
  trust: {
    default: {},
    other: {
      policy: { mode: 'enforce' },
      exemptAccounts: ['system:serviceaccount:velero:velero'],
      controllers: {
        accounts: ['system:serviceaccount:argo:argo'],
        discover: false,
        namespaces: [],
        version: '1.10',
        gatewayPluginVersion: '0.15.0',
      },
    },
  },
  program: {
    default: {},
    other: {
      cache: { maxSizeMiB: 416 },
      resources: { requests: { cpu: '75m', memory: '192Mi' }, limits: { memory: '1344Mi' } },
      maxInFlight: 100_000,
      events: { enabled: true },
      logLevel: 'debug',
      certificates: { tlsMinVersion: '1.2' },
      istioKubeconfig: { secretName: 'primary', key: 'primary.conf' },
    },
  },
  extra: {
    none: {},
    all: {
      extraArgs: ['--context=other'],
      extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/ca/ca.crt' }],
      extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
      extraVolumeMounts: [{ name: 'ca', mountPath: '/ca' }],
    },
  },
  scheduling: {
    default: {},
    other: {
      priorityClassName: 'system-cluster-critical',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'control', operator: 'Exists' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] }] },
            ],
          },
        },
      },
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
      ],
      strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    },
  },
  security: {
    default: {},
    'no ids': { podSecurityContext: { runAsUser: null, runAsGroup: null } },
    other: {
      podSecurityContext: { runAsUser: 1000, runAsGroup: 1001, fsGroup: 1002 },
      securityContext: { seLinuxOptions: { level: 's0:c1' }, capabilities: { add: ['NET_BIND_SERVICE'] } },
    },
  },
  probes: {
    default: {},
    other: {
      startupProbe: { periodSeconds: 13, failureThreshold: 301 },
      livenessProbe: { initialDelaySeconds: 14, periodSeconds: 15, timeoutSeconds: 11 },
      readinessProbe: { periodSeconds: 16, timeoutSeconds: 18, failureThreshold: 19 },
    },
  },
};

/** Returns the values of a row of `CHART_FACTORS`. */
export function valuesOf(row: Readonly<Record<string, string>>): Values {
  return Object.entries(row)
    .map(([factor, level]) => CHART_FACTORS[factor]?.[level] ?? {})
    .reduce(merged, {});
}

/** Returns values with others merged into them, as Helm merges values files. */
export function merged(values: Values, others: Values): Values {
  const both: Record<string, unknown> = { ...values };
  for (const [key, value] of Object.entries(others)) {
    const before = both[key];
    both[key] = isObject(before) && isObject(value) ? merged(before, value) : value;
  }
  return both;
}
