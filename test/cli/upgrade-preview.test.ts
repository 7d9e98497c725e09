import { describe, expect, it } from 'vitest';
import { evaluateBundle } from '../../src/admission/bundle.ts';
import { differenceOf, scanWorld } from '../../src/commands/scan.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import type { ReportedFinding } from '../../src/report/model.ts';
import { RULES } from '../../src/rules/index.ts';
import { bundleWorld, parseManifests } from '../../src/world/manifests.ts';

const NEWER = '1.10.1';
const OLDER = '1.9.3';

const rollout = (
  name: string,
  { pod = '', strategy = 'steps: [{ setWeight: 50 }]', more = '', container = '' },
): string => `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: ${name}, namespace: shop }
spec:
  replicas: 4
  ${more}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      ${pod}
      containers: [{ name: web, image: "web:1", ports: [{ name: http, containerPort: 8080 }], ${container} }]
  strategy:
    canary: { ${strategy} }
`;
const service = (name: string, app: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: ${app} }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`;
const routed = (name: string, routing: string, more = ''): string =>
  [
    rollout(name, {
      strategy: `stableService: ${name}, canaryService: ${name}-canary, trafficRouting: { ${routing} }, steps: [{ setWeight: 20 }, ${more} { pause: {} }]`,
    }),
    service(name, name),
    service(`${name}-canary`, name),
  ].join('---');
const virtualService = (name: string, app: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${app}]
  http:
    - name: primary
      route: [{ destination: { host: ${app} }, weight: 100 }, { destination: { host: ${app}-canary }, weight: 0 }]
`;
const traefikService = (name: string, group: string): string => `
apiVersion: ${group}/v1alpha1
kind: TraefikService
metadata: { name: ${name}, namespace: shop }
spec: { weighted: { services: [{ name: ${name}, port: 80 }, { name: ${name}-canary, port: 80 }] } }
`;
const template = (name: string, condition: string, provider: string): string => `
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: ${name}, namespace: shop }
spec:
  metrics:
    - name: errors
      interval: 30s
      count: 3
      failureLimit: 1
      ${condition === '' ? '' : `successCondition: "${condition}"`}
      provider: ${provider}
`;
const datadog = (name: string, timeout: string): string =>
  template(
    name,
    'default(result, 0) < 5',
    `{ datadog: { apiVersion: v2, query: "avg:errors{*}", requestTimeout: ${timeout} } }`,
  );
const prometheus = (name: string, condition: string, more = ''): string =>
  template(name, condition, `{ prometheus: { address: "https://prometheus", query: errors, ${more} } }`);
const gatewayRoute = (kind: string, name: string, more = ''): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: shop }
spec:
  parentRefs: [{ name: gateway }]
  ${more}
  rules: [{ backendRefs: [{ name: ${name}, port: 80 }, { name: ${name}-canary, port: 80 }] }]
`;
const istio = (name: string): string => `istio: { virtualService: { name: ${name}, routes: [primary] } }`;

// One object for each change of Argo Rollouts between the two. What each version says about it that the other does not.
const ROWS: readonly (readonly [
  object: string,
  manifests: string,
  newer: readonly string[],
  older: readonly string[],
])[] = [
  [
    'ping-pong',
    [
      rollout('ping-pong', {
        strategy:
          'pingPong: { pingService: ping, pongService: pong }, trafficRouting: { plugins: { example.com/mesh: {} } }, steps: [{ setWeight: 20 }, { pause: {} }]',
      }),
      service('ping', 'ping-pong'),
      service('pong', 'ping-pong'),
    ].join('---'),
    [],
    ['deny rollout-services'],
  ],
  [
    'mirror',
    routed(
      'mirror',
      'managedRoutes: [{ name: copy }], plugins: { example.com/mesh: {} }',
      '{ setMirrorRoute: { name: copy, percentage: 35, match: [{ method: { exact: GET } }] } },',
    ),
    [],
    ['deny rollout-route-steps'],
  ],
  [
    'mirror-gateway',
    [
      routed(
        'mirror-gateway',
        'managedRoutes: [{ name: copy }], plugins: { argoproj-labs/gatewayAPI: { httpRoute: mirror-gateway } }',
        '{ setMirrorRoute: { name: copy, percentage: 35, match: [{ method: { exact: GET } }] } },',
      ),
      gatewayRoute('HTTPRoute', 'mirror-gateway'),
    ].join('---'),
    ['warn managed-route-effect'],
    ['deny rollout-route-steps'],
  ],
  [
    'dotted',
    [routed('dotted', istio('dotted.example.com.shop')), virtualService('dotted.example.com', 'dotted')].join('---'),
    [],
    ['warn reference-exists'],
  ],
  [
    'fqdn',
    [routed('fqdn', istio('fqdn.shop.svc.cluster.local')), virtualService('fqdn', 'fqdn')].join('---'),
    ['warn reference-exists'],
    [],
  ],
  [
    'escalation',
    rollout('escalation', { container: 'securityContext: { privileged: true, allowPrivilegeEscalation: false }' }),
    ['deny rollout-security-context'],
    [],
  ],
  [
    'windows',
    rollout('windows', { pod: 'os: { name: windows }', container: 'securityContext: { privileged: true }' }),
    ['deny rollout-security-context'],
    [],
  ],
  [
    'bidirectional',
    rollout('bidirectional', {
      pod: 'volumes: [{ name: host, hostPath: { path: /mnt } }]',
      container:
        'securityContext: { privileged: true }, volumeMounts: [{ name: host, mountPath: /mnt, mountPropagation: Bidirectional }]',
    }),
    [],
    ['deny rollout-volumes'],
  ],
  ['request-timeout', datadog('request-timeout', '30s'), [], ['warn analysis-metrics']],
  ['bad-timeout', datadog('bad-timeout', 'soon'), ['warn analysis-metrics'], []],
  [
    'old-group',
    [
      routed('old-group', 'traefik: { weightedTraefikServiceName: old-group }'),
      traefikService('old-group', 'traefik.containo.us'),
    ].join('---'),
    ['warn reference-exists'],
    [],
  ],
  [
    'new-group',
    [
      routed('new-group', 'traefik: { weightedTraefikServiceName: new-group }'),
      traefikService('new-group', 'traefik.io'),
    ].join('---'),
    [],
    ['warn reference-exists'],
  ],
  [
    'min-pods',
    [
      rollout('min-pods', {
        strategy:
          'stableService: min-pods, canaryService: min-pods-canary, minPodsPerReplicaSet: 9, trafficRouting: { plugins: { example.com/mesh: {} } }, steps: [{ setWeight: 20 }, { pause: {} }]',
      }),
      service('min-pods', 'min-pods'),
      service('min-pods-canary', 'min-pods'),
    ].join('---'),
    [],
    ['warn rollout-counts'],
  ],
  ['new-syntax', prometheus('new-syntax', '0.5 < result[0] < 2'), [], ['deny analysis-condition']],
  ['old-syntax', prometheus('old-syntax', 'result[0] < 2 not'), ['deny analysis-condition'], []],
  ['equal-lists', prometheus('equal-lists', 'result == [0.01]'), [], ['warn analysis-condition']],
  ['empty-list', prometheus('empty-list', 'result == [] || result[0] < 5'), [], ['warn analysis-condition']],
  ['fractions', rollout('fractions', { container: 'resources: { requests: { cpu: half } }' }), [], []],
];

// One object for each change of other projects. What lint says about it, whatever the version of Argo Rollouts.
const OTHER_ROWS: readonly (readonly [object: string, manifests: string, said: readonly string[]])[] = [
  [
    'tcp-route',
    [
      routed('tcp-route', 'plugins: { argoproj-labs/gatewayAPI: { tcpRoute: tcp-route } }'),
      gatewayRoute('TCPRoute', 'tcp-route'),
    ].join('---'),
    ['warn gateway-route-version'],
  ],
  ['tcp-typo', gatewayRoute('TCPRoute', 'tcp-typo', 'parentRef: []'), ['warn unknown-field']],
  [
    'tls-hostnames',
    gatewayRoute(
      'TLSRoute',
      'tls-hostnames',
      `hostnames: [${Array.from({ length: 1024 }, (_, index) => `h${index}.example.com`).join(', ')}]`,
    ),
    [],
  ],
  [
    'istio-fields',
    `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: istio-fields, namespace: shop }
spec:
  host: istio-fields
  trafficPolicy:
    tls: { mode: SIMPLE, caCertCredentialName: ca }
    outlierDetection: { failurePercentageThreshold: 80 }
`,
    [],
  ],
  [
    'basic-auth',
    prometheus('basic-auth', 'len(result) == 0 || result[0] < 5', 'authentication: { basicAuth: { username: u } }'),
    ['warn unknown-field'],
  ],
  [
    'job',
    template(
      'job',
      '',
      '{ job: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: test, image: "test:1" }] } } } } }',
    ),
    [],
  ],
];

const manifests = parseManifests([...ROWS, ...OTHER_ROWS].map(([, yaml]) => yaml).join('---'), 'world.yaml');
const under = (version: string): Policy => ({
  ...DEFAULT_POLICY,
  controllers: { ...DEFAULT_POLICY.controllers, version },
});
const linesOf = (findings: readonly ReportedFinding[]): string[] =>
  findings.map(({ object, decision, rule }) => `${object.name}: ${decision} ${rule}`).toSorted();
const expected = (column: 2 | 3): string[] =>
  ROWS.flatMap((row) => row[column].map((line) => `${row[0]}: ${line}`)).toSorted();
// What only the other version says is no longer a problem.
const goneWith = (column: 2 | 3): string[] => expected(column === 2 ? 3 : 2);

describe('the upgrade preview of a cluster with one object for each change', () => {
  it('parses', () => {
    expect(manifests.errors).toEqual([]);
  });

  it.each([
    ['an upgrade', NEWER, OLDER, 2],
    ['a downgrade', OLDER, NEWER, 3],
  ] as const)('says what changes with %s, and nothing else', (_, to, from, column) => {
    const world = bundleWorld(manifests.objects.map(({ object }) => object));
    const rules = RULES.filter((rule) => !rule.lintOnly);
    const scan = (version: string) => scanWorld(world, rules, under(version), undefined);
    const report = differenceOf(scan(to), scan(from));
    expect(linesOf(report.findings)).toEqual(expected(column));
    expect(linesOf(report.gone ?? [])).toEqual(goneWith(column));
    expect(report.verdict).toBe('deny');
    expect(differenceOf(scan(to), scan(to))).toMatchObject({ findings: [], gone: [] });
  });

  it('calls nothing gone that is only said in another way, because the version that runs is not known', () => {
    const world = bundleWorld(manifests.objects.map(({ object }) => object));
    const rules = RULES.filter((rule) => !rule.lintOnly);
    const unknown = scanWorld(world, rules, DEFAULT_POLICY, undefined);
    const { findings, gone = [] } = differenceOf(scanWorld(world, rules, under(OLDER), undefined), unknown);
    expect(linesOf(findings)).toContain('ping-pong: deny rollout-services');
    expect(gone.map(({ object }) => object.name)).not.toContain('ping-pong');
    expect(gone.map(({ object }) => object.name)).toContain('escalation');
  });

  it.each([
    ['an upgrade', NEWER, OLDER, 2],
    ['a downgrade', OLDER, NEWER, 3],
  ] as const)('is what lint says of the manifests for %s', (_, to, from, column) => {
    const lint = (version: string) =>
      evaluateBundle(manifests, {
        base: bundleWorld([]),
        rules: RULES,
        policy: under(version),
        requireReferences: false,
      }).report;
    expect(linesOf(differenceOf(lint(to), lint(from)).findings)).toEqual(expected(column));
  });

  it.each([NEWER, OLDER])('says what other projects changed, for manifests and Argo Rollouts %s', (version) => {
    const { report } = evaluateBundle(manifests, {
      base: bundleWorld([]),
      rules: RULES,
      policy: under(version),
      requireReferences: false,
    });
    const objects = new Set(OTHER_ROWS.map(([object]) => object));
    expect(linesOf(report.findings.filter(({ object }) => objects.has(object.name)))).toEqual(
      OTHER_ROWS.flatMap(([object, , said]) => said.map((line) => `${object}: ${line}`)).toSorted(),
    );
  });
});
