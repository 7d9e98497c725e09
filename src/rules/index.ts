import type { Rule } from './define.ts';
import { ambassadorMapping } from './ambassador-mapping/rule.ts';
import { analysisAddress } from './analysis-address/rule.ts';
import { analysisArgs } from './analysis-args/rule.ts';
import { analysisCanFail } from './analysis-can-fail/rule.ts';
import { analysisCondition } from './analysis-condition/rule.ts';
import { analysisFieldRef } from './analysis-fieldref/rule.ts';
import { analysisJob } from './analysis-job/rule.ts';
import { analysisMetrics } from './analysis-metrics/rule.ts';
import { analysisNoData } from './analysis-no-data/rule.ts';
import { analysisPlaceholders } from './analysis-placeholders/rule.ts';
import { analysisProvider } from './analysis-provider/rule.ts';
import { analysisStartingStep } from './analysis-starting-step/rule.ts';
import { analysisTemplateCycle } from './analysis-template-cycle/rule.ts';
import { analysisTemplates } from './analysis-templates/rule.ts';
import { analysisTerminates } from './analysis-terminates/rule.ts';
import { apisixBackends } from './apisix-backends/rule.ts';
import { appMeshRoutes } from './appmesh-routes/rule.ts';
import { autoscalerReplicas } from './autoscaler-replicas/rule.ts';
import { autoscalerTarget } from './autoscaler-target/rule.ts';
import { canaryWeightPods } from './canary-weight-pods/rule.ts';
import { configInPlace } from './config-in-place/rule.ts';
import { destinationRuleExtraSubsets } from './destinationrule-extra-subsets/rule.ts';
import { destinationRuleSubsetLabels } from './destinationrule-subset-labels/rule.ts';
import { destinationRuleSubsets } from './destinationrule-subsets/rule.ts';
import { duplicateWorkload } from './duplicate-workload/rule.ts';
import { experimentService } from './experiment-service/rule.ts';
import { gatewayRouteVersion } from './gateway-route-version/rule.ts';
import { ingressBackend } from './ingress-backend/rule.ts';
import { istioInjection } from './istio-injection/rule.ts';
import { managedRouteClash } from './managed-route-clash/rule.ts';
import { managedRouteEffect } from './managed-route-effect/rule.ts';
import { pluginInstalled } from './plugin-installed/rule.ts';
import { pluginServices } from './plugin-services/rule.ts';
import { referenceExists } from './reference-exists/rule.ts';
import { rolloutAntiAffinity } from './rollout-anti-affinity/rule.ts';
import { rolloutContainerEnv } from './rollout-container-env/rule.ts';
import { rolloutContainerPorts } from './rollout-container-ports/rule.ts';
import { rolloutCounts } from './rollout-counts/rule.ts';
import { rolloutEnvSources } from './rollout-env-sources/rule.ts';
import { rolloutEphemeralLabels } from './rollout-ephemeral-labels/rule.ts';
import { rolloutExperiment } from './rollout-experiment/rule.ts';
import { rolloutLifecycle } from './rollout-lifecycle/rule.ts';
import { rolloutPodSettings } from './rollout-pod-settings/rule.ts';
import { rolloutPodTemplate } from './rollout-pod-template/rule.ts';
import { rolloutProbes } from './rollout-probes/rule.ts';
import { rolloutQuota } from './rollout-quota/rule.ts';
import { rolloutResources } from './rollout-resources/rule.ts';
import { rolloutRouteSteps } from './rollout-route-steps/rule.ts';
import { rolloutScheduling } from './rollout-scheduling/rule.ts';
import { rolloutSecurityContext } from './rollout-security-context/rule.ts';
import { rolloutSelector } from './rollout-selector/rule.ts';
import { rolloutServices } from './rollout-services/rule.ts';
import { rolloutSteps } from './rollout-steps/rule.ts';
import { rolloutStrategy } from './rollout-strategy/rule.ts';
import { rolloutTrafficRouting } from './rollout-traffic-routing/rule.ts';
import { rolloutVolumeSources } from './rollout-volume-sources/rule.ts';
import { rolloutVolumes } from './rollout-volumes/rule.ts';
import { rolloutWorkloadRef } from './rollout-workload-ref/rule.ts';
import { routeBackends } from './route-backends/rule.ts';
import { routeCanaryOnlyRule } from './route-canary-only-rule/rule.ts';
import { routePortExists } from './route-port-exists/rule.ts';
import { routeUnmanaged } from './route-unmanaged/rule.ts';
import { servicePortsAgree } from './service-ports-agree/rule.ts';
import { serviceSelector } from './service-selector/rule.ts';
import { serviceShared } from './service-shared/rule.ts';
import { serviceTargetPort } from './service-target-port/rule.ts';
import { subsetCanaryService } from './subset-canary-service/rule.ts';
import { traefikServices } from './traefik-services/rule.ts';
import { virtualServiceDestinations } from './virtualservice-destinations/rule.ts';
import { virtualServiceExtraDestinations } from './virtualservice-extra-destinations/rule.ts';
import { virtualServiceRouteExists } from './virtualservice-route-exists/rule.ts';
import { virtualServiceRouteGrowth } from './virtualservice-route-growth/rule.ts';
import { workloadDoubleCapacity } from './workload-double-capacity/rule.ts';
import { workloadSelector } from './workload-selector/rule.ts';

/** All rules, sorted by id. A new rule needs one line here and one folder next to this file. */
export const RULES: readonly Rule[] = [
  ambassadorMapping,
  analysisAddress,
  analysisArgs,
  analysisCanFail,
  analysisCondition,
  analysisFieldRef,
  analysisJob,
  analysisMetrics,
  analysisNoData,
  analysisPlaceholders,
  analysisProvider,
  analysisStartingStep,
  analysisTemplateCycle,
  analysisTemplates,
  analysisTerminates,
  apisixBackends,
  appMeshRoutes,
  autoscalerReplicas,
  autoscalerTarget,
  canaryWeightPods,
  configInPlace,
  destinationRuleExtraSubsets,
  destinationRuleSubsetLabels,
  destinationRuleSubsets,
  duplicateWorkload,
  experimentService,
  gatewayRouteVersion,
  ingressBackend,
  istioInjection,
  managedRouteClash,
  managedRouteEffect,
  pluginInstalled,
  pluginServices,
  referenceExists,
  rolloutAntiAffinity,
  rolloutContainerEnv,
  rolloutContainerPorts,
  rolloutCounts,
  rolloutEnvSources,
  rolloutEphemeralLabels,
  rolloutExperiment,
  rolloutLifecycle,
  rolloutPodSettings,
  rolloutPodTemplate,
  rolloutProbes,
  rolloutQuota,
  rolloutResources,
  rolloutRouteSteps,
  rolloutScheduling,
  rolloutSecurityContext,
  rolloutSelector,
  rolloutServices,
  rolloutSteps,
  rolloutStrategy,
  rolloutTrafficRouting,
  rolloutVolumeSources,
  rolloutVolumes,
  rolloutWorkloadRef,
  routeBackends,
  routeCanaryOnlyRule,
  routePortExists,
  routeUnmanaged,
  servicePortsAgree,
  serviceSelector,
  serviceShared,
  serviceTargetPort,
  subsetCanaryService,
  traefikServices,
  virtualServiceDestinations,
  virtualServiceExtraDestinations,
  virtualServiceRouteExists,
  virtualServiceRouteGrowth,
  workloadDoubleCapacity,
  workloadSelector,
];
