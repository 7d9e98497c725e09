import {
  countedAnalyses,
  combineArgs,
  combinedMetrics,
  knownValues,
  metricsOf,
  named,
  templateArgs,
  templateResolver,
  type Metric,
} from '../../world/analysis.ts';
import type { Analysis, SuppliedArg } from '../../world/collect-analyses.ts';
import { memo } from '../../world/memo.ts';
import { limitProblems, LIMIT_FIELDS, namesOf, resolveWith } from '../../world/metrics.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asString, dig } from '../../world/read.ts';
import { COST_OF_ANALYSIS } from '../budget.ts';
import { listed, quoted } from '../wording.ts';
import type { Context } from './messages.ts';
import { CombinedRules } from './combined-rules.ts';
import { AS_WRITTEN, HASH, NAME_RULE_FIELDS, type NameRuleField } from './name-rules.ts';

// How many limits of a metric are looked at for one operation: most are not set.
const LIMITS_OF_OPERATION = 2;

/** Checks the analyses of a Rollout or Experiment, with their templates combined. */
export function checkHolder(context: Context, holder: KubeObject): void {
  const analyses = countedAnalyses(holder, context);
  const rules = NAME_RULE_FIELDS.map((field) => ({
    field,
    check: new CombinedRules(context, holder, analyses, field),
  }));
  const resolveAll = templateResolver(namespaceOf(holder), context, sizeOf);
  for (const analysis of analyses) {
    context.spend(COST_OF_ANALYSIS);
    const { templates, complete } = resolveAll(analysis.templates);
    const place = [{ object: holder, path: analysis.templatesPath }];
    if (!complete || templates.length === 0) {
      for (const { check } of rules) check.checkOwn(analysis, place);
      continue;
    }
    if (combinedMetrics(templates).length === 0) {
      const data = { analysis: analysis.title, templates: listed(templates, ({ metadata }) => quoted(metadata.name)) };
      context.report('none-combined', { path: analysis.templatesPath, anchor: analysis.anchor, data });
    }
    reportNames(context, holder, analysis, templates);

    const resolve = resolveWith(knownValues(combineArgs(templates).args, analysis.args));
    const limited = metricsByArguments(templates);
    context.spend(Math.ceil((limited.length * LIMIT_FIELDS.length) / LIMITS_OF_OPERATION));
    for (const metric of limited) {
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

    for (const { field, check } of rules) {
      const names = combinedNames(templates, field) ?? namesIn(context, templates, analysis);
      check.checkCombined(analysis, templates, names, place);
    }
  }
}

function sizeOf(template: KubeObject): number {
  return metricsOf(template).length + templateArgs(template).length;
}

// What follows depends only on the templates, so it is derived once for all analyses that combine the same ones.

/** The metrics in whose limits a placeholder stands: the only ones that the arguments of an analysis can make invalid. */
const metricsByArguments = memo((templates: readonly KubeObject[]): readonly Metric[] =>
  combinedMetrics(templates).filter(({ raw }) => LIMIT_FIELDS.some((field) => asString(raw[field]).includes('{{'))),
);

const namesAsWritten = memo((templates: readonly KubeObject[]) => ({
  dryRun: namesOf(combinedMetrics(templates), AS_WRITTEN),
  measurementRetention: namesOf(combinedMetrics(templates), AS_WRITTEN),
}));

/** Returns the names of all metrics, if none depends on the arguments. */
function combinedNames(templates: readonly KubeObject[], field: NameRuleField): readonly string[] | undefined {
  return namesAsWritten(templates)[field];
}

// What is copied in a microsecond.
const CHARACTERS_OF_OPERATION = 200;

/** Returns the names of metrics with the arguments of one analysis. */
function namesIn(
  context: Context,
  templates: readonly KubeObject[],
  analysis: Analysis,
): readonly string[] | undefined {
  const metrics = combinedMetrics(templates);
  context.spend(metrics.length + analysis.args.length);
  const args = analysis.role === 'experiment' ? analysis.args : analysis.args.map(fillHash);
  const names = namesOf(metrics, resolveWith(knownValues(combineArgs(templates).args, args)));
  // One argument may be the largest part of all of them.
  context.spend(Math.ceil((names ?? []).reduce((sum, name) => sum + name.length, 0) / CHARACTERS_OF_OPERATION));
  return names;
}

function fillHash(arg: SuppliedArg): SuppliedArg {
  const which = dig(arg.raw, 'valueFrom', 'podTemplateHashValue');
  return which === 'Latest' || which === 'Stable' ? { ...arg, value: HASH } : arg;
}

interface Repeated {
  readonly earlier: Metric;
  readonly metric: Metric;
}

const repeatedNames = memo((templates: readonly KubeObject[]): readonly Repeated[] => {
  const first = new Map<string, Metric>();
  const repeated: Repeated[] = [];
  for (const metric of combinedMetrics(templates)) {
    const earlier = first.get(metric.name);
    if (earlier === undefined) first.set(metric.name, metric);
    else repeated.push({ earlier, metric });
  }
  return repeated;
});

function reportNames(context: Context, holder: KubeObject, analysis: Analysis, templates: readonly KubeObject[]): void {
  for (const { earlier, metric } of repeatedNames(templates)) {
    const { name, template, path } = metric;
    if (earlier.template === template) {
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
