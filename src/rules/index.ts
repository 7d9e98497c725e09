import type { Rule } from './define.ts';
import { analysisArgs } from './analysis-args/rule.ts';
import { analysisCondition } from './analysis-condition/rule.ts';
import { analysisFieldRef } from './analysis-fieldref/rule.ts';
import { analysisMetrics } from './analysis-metrics/rule.ts';
import { analysisPlaceholders } from './analysis-placeholders/rule.ts';
import { analysisStartingStep } from './analysis-starting-step/rule.ts';
import { analysisTemplateCycle } from './analysis-template-cycle/rule.ts';
import { analysisTerminates } from './analysis-terminates/rule.ts';
import { autoscalerTarget } from './autoscaler-target/rule.ts';
import { configInPlace } from './config-in-place/rule.ts';
import { destinationRuleSubsetLabels } from './destinationrule-subset-labels/rule.ts';
import { destinationRuleSubsets } from './destinationrule-subsets/rule.ts';
import { duplicateWorkload } from './duplicate-workload/rule.ts';
import { ingressBackend } from './ingress-backend/rule.ts';
import { istioInjection } from './istio-injection/rule.ts';
import { pluginInstalled } from './plugin-installed/rule.ts';
import { pluginServices } from './plugin-services/rule.ts';
import { referenceExists } from './reference-exists/rule.ts';
import { rolloutAntiAffinity } from './rollout-anti-affinity/rule.ts';
import { rolloutContainerEnv } from './rollout-container-env/rule.ts';
import { rolloutContainerPorts } from './rollout-container-ports/rule.ts';
import { rolloutCounts } from './rollout-counts/rule.ts';
import { rolloutPodTemplate } from './rollout-pod-template/rule.ts';
import { rolloutProbes } from './rollout-probes/rule.ts';
import { rolloutResources } from './rollout-resources/rule.ts';
import { rolloutRouteSteps } from './rollout-route-steps/rule.ts';
import { rolloutSelector } from './rollout-selector/rule.ts';
import { rolloutServices } from './rollout-services/rule.ts';
import { rolloutSteps } from './rollout-steps/rule.ts';
import { rolloutStrategy } from './rollout-strategy/rule.ts';
import { rolloutTrafficRouting } from './rollout-traffic-routing/rule.ts';
import { rolloutVolumes } from './rollout-volumes/rule.ts';
import { rolloutWorkloadRef } from './rollout-workload-ref/rule.ts';
import { routeBackends } from './route-backends/rule.ts';
import { routePortExists } from './route-port-exists/rule.ts';
import { servicePortsAgree } from './service-ports-agree/rule.ts';
import { serviceSelector } from './service-selector/rule.ts';
import { serviceShared } from './service-shared/rule.ts';
import { serviceTargetPort } from './service-target-port/rule.ts';
import { virtualServiceDestinations } from './virtualservice-destinations/rule.ts';
import { virtualServiceRouteExists } from './virtualservice-route-exists/rule.ts';
import { workloadDoubleCapacity } from './workload-double-capacity/rule.ts';
import { workloadSelector } from './workload-selector/rule.ts';

/** Every rule, sorted by id. Adding one is one line here and one folder beside this file. */
export const RULES: readonly Rule[] = [
  analysisArgs,
  analysisCondition,
  analysisFieldRef,
  analysisMetrics,
  analysisPlaceholders,
  analysisStartingStep,
  analysisTemplateCycle,
  analysisTerminates,
  autoscalerTarget,
  configInPlace,
  destinationRuleSubsetLabels,
  destinationRuleSubsets,
  duplicateWorkload,
  ingressBackend,
  istioInjection,
  pluginInstalled,
  pluginServices,
  referenceExists,
  rolloutAntiAffinity,
  rolloutContainerEnv,
  rolloutContainerPorts,
  rolloutCounts,
  rolloutPodTemplate,
  rolloutProbes,
  rolloutResources,
  rolloutRouteSteps,
  rolloutSelector,
  rolloutServices,
  rolloutSteps,
  rolloutStrategy,
  rolloutTrafficRouting,
  rolloutVolumes,
  rolloutWorkloadRef,
  routeBackends,
  routePortExists,
  servicePortsAgree,
  serviceSelector,
  serviceShared,
  serviceTargetPort,
  virtualServiceDestinations,
  virtualServiceRouteExists,
  workloadDoubleCapacity,
  workloadSelector,
];
