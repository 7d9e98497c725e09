import { problemOf, wholeTokens } from '../../conditions/condition.ts';
import { FLOAT, NIL } from '../../conditions/types.ts';
import { countedMetrics, named, TEMPLATE_KINDS, type Metric } from '../../world/analysis.ts';
import { CONDITIONS, providersOf } from '../../world/metrics.ts';
import type { Path } from '../../world/path.ts';
import { inEach } from '../../world/place.ts';
import { withoutPlaceholders } from '../../world/placeholders.ts';
import { asString, dig } from '../../world/read.ts';
import { defineRule } from '../define.ts';
import { AFTER_FIVE_ERRORS } from '../measurement-errors.ts';
import { listed, quoted } from '../wording.ts';

// Bounds the work on one object. No template has as many metrics.
const MAX_METRICS = 100;

export const analysisNoData = defineRule({
  id: 'analysis-no-data',
  summary: 'A measurement without data is not an error.',
  explanation:
    'A query can find nothing, for example because the canary has had no requests yet. Prometheus then returns an empty ' +
    'list, which has no first element, Datadog returns nil, and CloudWatch a structure without Values. A condition that ' +
    `does not expect this makes the measurement an error, and ${AFTER_FIVE_ERRORS}. Errors ` +
    'may be what you want, so this is only advice of lint and the dry run. Source: Argo Rollouts v1.9.1, ' +
    'metricproviders/prometheus and metricproviders/datadog (processResponse, parseResponse), utils/evaluate ' +
    '(EvalCondition, defaultFunc), analysis (assessMetricFailureInconclusiveOrError).',
  subject: inEach(TEMPLATE_KINDS, [
    'spec.metrics[*].name',
    'spec.metrics[*].provider',
    'spec.metrics[*].successCondition',
    'spec.metrics[*].failureCondition',
  ]),
  lintOnly: true,
  reads: {},
  messages: {
    empty: {
      class: 'advice',
      text: '{template} has an error whenever a query finds nothing, because {element} does not exist then (metrics: {metrics})',
      fix: 'begin with "len(result) == 0 ||" in successCondition, or with "len(result) > 0 &&" in failureCondition',
    },
    nil: {
      class: 'advice',
      text: '{template} has an error whenever Datadog has no data, because the result is nil then (metrics: {metrics})',
      fix: 'write default(result, 0) in place of result, or another value for no data',
    },
    values: {
      class: 'advice',
      text: '{template} has an error whenever CloudWatch has no data, because {element} does not exist then (metrics: {metrics})',
      fix: 'begin with its length, such as "len(result[0].Values) == 0 ||" in successCondition, or "len(result[0].Values) > 0 &&" in failureCondition',
    },
  },
  check(context, template) {
    const found = countedMetrics(template, context)
      .slice(0, MAX_METRICS)
      .flatMap((metric) => missesData(metric) ?? []);
    for (const id of ['empty', 'nil', 'values'] as const) {
      const these = found.filter((each) => each.id === id);
      const [first] = these;
      if (first === undefined) continue;
      context.report(id, {
        path: first.path,
        anchor: template.metadata.name,
        data: {
          template: named(template),
          element: first.element,
          metrics: listed(these, ({ name }) => quoted(name)),
        },
      });
    }
  },
});

/** A metric with a condition that does not expect that there is no data. */
interface Missing {
  readonly id: 'empty' | 'nil' | 'values';
  readonly name: string;
  readonly path: Path;
  /** The element that does not exist then. */
  readonly element: string;
}

function missesData(metric: Metric): Missing | undefined {
  const [provider, second] = providersOf(metric);
  if (second !== undefined) return undefined;
  for (const field of CONDITIONS) {
    const condition = asString(metric.raw[field]);
    const place = { name: metric.name, path: [...metric.path, field] };
    const element = provider === 'prometheus' && mayFindNothing(metric) ? elementIn(condition, 'result') : undefined;
    if (element !== undefined) return { id: 'empty', ...place, element };
    const value = provider === 'cloudWatch' ? elementIn(condition, 'Values') : undefined;
    if (value !== undefined) return { id: 'values', ...place, element: value };
    if (provider === 'datadog' && failsOnNil(condition)) return { id: 'nil', ...place, element: '' };
  }
  return undefined;
}

// Only if it works with a number. Every placeholder may be one.
function failsOnNil(condition: string): boolean {
  const filled = withoutPlaceholders(condition, '0');
  return (
    filled !== '' &&
    problemOf(filled, '1.15', [FLOAT]) === undefined &&
    problemOf(filled, '1.15', [NIL]) !== undefined &&
    problemOf(filled, '1.17', [NIL]) !== undefined
  );
}

// A query that is a placeholder, or that has one of these functions, may always find something.
function mayFindNothing(metric: Metric): boolean {
  const query = asString(dig(metric.raw, 'provider', 'prometheus', 'query')).trim();
  return query !== '' && !query.startsWith('{{') && !/\b(?:vector|scalar|absent|absent_over_time)\s*\(/.test(query);
}

// What looks whether the element is there, or can.
const GUARDS: ReadonlySet<string> = new Set([
  ...['len', 'isNil', 'default', 'count', 'get', 'any', 'one', 'find', 'sum', 'toJSON'],
  ...['let', 'if', '?', '??', 'or', '||'],
]);

// Returns the first element of a list that a condition reads without a guard, or undefined.
function elementIn(condition: string, list: string): string | undefined {
  const tokens = wholeTokens(condition) ?? [];
  if (tokens.some(({ kind, value }) => kind !== 'string' && GUARDS.has(value))) return undefined;
  const at = tokens.findIndex(
    ({ kind, value }, index) =>
      kind === 'identifier' &&
      value === list &&
      tokens[index + 1]?.value === '[' &&
      tokens[index + 2]?.kind === 'number' &&
      tokens[index + 3]?.value === ']',
  );
  return at < 0 ? undefined : `${list}[${tokens[at + 2]?.value ?? ''}]`;
}
