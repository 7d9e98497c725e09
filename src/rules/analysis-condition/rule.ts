import type { Problem } from '../../conditions/problem.ts';
import { countedMetrics, NAME_RULE_PLACES, TEMPLATE_KINDS, type Metric } from '../../world/analysis.ts';
import { dryRunsOf } from '../../world/dry-runs.ts';
import { CONDITIONS, providersOf } from '../../world/metrics.ts';
import { inEach } from '../../world/place.ts';
import type { Path } from '../../world/path.ts';
import { dig, asString } from '../../world/read.ts';
import { versionsMatching, type OfVersions } from '../../world/rollouts-versions.ts';
import { defineRule } from '../define.ts';
import { AFTER_FIVE_ERRORS, ENDS_IN_ERROR } from '../measurement-errors.ts';
import { comparesWholeResult } from './compares-whole-result.ts';
import { checkedConditions, type ConditionCheck } from './check.ts';
import { messages, type Context } from './messages.ts';
import { remedyFor } from './remedy.ts';

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

// Source: Argo Rollouts v1.9.1 and v1.10.1, `metricproviders/job` and `metricproviders/kayenta`, which evaluate none.
const NEVER_EVALUATED: ReadonlyMap<string, string> = new Map([
  ['job', 'the Job succeeds or fails by itself'],
  ['kayenta', 'kayenta.threshold decides'],
]);

export const analysisCondition = defineRule({
  id: 'analysis-condition',
  summary: 'A metric has a condition that can fail, that compiles, and that fits the type of the result.',
  explanation:
    'Without a condition, every measurement with a result counts as a success, whatever the value. A condition that does ' +
    `not compile makes every measurement an error, and ${AFTER_FIVE_ERRORS}. ` +
    'Argo Rollouts 1.9 evaluates conditions with expr 1.15 and Argo Rollouts 1.10 with expr 1.17. ' +
    'Rollgate has a parser of its own for both, because no npm package speaks this language. It stays silent where it is ' +
    'not certain. It knows the type of the result of each provider, so a string compared with a number is an error too. ' +
    'The right side of matches is a regular expression of Go (RE2), which is compiled with the condition. ' +
    'Placeholders are filled in as text before the condition compiles, so only what stands before the first one is ' +
    'certain. A condition that fails with every usual value, and with the default of the argument, is advice. It is also advice if the metric is in a dry run ' +
    'of its template, or asks a web address without jsonPath, where an answer that is not JSON counts as a success. ' +
    'Prometheus returns a list even for a single value, and the controller cannot compare a list with a number. A query ' +
    'with scalar() returns a single number. Source: Argo Rollouts v1.9.1 and v1.10.1, utils/evaluate (EvaluateResult, EvalCondition), metricproviders, ' +
    'analysis (assessMetricStatus); expr v1.15.5 and v1.17.7, parser and checker; Go 1.26, regexp/syntax.',
  subject: inEach(TEMPLATE_KINDS, [
    ...NAME_RULE_PLACES,
    'spec.args',
    'spec.metrics[*].name',
    'spec.metrics[*].provider',
    'spec.metrics[*].successCondition',
    'spec.metrics[*].failureCondition',
  ]),
  reads: {},
  stricterThanUpstream: {
    broken: {
      why: `The controller compiles a condition when it measures, not before. ${ENDS_IN_ERROR}`,
      seenBy: ['agreement', 'e2e'],
    },
  },
  messages,
  check(context, template) {
    const isDryRun = dryRunsOf(template, context.spend);
    for (const metric of countedMetrics(template, context)) {
      const { name, raw, path } = metric;
      const [provider, second] = providersOf(metric);
      if (second === undefined) reportUnused(context, metric, NEVER_EVALUATED.get(provider ?? ''));
      if (provider === undefined || second !== undefined || !JUDGED_BY_CONDITION.has(provider)) continue;
      const hasNone = CONDITIONS.every((field) => asString(raw[field]) === '');
      // The result of a metric in a dry run does not count.
      if (hasNone && !isDryRun(name)) context.report('none', { path, anchor: name, data: { metric: name, provider } });
    }
    const { all, isCut } = checkedConditions(template);
    if (isCut) context.skip('its conditions have more characters than are checked');
    for (const check of all) report(context, check, isDryRun);
  },
});

function report(context: Context, check: ConditionCheck, isDryRun: (name: string) => boolean): void {
  const problem = chosen(context, check);
  if (problem === undefined) reportDoubts(context, check);
  else reportProblem(context, check, problem, isDryRun);
}

function reportUnused(context: Context, { name, raw, path }: Metric, why: string | undefined): void {
  for (const field of CONDITIONS)
    if (why !== undefined && asString(raw[field]) !== '')
      context.report('unused', {
        path: [...path, field],
        anchor: `${name} ${field}`,
        data: { metric: name, field, why },
      });
}

function placeOf({ metric, field }: ConditionCheck): { readonly path: Path; readonly anchor: string } {
  return { path: [...metric.path, field], anchor: `${metric.name} ${field}` };
}

function reportProblem(
  context: Context,
  check: ConditionCheck,
  problem: Problem,
  isDryRun: (name: string) => boolean,
): void {
  const { metric, provider, field, condition, tag } = check;
  const remedy = remedyFor(condition, problem, provider);
  const data = { metric: metric.name, field, problem: problem.text, position: problem.at + 1, remedy };
  const place = { ...placeOf(check), versions: versionsOf(check) };
  const isUnused =
    isDryRun(metric.name) || (provider === 'web' && asString(dig(metric.raw, 'provider', 'web', 'jsonPath')) === '');
  if (tag !== undefined) context.report('brokenWith', { ...place, data: { ...data, tag } });
  else context.report(isUnused ? 'brokenUnused' : 'broken', { ...place, data });
}

function reportDoubts(context: Context, check: ConditionCheck): void {
  const { metric, provider, field, condition, doubts } = check;
  const place = { ...placeOf(check) };
  const data = { metric: metric.name, field };
  if (provider === 'prometheus' && yieldsList(metric) && comparesWholeResult(condition))
    context.report('list', { ...place, data });
  if (doubts?.isConstant === true) context.report('constant', { ...place, data });
  if (doubts?.list === undefined) return;
  const instead =
    doubts.list === 'empty' ? 'its length, such as len(result) == 0' : 'the elements, such as result[0] == 1';
  context.report('equality', { ...place, data: { ...data, instead }, versions: { before: 'exprIs117' } });
}

// Undefined if it fails with all.
function versionsOf({ before, since }: ConditionCheck): OfVersions | undefined {
  if (before !== undefined && since !== undefined) return undefined;
  return before === undefined ? { since: 'exprIs117' } : { before: 'exprIs117' };
}

// The words of the newest release that is judged.
function chosen({ versions }: Context, { before, since }: ConditionCheck): Problem | undefined {
  return versionsMatching(versions, { since: 'exprIs117' }) === 'none' ? before : (since ?? before);
}

// Returns false where the type of the result is unknown: the query contains scalar(), or it is just an argument.
function yieldsList(metric: Metric): boolean {
  const query = asString(dig(metric.raw, 'provider', 'prometheus', 'query')).trim();
  if (query === '' || Number.isFinite(Number(query))) return false;
  return !/\bscalar\s*\(/.test(query) && !(query.startsWith('{{') && query.indexOf('}}') === query.length - 2);
}
