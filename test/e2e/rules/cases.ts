/**
 * A set-up that docs/messages.md shows: a fixture, the object that is referred to, if it is there, and what of its YAML
 * was other before it went wrong.
 */
export interface Case {
  readonly file: string;
  /** As `Kind name`; undefined where what is referred to is not there. */
  readonly referenced?: string;
  /** What is wrong in it, and what was right, as its YAML says it. */
  readonly was: readonly (readonly [wrong: string | RegExp, right: string])[];
}

/** For each rule between objects one case; the rules that look at one object are not here. */
export const CASES: Readonly<Record<string, Case>> = {
  'analysis-args': {
    file: 'bad-renamed.yaml',
    referenced: 'AnalysisTemplate apdex',
    was: [[/service_name/g, 'service-name']],
  },
  'analysis-metrics': {
    file: 'bad-duplicate-names.yaml',
    referenced: 'AnalysisTemplate slowness',
    was: [[/name: latency/, 'name: slowness']],
  },
  'analysis-placeholders': {
    file: 'bad-declared-by-another.yaml',
    referenced: 'AnalysisTemplate latency',
    was: [['{{args.namespace}}', 'shop']],
  },
  'analysis-template-cycle': { file: 'bad-circle.yaml', referenced: 'AnalysisTemplate latency', was: [] },
  'analysis-terminates': {
    file: 'bad-step-without-count.yaml',
    referenced: 'AnalysisTemplate errors',
    was: [['interval: 1m', 'interval: 1m\n      count: 5']],
  },
  'autoscaler-target': { file: 'bad-deployment-behind-rollout.yaml', referenced: 'Rollout a-shop', was: [] },
  'destinationrule-subset-labels': {
    file: 'bad-version-labels-of-two-deployments.yaml',
    referenced: 'DestinationRule reviews',
    was: [[/ +version: v\d\n/g, '']],
  },
  'destinationrule-subsets': {
    file: 'bad-subset-misspelt.yaml',
    referenced: 'DestinationRule reviews',
    was: [['name: canary', 'name: canray']],
  },
  'duplicate-workload': { file: 'bad-same-selector.yaml', referenced: 'Deployment shop', was: [] },
  'ingress-backend': {
    file: 'bad-nginx-without-stable.yaml',
    referenced: 'Ingress reviews',
    was: [['name: reviews\n                port', 'name: reviews-stable\n                port']],
  },
  'istio-injection': {
    file: 'bad-two-revisions.yaml',
    referenced: 'DestinationRule reviews',
    was: [['1-27-0', '1-26-2']],
  },
  'plugin-installed': { file: 'bad-no-router-plugins.yaml', was: [] },
  'reference-exists': { file: 'bad-services-and-ingress.yaml', was: [] },
  'rollout-ephemeral-labels': { file: 'bad-selector-of-the-workload.yaml', referenced: 'Deployment reviews', was: [] },
  'route-backends': {
    file: 'bad-no-canary-backend.yaml',
    referenced: 'HTTPRoute reviews',
    was: [
      [
        '- name: reviews\n          port: 80',
        '- name: reviews\n          port: 80\n        - name: reviews-canary\n          port: 80',
      ],
    ],
  },
  'route-canary-only-rule': {
    file: 'bad-preview-path.yaml',
    referenced: 'HTTPRoute reviews',
    was: [[/name: reviews-canary/, 'name: reviews']],
  },
  'route-port-exists': { file: 'bad-http-route-port.yaml', referenced: 'HTTPRoute reviews', was: [] },
  'service-ports-agree': {
    file: 'bad-other-numbers-without-router.yaml',
    referenced: 'Service reviews-canary',
    was: [
      ['port: 8080', 'port: 80'],
      ['port: 53', 'port: 9000'],
      ['protocol: UDP', 'protocol: TCP'],
    ],
  },
  'service-selector': { file: 'bad-label-lacking.yaml', referenced: 'Service reviews', was: [[/ +version: v1\n/, '']] },
  'service-shared': { file: 'bad-one-virtual-service-route.yaml', referenced: 'Rollout ratings', was: [] },
  'service-target-port': {
    file: 'bad-name-nobody-declares.yaml',
    referenced: 'Service assistant-stable',
    was: [['targetPort: http', 'targetPort: 5001']],
  },
  'virtualservice-destinations': {
    file: 'bad-canary-service-not-in-route.yaml',
    referenced: 'VirtualService reviews',
    was: [['reviews-preview', 'reviews-canary']],
  },
  'virtualservice-route-exists': {
    file: 'bad-named-route-absent.yaml',
    referenced: 'VirtualService reviews',
    was: [['name: main', 'name: primary']],
  },
  'workload-double-capacity': {
    file: 'bad-both-run.yaml',
    referenced: 'Deployment shop',
    was: [['replicas: 3', 'replicas: 0']],
  },
};
