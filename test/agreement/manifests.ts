/** A manifest of upstream that Rollgate denies, and the reason why that is right. */
export interface ExplainedManifest {
  /** The path in the module of Argo Rollouts. */
  readonly file: string;
  readonly rules: readonly string[];
  readonly why: string;
}

const MALFORMED =
  'Malformed on purpose: the tests upstream see to it that the controller copes with an object that it cannot read in full.';
const PLACEHOLDER =
  'A template of a test: the names in it are placeholders, and as it stands the controller rejects it too.';
const TARGET_PORT =
  'The Services send to the targetPort "http", which no container declares. No pod is ever an endpoint of them; the tests upstream send no traffic, and the controller does not look.';

/** The manifests that docs/agreement.md explains one by one. */
export const EXPLAINED_MANIFESTS: readonly ExplainedManifest[] = [
  {
    file: 'examples/helm-blue-green/templates/services.yaml',
    rules: ['schema'],
    why: 'A template of Helm, no manifest before Helm has filled it in; the API server rejects it too.',
  },
  {
    file: 'examples/traffic-management/rollout-linkerd.yaml',
    rules: ['schema'],
    why: 'An annotation is written as {{args.linkerd-enabled}} without quotes, which is a mapping in YAML; the API server rejects the AnalysisTemplate too.',
  },
  {
    file: 'test/e2e/expectedfailures/malformed-analysistemplate.yaml',
    rules: ['analysis-job', 'analysis-provider'],
    why: MALFORMED,
  },
  {
    file: 'test/e2e/expectedfailures/malformed-clusteranalysistemplate.yaml',
    rules: ['analysis-job', 'analysis-provider'],
    why: MALFORMED,
  },
  {
    file: 'test/e2e/expectedfailures/malformed-rollout-ephemeral.yaml',
    rules: ['rollout-pod-template', 'rollout-resources'],
    why: MALFORMED,
  },
  { file: 'test/e2e/expectedfailures/malformed-rollout.yaml', rules: ['rollout-resources'], why: MALFORMED },
  {
    file: 'test/e2e/functional/alb-canary-multi-ingress-rollout.yaml',
    rules: ['ingress-backend'],
    why: 'The Rollout names a root Service that its Ingresses do not send to; the controller rejects it too.',
  },
  { file: 'test/e2e/functional/nginx-template.yaml', rules: ['rollout-pod-template'], why: PLACEHOLDER },
  { file: 'test/e2e/functional/rollout-bluegreen.yaml', rules: ['service-target-port'], why: TARGET_PORT },
  { file: 'test/e2e/functional/rollout-canary-with-pause.yaml', rules: ['service-target-port'], why: TARGET_PORT },
  {
    file: 'test/e2e/step-plugin/template-rollout.yaml',
    rules: ['rollout-pod-template', 'rollout-selector'],
    why: PLACEHOLDER,
  },
];

/** The rules in these lists that deny what upstream accepts. All other rules deny what upstream rejects, too. */
export const OURS_ALONE: ReadonlySet<string> = new Set(['service-target-port']);
