import { timeProblemOf } from '../../conditions/condition.ts';
import { asString, dig, isObject } from '../../world/read.ts';
import type { Context } from './messages.ts';
import { checkDuration, type Provider } from './providers.ts';

const EXAMPLES = { start: 'now() - duration("5m")', end: 'now()', step: '1m' } as const;

/**
 * Checks the range of a Prometheus query, whose ends are expressions. Source: Argo Rollouts v1.9.1,
 * `metricproviders/prometheus` (`executeQuery`), `utils/evaluate` (`EvalTime`).
 */
export function checkRangeQuery(context: Context, provider: Provider): void {
  checkDuration(context, provider, 'prometheus', ['rangeQuery', 'step']);
  const { metric, settings, path } = provider;
  const range = settings['rangeQuery'];
  if (!isObject(range)) return;
  for (const field of ['start', 'end', 'step'] as const) {
    const value = asString(dig(range, field));
    const example = EXAMPLES[field];
    const at = { path: [...path, 'rangeQuery'], anchor: `${metric} ${field}` };
    if (value === '') context.report('noTime', { ...at, data: { metric, field, example } });
    if (value === '' || field === 'step') continue;
    const before = timeProblemOf(value, '1.15');
    if (before === undefined || timeProblemOf(value, '1.17') === undefined) continue;
    const data = { field: `rangeQuery.${field}`, metric, problem: before.text, position: before.at + 1, example };
    context.report('time', { ...at, path: [...at.path, field], data });
  }
}
