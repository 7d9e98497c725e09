import { metricsOf, NAME_RULE_PLACES, nameRulesOf, TEMPLATE_KINDS, type Metric } from '../../world/analysis.ts';
import { nameMatcher, providersOf } from '../../world/metrics.ts';
import { inEach } from '../../world/place.ts';
import { dig, asString } from '../../world/read.ts';
import { defineRule } from '../define.ts';
import { comparesWholeResult } from './compares-whole-result.ts';

// The other providers can fail without a condition: a Job by its exit status, Kayenta by its thresholds, a web request
// by its status. What a plugin does is unknown.
const JUDGED_BY_CONDITION: ReadonlySet<string> = new Set([
  'prometheus',
  'datadog',
  'newRelic',
  'cloudWatch',
  'graphite',
  'influxdb',
  'skywalking',
  'wavefront',
]);

const CONDITIONS = ['successCondition', 'failureCondition'] as const;

export const analysisCondition = defineRule({
  id: 'analysis-condition',
  summary: 'A metric has a condition that can fail, and the condition fits the type of the result.',
  explanation:
    'Without a condition, every measurement with a result counts as a success, whatever the value. Prometheus ' +
    'returns a list even for a single value, and the controller cannot compare a list with a number. Each ' +
    'measurement is then an error, and after five errors in a row the analysis ends in an error. A query with ' +
    'scalar() returns a single number. Source: Argo Rollouts v1.9.1, utils/evaluate (EvaluateResult, ' +
    'EvalCondition), metricproviders/prometheus (processResponse).',
  subject: inEach(TEMPLATE_KINDS, [
    ...NAME_RULE_PLACES,
    'spec.metrics[*].name',
    'spec.metrics[*].provider',
    'spec.metrics[*].successCondition',
    'spec.metrics[*].failureCondition',
  ]),
  reads: {},
  messages: {
    none: {
      class: 'advice',
      text: 'metric "{metric}" has neither successCondition nor failureCondition, so any result from {provider} counts as a success',
      fix: 'add a successCondition that only a good result meets',
    },
    list: {
      class: 'advice',
      text: '{field} of metric "{metric}" compares the whole result, but Prometheus returns a list',
      fix: 'compare the first element, result[0], or wrap the query in scalar()',
    },
  },
  check(context, template) {
    const dryRuns = nameRulesOf(template, 'dryRun')
      .slice(0, MAX_RULES)
      .map(({ pattern }) => nameMatcher(pattern));
    for (const metric of metricsOf(template)) {
      const { name, raw, path } = metric;
      const [provider, second] = providersOf(metric);
      if (provider === undefined || second !== undefined || !JUDGED_BY_CONDITION.has(provider)) continue;
      const conditions = CONDITIONS.filter((field) => asString(raw[field]) !== '');
      // The result of a metric in a dry run does not count.
      if (conditions.length === 0 && !dryRuns.some((matches) => matches?.(name) !== false)) {
        context.report('none', { path, anchor: name, data: { metric: name, provider } });
      }
      if (provider !== 'prometheus' || !yieldsList(metric)) continue;
      for (const field of conditions) {
        if (comparesWholeResult(asString(raw[field])))
          context.report('list', { path: [...path, field], anchor: `${name} ${field}`, data: { metric: name, field } });
      }
    }
  },
});

// Bounds the cost, because each rule is matched against each metric.
const MAX_RULES = 20;

// Returns false where the type of the result is unknown: the query contains scalar(), or it is just an argument.
function yieldsList(metric: Metric): boolean {
  const query = asString(dig(metric.raw, 'provider', 'prometheus', 'query')).trim();
  if (query === '' || Number.isFinite(Number(query))) return false;
  return !/\bscalar\s*\(/.test(query) && !(query.startsWith('{{') && query.indexOf('}}') === query.length - 2);
}
