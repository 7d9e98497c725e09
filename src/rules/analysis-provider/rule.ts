import { metricsOf, NAME_RULE_PLACES, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { dryRunsOf } from '../../world/dry-runs.ts';
import { providersOf } from '../../world/metrics.ts';
import { inEach } from '../../world/place.ts';
import { asObject, dig } from '../../world/read.ts';
import { defineRule } from '../define.ts';
import { checkDatadog } from './datadog.ts';
import { messages, stricter } from './messages.ts';
import { CHECKS } from './providers.ts';

export const analysisProvider = defineRule({
  id: 'analysis-provider',
  summary: 'The settings of a provider are ones with which the controller can measure.',
  explanation:
    'The API server and the validation of Argo Rollouts accept these settings. The provider refuses them when it ' +
    'measures. Each measurement is then an error, and after five errors in a row the analysis ends in an error, which ' +
    'aborts the update. A metric in a dry run of its template is not checked. Nor are settings with placeholders. ' +
    'What the providers refuse, and what Rollgate checks of it: Datadog: query, queries, formula, aggregator by ' +
    'apiVersion, interval; credentials are in Secrets. Prometheus: an address that is not a URL, a negative timeout, ' +
    'rangeQuery.step; an address can be missing, because the controller may have a default. Web: two bodies, a body ' +
    'with GET, OAuth2 without its client; a wrong jsonPath is not checked. Job: restartPolicy. CloudWatch: interval. ' +
    'Kayenta: scopes with one start or end. New Relic: a negative timeout. Graphite: no address. SkyWalking: interval. ' +
    'Wavefront and InfluxDB refuse nothing but missing credentials. Source: Argo Rollouts v1.9.1 and v1.10.1, ' +
    'metricproviders; Kubernetes v1.34, pkg/apis/batch/validation (ValidateJobSpec).',
  subject: inEach(TEMPLATE_KINDS, [...NAME_RULE_PLACES, 'spec.metrics[*].name', 'spec.metrics[*].provider']),
  reads: {},
  stricterThanUpstream: stricter,
  messages,
  check(context, template) {
    const isDryRun = dryRunsOf(template);
    for (const metric of metricsOf(template)) {
      const [provider = '', second] = providersOf(metric);
      const check = provider === 'datadog' ? checkDatadog : CHECKS.get(provider);
      // The result of a metric in a dry run does not count.
      if (check === undefined || second !== undefined || isDryRun(metric.name)) continue;
      check(context, {
        metric: metric.name,
        settings: asObject(dig(metric.raw, 'provider', provider)),
        path: [...metric.path, 'provider', provider],
      });
    }
  },
});
