import {
  countedAnalyses,
  ANALYSIS_PLACES,
  combineArgs,
  combinedMetrics,
  knownValues,
  metricsOf,
  named,
  NESTED_TEMPLATE_PLACES,
  TEMPLATE_ARG_PLACES,
  TEMPLATE_KINDS,
  templateArgs,
  templateResolver,
  type Metric,
} from '../../world/analysis.ts';
import type { Analysis } from '../../world/collect-analyses.ts';
import { memo } from '../../world/memo.ts';
import { intValue, resolveWith, runsForever, type Resolve } from '../../world/metrics.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { asString } from '../../world/read.ts';
import { defineRule } from '../define.ts';

// The value that the controller validates with if an argument has no default or comes from a Secret.
const PLACEHOLDER = 'dummy-value';

export const analysisTerminates = defineRule({
  id: 'analysis-terminates',
  summary: 'An analysis that an update waits for ends: every metric with an interval has a count.',
  explanation:
    'A metric with an interval and no count is measured until the update is over. That is correct for a background ' +
    'analysis. An analysis step, or an analysis before or after promotion, would never end, so the controller marks ' +
    'the Rollout InvalidSpec. The controller validates with the defaults of the template only. A count that only ' +
    'the Rollout supplies is ignored, so the argument needs a default. An experiment that requires such an analysis ' +
    'for completion never completes. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation ' +
    '(ValidateAnalysisTemplateWithType), pkg/apis/rollouts/v1alpha1 (EffectiveCount), experiments ' +
    '(calculateStatus).',
  subject: { 'Rollout.argoproj.io': ANALYSIS_PLACES['Rollout.argoproj.io'] },
  reads: inEach(TEMPLATE_KINDS, [
    ...TEMPLATE_ARG_PLACES,
    ...NESTED_TEMPLATE_PLACES,
    'spec.metrics[*].name',
    'spec.metrics[*].count',
    'spec.metrics[*].interval',
    'spec.metrics[*].consecutiveSuccessLimit',
  ]),
  stricterThanUpstream: {
    supplied: {
      why: 'The controller checks whether a metric ends with the defaults of the template only. A count that the Rollout sets to 0 never ends, and blocks the update forever.',
      seenBy: ['agreement', 'e2e'],
    },
    experiment: {
      why: 'The controller checks whether a metric ends for the analyses of steps and promotions only. An endless analysis that an experiment requires for completion blocks the update forever.',
      seenBy: ['agreement', 'e2e'],
    },
  },
  example: {
    fixture: 'bad-step-without-count.yaml',
    referenced: 'AnalysisTemplate errors',
    before: [['interval: 1m', 'interval: 1m\n      count: 5']],
  },
  messages: {
    forever: {
      class: 'invalid',
      text: 'metric "{metric}" of {template} has an interval and {count}, so {analysis} never ends',
      fix: 'set a count above 0 (only a background analysis may run without end)',
    },
    successes: {
      class: 'invalid',
      text: 'metric "{metric}" of {template} has an interval and {count}, so the controller rejects {analysis} as endless, although consecutiveSuccessLimit may end it',
      fix: 'set a count above 0 as well (only a background analysis may have none)',
    },
    default: {
      class: 'invalid',
      text: 'metric "{metric}" of {template} takes its count from {count}, which has no default above 0, so {analysis} counts as endless',
      fix: 'set a default above 0 for this argument in spec.args of the template',
    },
    supplied: {
      class: 'invalid',
      text: 'with the arguments of {analysis}, metric "{metric}" of {template} has an interval and {count}, so it never ends',
      fix: 'set a count above 0',
    },
    experiment: {
      class: 'invalid',
      text: 'metric "{metric}" of {template} has an interval and {count}, so {analysis} never ends, nor does the experiment',
      fix: 'set a count above 0, or remove requiredForCompletion',
    },
  },
  check(context, rollout) {
    const resolveAll = templateResolver(namespaceOf(rollout), context, (template) => metricsOf(template).length);
    for (const analysis of countedAnalyses(rollout, context)) {
      if (analysis.role === 'background' || (analysis.role === 'experiment' && !analysis.requiredForCompletion))
        continue;
      const { templates, complete } = resolveAll(analysis.templates);
      if (!complete) continue;
      const merged = resolveWith(knownValues(combineArgs(templates).args, analysis.args));
      const mayRun = metricsThatMayRun(templates);
      context.spend(mayRun.length * RESOLVED_FIELDS);
      for (const metric of mayRun) {
        const { template } = metric;
        const found = verdict(analysis, metric, asValidated(template), merged);
        if (found === undefined) continue;
        context.report(found, {
          path: analysis.templatesPath,
          anchor: `${analysis.anchor} ${metric.name}`,
          data: {
            metric: metric.name,
            template: named(template),
            analysis: analysis.title,
            count: countOf(metric, found === 'default' ? undefined : merged),
          },
          related: [{ object: template, path: metric.path }],
        });
      }
    }
  },
});

// The metrics with an interval, and without a count that is a number above 0. All others end by themselves, whatever the
// arguments are.
const metricsThatMayRun = memo((templates: readonly KubeObject[]): readonly Metric[] =>
  combinedMetrics(templates).filter(({ raw }) => {
    const { count } = raw;
    return asString(raw['interval']) !== '' && !(typeof count === 'number' && count !== 0);
  }),
);

// The texts of a metric that are filled in with the arguments of an analysis.
const RESOLVED_FIELDS = 3;

function verdict(
  analysis: Analysis,
  metric: Metric,
  validated: Resolve,
  merged: Resolve,
): 'forever' | 'successes' | 'default' | 'supplied' | 'experiment' | undefined {
  // Enough successes in a row end a metric too (Argo Rollouts v1.9.1, analysis/analysis.go, `assessMetricStatus`). The
  // controller does not consider this when it validates.
  const successes = intValue(metric.raw['consecutiveSuccessLimit'], merged);
  const isEndless = runsForever(metric, merged) === true && successes === 0;
  if (analysis.role === 'experiment') return isEndless ? 'experiment' : undefined;
  if (runsForever(metric, validated) === true)
    return asString(metric.raw['count']).includes('{{') ? 'default' : successes === 0 ? 'forever' : 'successes';
  return isEndless ? 'supplied' : undefined;
}

// Returns the count as messages name it: as written, or filled in if `resolve` is given.
function countOf({ raw }: Metric, resolve: Resolve | undefined): string {
  const { count } = raw;
  if (typeof count === 'string') return resolve === undefined ? count : `count "${resolve(count) ?? count}"`;
  return typeof count === 'number' ? `count ${count}` : 'no count';
}

// When the controller validates, it resolves each template with its own arguments and ignores those of the Rollout (Argo
// Rollouts v1.9.1, `setArgValuePlaceHolder`, `validateAnalysisMetrics`).
const asValidated = memo((template: KubeObject): Resolve => {
  const values = new Map(
    templateArgs(template).map(({ name, hasValue, value }) => [name, hasValue ? value : PLACEHOLDER]),
  );
  return resolveWith((name) => values.get(name));
});
