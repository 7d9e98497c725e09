import { countedMetrics, NAME_RULE_PLACES, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { dryRunsOf } from '../../world/dry-runs.ts';
import { intValue } from '../../world/metrics.ts';
import { inEach } from '../../world/place.ts';
import { defineRule } from '../define.ts';

export const analysisCanFail = defineRule({
  id: 'analysis-can-fail',
  summary: 'A metric is measured more times than it is allowed to fail.',
  explanation:
    'A metric fails when more than failureLimit measurements have failed. If count equals failureLimit, that never ' +
    'happens. The analysis then succeeds although every measurement failed, and the update continues. (If count is ' +
    'below the limit, the controller rejects the analysis when it starts; analysis-metrics reports that.) Counts ' +
    'that come from arguments are not checked. Seen on the controller of Argo Rollouts v1.9.1 ' +
    '(docs/upstream-facts.md, claim E7); source: analysis (assessMetricFailureInconclusiveOrError).',
  subject: inEach(TEMPLATE_KINDS, [
    ...NAME_RULE_PLACES,
    'spec.metrics[*].name',
    'spec.metrics[*].count',
    'spec.metrics[*].failureLimit',
    'spec.metrics[*].consecutiveSuccessLimit',
  ]),
  reads: {},
  messages: {
    never: {
      class: 'advice',
      text: 'metric "{metric}" has count {count} and failureLimit {count}, so it succeeds even if every measurement fails',
      fix: 'lower failureLimit, or raise count',
    },
  },
  check(context, template) {
    const isDryRun = dryRunsOf(template, context.spend);
    for (const { name, raw, path } of countedMetrics(template, context)) {
      const [count, limit, successes] = (['count', 'failureLimit', 'consecutiveSuccessLimit'] as const).map((field) =>
        intValue(raw[field], asWritten),
      );
      if (count === undefined || count <= 0 || count !== limit || successes !== 0) continue;
      // The result of a metric in a dry run does not count.
      if (isDryRun(name)) continue;
      context.report('never', { path: [...path, 'failureLimit'], anchor: name, data: { metric: name, count } });
    }
  },
});

// Returns undefined for a text with placeholders, because the arguments are unknown here.
function asWritten(text: string): string | undefined {
  return text.includes('{{') ? undefined : text;
}
