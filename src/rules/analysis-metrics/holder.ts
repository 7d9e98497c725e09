import {
  analysesOf,
  combineArgs,
  knownValues,
  metricsOf,
  named,
  nameRulesOf,
  resolveTemplates,
  type Metric,
} from '../../world/analysis.ts';
import type { Analysis } from '../../world/collect-analyses.ts';
import { limitProblems, namesOf, resolveWith } from '../../world/metrics.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { listed, quoted } from '../wording.ts';
import type { Context } from './messages.ts';
import {
  NAME_RULE_FIELDS,
  reportRepeated,
  reportTwice,
  reportUnmatched,
  unmatched,
  type PlacedRule,
} from './name-rules.ts';

/** Checks the analyses of a Rollout or Experiment, with their templates combined. */
export function checkHolder(context: Context, holder: KubeObject): void {
  const analyses = analysesOf(holder);
  const ofSteps = {
    dryRun: rulesOfSteps(holder, analyses, 'dryRun'),
    measurementRetention: rulesOfSteps(holder, analyses, 'measurementRetention'),
  };
  for (const analysis of analyses) {
    const { templates, complete } = resolveTemplates(analysis.templates, namespaceOf(holder), context);
    const place = [{ object: holder, path: analysis.templatesPath }];
    if (!complete || templates.length === 0) {
      for (const field of NAME_RULE_FIELDS) reportRepeated(context, field, ownRules(holder, analysis, field), place);
      continue;
    }
    const metrics = templates.flatMap(metricsOf);
    if (metrics.length === 0) {
      const data = { analysis: analysis.title, templates: listed(templates, ({ metadata }) => quoted(metadata.name)) };
      context.report('none-combined', { path: analysis.templatesPath, anchor: analysis.anchor, data });
    }
    checkNames(context, holder, analysis, metrics);

    const resolve = resolveWith(knownValues(combineArgs(templates).args, analysis.args));
    for (const metric of metrics) {
      for (const { field, against, value, reason, byArguments } of limitProblems(metric, resolve)) {
        if (!byArguments) continue;
        context.report('combined', {
          path: analysis.argsPath,
          anchor: `${analysis.anchor} ${metric.name} ${field} ${against}`.trimEnd(),
          data: {
            analysis: analysis.title,
            metric: metric.name,
            template: named(metric.template),
            field,
            value,
            reason,
          },
          related: [{ object: metric.template, path: [...metric.path, field] }],
        });
      }
    }

    for (const field of NAME_RULE_FIELDS) {
      const own = ownRules(holder, analysis, field);
      const theirs = templates.flatMap((template) =>
        nameRulesOf(template, field).map((rule) => ({ ...rule, object: template, holder: named(template) })),
      );
      reportRepeated(context, field, [...own, ...theirs], place);
      const names = namesOf(metrics, resolve);
      reportUnmatched(context, field, unmatched([...own, ...theirs], names), names ?? [], place);
      // The controller validates the templates of every analysis together with the rules of every step.
      for (const rule of theirs) {
        const other = ofSteps[field].get(rule.pattern)?.find(({ step }) => step !== analysis);
        if (other !== undefined && analysis.role !== 'experiment') reportTwice(context, field, other.rule, rule, place);
      }
    }
  }
}

function ownRules(holder: KubeObject, analysis: Analysis, field: (typeof NAME_RULE_FIELDS)[number]): PlacedRule[] {
  return analysis[field].map((rule) => ({ ...rule, object: holder, holder: analysis.title }));
}

function checkNames(context: Context, holder: KubeObject, analysis: Analysis, metrics: readonly Metric[]): void {
  const first = new Map<string, Metric>();
  for (const metric of metrics) {
    const { name, template, path } = metric;
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, metric);
    } else if (earlier.template === template) {
      const related = [{ object: holder, path: analysis.templatesPath }];
      context.report('duplicate', {
        object: template,
        path: [...path, 'name'],
        anchor: name,
        data: { template: named(template), metric: name },
        related,
      });
    } else {
      context.report('duplicate-combined', {
        path: analysis.templatesPath,
        anchor: `${analysis.anchor} ${name}`,
        data: { first: named(earlier.template), second: named(template), analysis: analysis.title, metric: name },
        related: [earlier, metric].map((one) => ({ object: one.template, path: [...one.path, 'name'] })),
      });
    }
  }
}

interface StepRule {
  readonly step: Analysis;
  readonly rule: PlacedRule;
}

// Returns the first two steps that have each regular expression. Two are enough to find one that differs from any given
// step.
function rulesOfSteps(
  holder: KubeObject,
  analyses: readonly Analysis[],
  field: (typeof NAME_RULE_FIELDS)[number],
): ReadonlyMap<string, readonly StepRule[]> {
  const rules = new Map<string, StepRule[]>();
  for (const step of analyses) {
    if (step.role !== 'step') continue;
    for (const rule of step[field]) {
      const some = rules.get(rule.pattern) ?? [];
      if (some.length < 2 && some[0]?.step !== step)
        some.push({ step, rule: { ...rule, object: holder, holder: step.title } });
      rules.set(rule.pattern, some);
    }
  }
  return rules;
}
