import {
  combineArgs,
  combinedMetrics,
  knownValues,
  metricsOf,
  named,
  nameRulesOf,
  nestedTemplates,
  type Metric,
} from '../../world/analysis.ts';
import { combinedTemplatesOf } from '../../world/combined-templates.ts';
import { parseGoDuration } from '../../world/duration.ts';
import { durationInstead } from '../../world/duration-hint.ts';
import { limitProblems, namesOf, providersOf, PROVIDERS, resolveWith, type Resolve } from '../../world/metrics.ts';
import { memo } from '../../world/memo.ts';
import { nearest } from '../../world/nearest.ts';
import type { KubeObject } from '../../world/object.ts';
import { asArray, asObject, dig, isBeyondInt32, optionalString } from '../../world/read.ts';
import { listed, quoted } from '../wording.ts';
import type { Context } from './messages.ts';
import { AS_WRITTEN, NAME_RULE_FIELDS, reportRepeated, reportUnmatched, unmatched } from './name-rules.ts';

// A metric has many fields with a meaning of their own.
const COST_OF_METRIC = 5;

/** Checks a template by itself. Parts that a combined template may supply are not reported. */
export function checkTemplate(context: Context, template: KubeObject): void {
  context.spend(COST_OF_METRIC * asArray(dig(template, 'spec', 'metrics')).length);
  context.spend(asArray(dig(template, 'spec', 'args')).length);
  const metrics = metricsOf(template);
  if (metrics.length === 0 && nestedTemplates(template).length === 0) reportEmpty(context, template);

  const seen = new Set<string>();
  for (const { name, path } of metrics) {
    if (seen.has(name))
      context.report('duplicate', {
        path: [...path, 'name'],
        anchor: name,
        data: { template: named(template), metric: name },
      });
    seen.add(name);
  }

  const resolve = resolveWith(knownValues(combineArgs([template]).args));
  for (const metric of metrics) {
    checkProvider(context, metric);
    checkRange(context, metric);
    checkRequestTimeout(context, metric, resolve);
    for (const { kind, field, against, value, bound, reason, byArguments } of limitProblems(metric, resolve)) {
      context.report(byArguments ? 'default' : kind, {
        path: [...metric.path, field],
        anchor: `${metric.name} ${field} ${against}`.trimEnd(),
        data: {
          metric: metric.name,
          field,
          value,
          bound,
          reason,
          example: durationInstead(String(value)),
        },
      });
    }
  }

  for (const field of NAME_RULE_FIELDS) {
    const rules = nameRulesOf(template, field).map((rule) => ({ ...rule, object: template, holder: named(template) }));
    reportRepeated(context, field, rules);
    const alone = unmatched(context, rules, namesOf(metrics, AS_WRITTEN));
    if (alone.length === 0) continue;
    const { templates, complete } = combinedTemplatesOf(template, context);
    const { names } = namesIn(templates);
    if (complete) reportUnmatched(context, field, unmatched(context, alone, names), ownFirst(metrics, names), []);
  }
}

// Once for all templates that are combined. A metric that several have is listed once, as in a message.
const namesIn = memo((templates: readonly KubeObject[]) => {
  const names = namesOf(combinedMetrics(templates), AS_WRITTEN);
  return { names: names === undefined ? undefined : [...new Set(names)] };
});

function ownFirst(own: readonly Metric[], names: readonly string[] = []): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      for (const { name } of own) yield name;
      yield* names;
    },
  };
}

function reportEmpty(context: Context, template: KubeObject): void {
  // A template that was not found may have the metrics.
  const { templates, complete } = combinedTemplatesOf(template, context);
  if (!complete || combinedMetrics(templates).length > 0) return;
  const declares = asArray(dig(template, 'spec', 'args')).length > 0;
  context.report(declares ? 'only-arguments' : 'none', {
    path: ['spec'],
    anchor: template.metadata.name,
    data: { template: named(template) },
  });
}

const LIMITS = ['count', 'failureLimit', 'consecutiveSuccessLimit', 'inconclusiveLimit', 'consecutiveErrorLimit'];

function checkRange(context: Context, { name, raw, path }: Metric): void {
  for (const field of LIMITS) {
    const value = raw[field];
    if (isBeyondInt32(value))
      context.report('range', {
        path: [...path, field],
        anchor: `${name} ${field}`,
        data: { metric: name, field, value },
      });
  }
}

// The API server sets it where the custom resource definition has the field (Argo Rollouts v1.10.1).
const DEFAULT_REQUEST_TIMEOUT = '10s';

function checkRequestTimeout(context: Context, { name, raw, path }: Metric, resolve: Resolve): void {
  const written = optionalString(dig(raw, 'provider', 'datadog', 'requestTimeout'));
  if (written === undefined) return;
  const at = { path: [...path, 'provider', 'datadog', 'requestTimeout'], anchor: name };
  const value = resolve(written);
  const duration = value === undefined ? undefined : parseGoDuration(value);
  if (value !== undefined && value !== '' && !(duration !== undefined && duration > 0))
    context.report('requestTimeout', {
      ...at,
      data: { metric: name, value },
      versions: { since: 'datadogRequestTimeout' },
    });
  else if (value !== DEFAULT_REQUEST_TIMEOUT)
    context.report('noRequestTimeout', {
      ...at,
      data: { metric: name },
      versions: { before: 'datadogRequestTimeout' },
    });
}

function checkProvider(context: Context, metric: Metric): void {
  const { name } = metric;
  const path = [...metric.path, 'provider'];
  const providers = providersOf(metric);
  if (providers.length > 1) {
    context.report('several-providers', {
      path,
      anchor: name,
      data: { metric: name, count: providers.length, has: listed(providers, quoted) },
    });
  } else if (providers.length === 0) {
    const [given] = Object.keys(asObject(metric.raw['provider']));
    const guess = given === undefined ? undefined : nearest(given, PROVIDERS);
    const has =
      given === undefined ? '' : ` (found "${given}"${guess === undefined ? '' : `; did you mean "${guess}"?`})`;
    context.report('no-provider', { path, anchor: name, data: { metric: name, has } });
  }
}
