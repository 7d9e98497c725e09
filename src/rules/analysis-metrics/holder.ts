import {
  analysesOf,
  combineArgs,
  combinedMetrics,
  knownValues,
  named,
  nameRulesOf,
  templateResolver,
  type Metric,
} from '../../world/analysis.ts';
import type { Analysis } from '../../world/collect-analyses.ts';
import { memo } from '../../world/memo.ts';
import { limitProblems, LIMIT_FIELDS, namesOf, resolveWith } from '../../world/metrics.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asString } from '../../world/read.ts';
import { listed, quoted } from '../wording.ts';
import type { Context } from './messages.ts';
import {
  AS_WRITTEN,
  MAX_RULES,
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
  const resolveAll = templateResolver(namespaceOf(holder), context);
  for (const analysis of analyses) {
    const { templates, complete } = resolveAll(analysis.templates);
    const place = [{ object: holder, path: analysis.templatesPath }];
    if (!complete || templates.length === 0) {
      for (const field of NAME_RULE_FIELDS) reportRepeated(context, field, ownRules(holder, analysis, field), place);
      continue;
    }
    const metrics = combinedMetrics(templates);
    if (metrics.length === 0) {
      const data = { analysis: analysis.title, templates: listed(templates, ({ metadata }) => quoted(metadata.name)) };
      context.report('none-combined', { path: analysis.templatesPath, anchor: analysis.anchor, data });
    }
    reportNames(context, holder, analysis, templates);

    const resolve = resolveWith(knownValues(combineArgs(templates).args, analysis.args));
    for (const metric of metricsByArguments(templates)) {
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
      const theirs = rulesOf(templates)[field];
      for (const [earlier, later] of theirs.repeated) reportTwice(context, field, earlier, later, place);
      reportRepeated(context, field, own, place, theirs.first);
      const names = combinedNames(templates, field) ?? namesOf(metrics, resolve);
      reportUnmatched(context, field, unmatched([...own, ...theirs.tried], names), names ?? [], place);
      // The controller validates the templates of every analysis together with the rules of every step.
      if (analysis.role === 'experiment') continue;
      for (const [pattern, steps] of ofSteps[field]) {
        const other = steps.find(({ step }) => step !== analysis);
        if (other === undefined) continue;
        for (const rule of theirs.byPattern.get(pattern) ?? []) reportTwice(context, field, other.rule, rule, place);
      }
    }
  }
}

// What follows depends only on the templates, so it is derived once for all analyses that combine the same ones.

/** The metrics in whose limits a placeholder stands: the only ones that the arguments of an analysis can make invalid. */
const metricsByArguments = memo((templates: readonly KubeObject[]): readonly Metric[] =>
  combinedMetrics(templates).filter(({ raw }) => LIMIT_FIELDS.some((field) => asString(raw[field]).includes('{{'))),
);

type Field = (typeof NAME_RULE_FIELDS)[number];

const namesAsWritten = memo((templates: readonly KubeObject[]) => ({
  dryRun: namesOf(combinedMetrics(templates), AS_WRITTEN),
  measurementRetention: namesOf(combinedMetrics(templates), AS_WRITTEN),
}));

/** Returns the names of all metrics, if none depends on the arguments. */
function combinedNames(templates: readonly KubeObject[], field: Field): readonly string[] | undefined {
  return namesAsWritten(templates)[field];
}

interface TemplateRules {
  readonly first: ReadonlyMap<string, PlacedRule>;
  readonly byPattern: ReadonlyMap<string, readonly PlacedRule[]>;
  readonly repeated: readonly (readonly [PlacedRule, PlacedRule])[];
  /** As many as are tried. */
  readonly tried: readonly PlacedRule[];
}

const rulesOf = memo((templates: readonly KubeObject[]) => ({
  dryRun: templateRules(templates, 'dryRun'),
  measurementRetention: templateRules(templates, 'measurementRetention'),
}));

function templateRules(templates: readonly KubeObject[], field: Field): TemplateRules {
  const all = templates.flatMap((template) =>
    nameRulesOf(template, field).map((rule): PlacedRule => ({ ...rule, object: template, holder: named(template) })),
  );
  const byPattern = Map.groupBy(all, ({ pattern }) => pattern);
  const first = new Map<string, PlacedRule>();
  const repeated: (readonly [PlacedRule, PlacedRule])[] = [];
  for (const rule of all) {
    const earlier = first.get(rule.pattern);
    if (earlier === undefined) first.set(rule.pattern, rule);
    else repeated.push([earlier, rule]);
  }
  return { first, byPattern, repeated, tried: all.slice(0, MAX_RULES) };
}

function ownRules(holder: KubeObject, analysis: Analysis, field: (typeof NAME_RULE_FIELDS)[number]): PlacedRule[] {
  return analysis[field].map((rule) => ({ ...rule, object: holder, holder: analysis.title }));
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
