import { BACKEND_REF_PLACES } from './gateway.ts';
import { below, type Place, type Places } from './place.ts';
import { POD_REFERENCE_PLACES } from './pod-references.ts';

/** The place that decides which workloads select the same pods. */
export const SELECTOR_PLACES: readonly Place[] = ['spec.selector.matchLabels'];

const CANARY = below('spec.strategy.canary', [
  'stableService',
  'canaryService',
  'pingPong',
  'trafficRouting',
  'analysis.templates',
  'steps[*].analysis.templates',
  'steps[*].experiment.analyses',
  'steps[*].experiment.templates[*].service.name',
]);
const BLUE_GREEN = below('spec.strategy.blueGreen', [
  'activeService',
  'previewService',
  'prePromotionAnalysis.templates',
  'postPromotionAnalysis.templates',
]);
const TEMPLATE: readonly Place[] = ['spec.templates'];
const ROUTE = BACKEND_REF_PLACES;

/**
 * The places that `references` reads: they decide to which other objects an object refers, and so whose referrer it is.
 * An object of a kind that is not here refers to nothing.
 */
export const REFERENCE_PLACES = {
  'Rollout.argoproj.io': [
    'spec.workloadRef',
    ...SELECTOR_PLACES,
    ...CANARY,
    ...BLUE_GREEN,
    ...below('spec.template.spec', POD_REFERENCE_PLACES),
  ],
  'AnalysisTemplate.argoproj.io': TEMPLATE,
  'ClusterAnalysisTemplate.argoproj.io': TEMPLATE,
  'Experiment.argoproj.io': [
    'spec.analyses',
    'spec.templates[*].service.name',
    ...below('spec.templates[*].template.spec', POD_REFERENCE_PLACES),
  ],
  'VirtualService.networking.istio.io': ['spec.http[*].route', 'spec.tls[*].route', 'spec.tcp[*].route'],
  'DestinationRule.networking.istio.io': ['spec.host'],
  'HTTPRoute.gateway.networking.k8s.io': ROUTE,
  'GRPCRoute.gateway.networking.k8s.io': ROUTE,
  'TCPRoute.gateway.networking.k8s.io': ROUTE,
  'TLSRoute.gateway.networking.k8s.io': ROUTE,
  'Ingress.networking.k8s.io': ['spec.defaultBackend', 'spec.rules[*].http.paths[*].backend'],
  'VirtualService.appmesh.k8s.aws': ['spec.provider.virtualRouter.virtualRouterRef'],
  // Its labels say whether it is an Argo Rollouts controller.
  'Deployment.apps': [...SELECTOR_PLACES, 'metadata.labels'],
  // One with an owner has no part in this.
  'ReplicaSet.apps': [...SELECTOR_PLACES, 'metadata.ownerReferences'],
  'HorizontalPodAutoscaler.autoscaling': ['spec.scaleTargetRef'],
  'VerticalPodAutoscaler.autoscaling.k8s.io': ['spec.targetRef'],
  'ScaledObject.keda.sh': ['spec.scaleTargetRef'],
} as const satisfies Places;
