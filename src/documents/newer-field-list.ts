/** Written by `npm run newer-fields`. Do not edit. */
export const NEWER_FIELDS: Readonly<Record<string, readonly string[]>> = {
  AnalysisTemplate: ['spec.metrics[].provider.datadog.requestTimeout'],
  ClusterAnalysisTemplate: ['spec.metrics[].provider.datadog.requestTimeout'],
  DestinationRule: [
    'spec.subsets[].trafficPolicy.connectionPool.http.http2KeepAlive',
    'spec.subsets[].trafficPolicy.loadBalancer.backendUtilization',
    'spec.subsets[].trafficPolicy.loadBalancer.zoneAwareLbSetting',
    'spec.subsets[].trafficPolicy.outlierDetection.failurePercentageThreshold',
    'spec.subsets[].trafficPolicy.outlierDetection.outlierDetectionHttpErrorCodes',
    'spec.subsets[].trafficPolicy.portLevelSettings[].connectionPool.http.http2KeepAlive',
    'spec.subsets[].trafficPolicy.portLevelSettings[].loadBalancer.backendUtilization',
    'spec.subsets[].trafficPolicy.portLevelSettings[].loadBalancer.zoneAwareLbSetting',
    'spec.subsets[].trafficPolicy.portLevelSettings[].outlierDetection.failurePercentageThreshold',
    'spec.subsets[].trafficPolicy.portLevelSettings[].outlierDetection.outlierDetectionHttpErrorCodes',
    'spec.subsets[].trafficPolicy.portLevelSettings[].tls.caCertCredentialName',
    'spec.subsets[].trafficPolicy.retryBudget.budgetInterval',
    'spec.subsets[].trafficPolicy.tls.caCertCredentialName',
    'spec.trafficPolicy.connectionPool.http.http2KeepAlive',
    'spec.trafficPolicy.loadBalancer.backendUtilization',
    'spec.trafficPolicy.loadBalancer.zoneAwareLbSetting',
    'spec.trafficPolicy.outlierDetection.failurePercentageThreshold',
    'spec.trafficPolicy.outlierDetection.outlierDetectionHttpErrorCodes',
    'spec.trafficPolicy.portLevelSettings[].connectionPool.http.http2KeepAlive',
    'spec.trafficPolicy.portLevelSettings[].loadBalancer.backendUtilization',
    'spec.trafficPolicy.portLevelSettings[].loadBalancer.zoneAwareLbSetting',
    'spec.trafficPolicy.portLevelSettings[].outlierDetection.failurePercentageThreshold',
    'spec.trafficPolicy.portLevelSettings[].outlierDetection.outlierDetectionHttpErrorCodes',
    'spec.trafficPolicy.portLevelSettings[].tls.caCertCredentialName',
    'spec.trafficPolicy.retryBudget.budgetInterval',
    'spec.trafficPolicy.tls.caCertCredentialName',
  ],
  VirtualService: ['spec.http[].redirect.prefixRewrite'],
};

/** The newest known version of each group, for messages. */
export const NEWEST_KNOWN: Readonly<Record<string, string>> = {
  'argoproj.io': 'Argo Rollouts 1.10',
  'networking.istio.io': 'Istio 1.32',
  'gateway.networking.k8s.io': 'Gateway API 1.6',
};
