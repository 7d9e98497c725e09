import { Metrics } from '../../src/server/metrics.ts';
import { supportedRange } from '../../src/world/rollouts-versions.ts';

/** Returns every metric that the program exports in a cluster, with its labels. */
export function exportedMetrics(): ReadonlyMap<string, ReadonlySet<string>> {
  const metrics = new Metrics({
    version: '0.0.0',
    rules: [],
    keeps: [],
    inFlight: () => 0,
    droppedLogLines: () => 0,
    keepsOff: () => false,
    untrustedControllers: () => 0,
    versions: () => supportedRange([]),
    caches: () => [],
    cacheBytes: () => 0,
  });
  metrics.leading(() => true);
  metrics.protectedBy(() => true);
  metrics.policyFallback(() => false);
  metrics.unknownLabels(() => ({}));
  metrics.questionsInFlight(() => 0);
  metrics.followUps({ standing: 0, dropped: 0 });
  metrics.drift(() => []);
  metrics.connections({ open: 0, closed: 0 });
  const exported = new Map<string, ReadonlySet<string>>();
  for (const metric of metrics.registry.getMetricsAsArray()) {
    // Not in the types of prom-client.
    const { labelNames } = metric as unknown as { labelNames: readonly string[] };
    const labels = new Set(labelNames);
    if (String(metric.type) !== 'histogram') exported.set(metric.name, labels);
    else {
      exported.set(`${metric.name}_bucket`, new Set([...labels, 'le']));
      for (const part of ['sum', 'count']) exported.set(`${metric.name}_${part}`, labels);
    }
  }
  return exported;
}

/** The metrics of the API server that alerts and the dashboard read. An end-to-end test compares them with the real ones. */
export const API_SERVER_METRICS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['apiserver_admission_webhook_fail_open_count', new Set(['name', 'type'])],
  [
    'apiserver_admission_webhook_rejection_count',
    new Set(['name', 'type', 'operation', 'error_type', 'rejection_code']),
  ],
]);
