import { countedMetrics, NAME_RULE_PLACES, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { dryRunsOf } from '../../world/dry-runs.ts';
import { providersOf } from '../../world/metrics.ts';
import { inEach } from '../../world/place.ts';
import { asObject, asString, dig } from '../../world/read.ts';
import { defineRule } from '../define.ts';
import { ENDS_IN_ERROR } from '../measurement-errors.ts';
import { CHECKS } from './checks.ts';
import { messages, stricter } from './messages.ts';
import { REFUSALS } from './refusals.ts';

export const analysisProvider = defineRule({
  id: 'analysis-provider',
  summary: 'The settings of a provider are ones with which the controller can measure.',
  explanation:
    'The API server and the validation of Argo Rollouts accept these settings. The provider refuses them when it ' +
    `measures. ${ENDS_IN_ERROR} A metric in a dry run of its template is not checked. Nor are settings with ` +
    'placeholders. Source: Argo Rollouts v1.9.1 and v1.10.1, metricproviders; Kubernetes v1.34, pkg/apis/batch/validation ' +
    '(ValidateJob); Go, net/url and net/http.',
  subject: inEach(TEMPLATE_KINDS, [
    ...NAME_RULE_PLACES,
    'spec.metrics[*].name',
    'spec.metrics[*].interval?',
    'spec.metrics[*].provider',
  ]),
  reads: {},
  stricterThanUpstream: stricter,
  table: {
    title: 'What providers refuse',
    head: ['provider', 'refuses', 'found by'],
    rows: REFUSALS.map(({ provider, refused, messages: ids = [], otherwise }) => [
      provider,
      refused,
      [...ids, ...(otherwise === undefined ? [] : [otherwise])].join(', '),
    ]),
  },
  messages,
  check(context, template) {
    const isDryRun = dryRunsOf(template, context.spend);
    for (const metric of countedMetrics(template, context)) {
      const [provider = '', second] = providersOf(metric);
      const check = CHECKS.get(provider);
      // The result of a metric in a dry run does not count.
      if (check === undefined || second !== undefined || isDryRun(metric.name)) continue;
      check(context, {
        metric: metric.name,
        settings: asObject(dig(metric.raw, 'provider', provider)),
        path: [...metric.path, 'provider', provider],
        interval: asString(metric.raw['interval']),
      });
    }
  },
});
