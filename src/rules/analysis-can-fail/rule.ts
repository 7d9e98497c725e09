import { metricsOf, nameRulesOf, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { intValue, matchesSome } from '../../world/metrics.ts';
import { defineRule } from '../define.ts';

// Each rule is tried on each metric; nobody writes as many.
const MAX_RULES = 20;

export const analysisCanFail = defineRule({
  id: 'analysis-can-fail',
  summary: 'A metric is measured more often than it may fail.',
  explanation:
    'A metric fails when more measurements than failureLimit have failed. With a count that equals the limit that can never be: the analysis is successful although every single measurement has failed, and the update goes on. ' +
    '(A count below the limit the controller refuses when the analysis begins; analysis-metrics says so.) Counts that arguments fill in are not judged. Seen on the controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, claim E7); ' +
    'source: analysis (assessMetricFailureInconclusiveOrError).',
  subject: [...TEMPLATE_KINDS],
  reads: [],
  messages: {
    never: {
      class: 'advice',
      text: 'metric "{metric}" is measured {count} times and may fail {count} times, so that it is successful even if all of them fail',
      fix: 'lower failureLimit, or raise count',
    },
  },
  check(context, template) {
    const dryRuns = nameRulesOf(template, 'dryRun').slice(0, MAX_RULES);
    for (const { name, raw, path } of metricsOf(template)) {
      const [count, limit, successes] = (['count', 'failureLimit', 'consecutiveSuccessLimit'] as const).map((field) =>
        intValue(raw[field], asWritten),
      );
      if (count === undefined || count <= 0 || count !== limit || successes !== 0) continue;
      // In a dry run a metric is only looked at.
      if (dryRuns.some(({ pattern }) => matchesSome(pattern, [name]) !== false)) continue;
      context.report('never', { path: [...path, 'failureLimit'], anchor: name, data: { metric: name, count } });
    }
  },
});

// What arguments will fill in is not known here.
function asWritten(text: string): string | undefined {
  return text.includes('{{') ? undefined : text;
}
