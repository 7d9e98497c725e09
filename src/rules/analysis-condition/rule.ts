import { metricsOf, nameRulesOf, TEMPLATE_KINDS, type Metric } from '../../world/analysis.ts';
import { matchesSome, providersOf } from '../../world/metrics.ts';
import { dig, asString } from '../../world/read.ts';
import { defineRule } from '../define.ts';
import { comparesWholeResult } from './compares-whole-result.ts';

// A Job fails by its exit status, Kayenta by its thresholds, a web request by its status; what a plugin does is not
// known.
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
  summary: 'A metric has a condition that can fail, and the condition takes the shape of the result into account.',
  explanation:
    'Without a condition every measurement that yields a result counts as a success, whatever the value. Prometheus answers a query with a list, even if it has one element, and the controller cannot compare a list with a ' +
    'number: each measurement is an error, and after five in a row the analysis ends in one. A query of scalar() yields a single number. Source: Argo Rollouts v1.9.1, utils/evaluate (EvaluateResult, EvalCondition), ' +
    'metricproviders/prometheus (processResponse).',
  subject: [...TEMPLATE_KINDS],
  reads: [],
  messages: {
    none: {
      class: 'advice',
      text: 'metric "{metric}" has neither successCondition nor failureCondition, so that whatever {provider} answers counts as a success',
      fix: 'add the condition that a good result meets',
    },
    list: {
      class: 'advice',
      text: '{field} of metric "{metric}" compares the whole result, and Prometheus answers with a list',
      fix: 'compare its first element, result[0], or make the query a scalar()',
    },
  },
  check(context, template) {
    const dryRuns = nameRulesOf(template, 'dryRun');
    for (const metric of metricsOf(template)) {
      const { name, raw, path } = metric;
      const [provider, second] = providersOf(metric);
      if (provider === undefined || second !== undefined || !JUDGED_BY_CONDITION.has(provider)) continue;
      const conditions = CONDITIONS.filter((field) => asString(raw[field]) !== '');
      // In a dry run a metric is only looked at.
      if (
        conditions.length === 0 &&
        !dryRuns.slice(0, MAX_RULES).some(({ pattern }) => matchesSome(pattern, [name]) !== false)
      ) {
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

// Each rule is tried on each metric; nobody writes as many.
const MAX_RULES = 20;

// Where scalar() stands anywhere in a query, and where it is an argument altogether, the type of the result is left
// open.
function yieldsList(metric: Metric): boolean {
  const query = asString(dig(metric.raw, 'provider', 'prometheus', 'query')).trim();
  if (query === '' || Number.isFinite(Number(query))) return false;
  return !/\bscalar\s*\(/.test(query) && !(query.startsWith('{{') && query.indexOf('}}') === query.length - 2);
}
