import {
  analysesOf,
  combineArgs,
  combinedMetrics,
  knownValues,
  nameRulesOf,
  resolveTemplates,
  type Lookups,
  type Metric,
} from '../world/analysis.ts';
import type { Analysis } from '../world/collect-analyses.ts';
import { parseGoDuration } from '../world/duration.ts';
import { largest, smallest } from '../world/extremes.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import { intValue, nameMatcher, resolveWith, type Resolve } from '../world/metrics.ts';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import { asString } from '../world/read.ts';

// Seconds after which the controller measures again after an error, and how many errors in a row it accepts.
const ERROR_RETRY = 10;
const DEFAULT_CONSECUTIVE_ERRORS = 4;

/** A time in seconds. `longest` is undefined if it has no end; both are if it is not known. */
export interface TimeSpan {
  readonly shortest: number | undefined;
  readonly longest: number | undefined;
}

/** How long an analysis takes, in seconds. The time that measurements themselves take is not counted. */
export interface AnalysisTime extends TimeSpan {
  /** The earliest time at which it can fail. What is inconclusive pauses the update. */
  readonly firstFailure: number | undefined;
  /** Whether it runs until it is stopped, as a metric with an interval and without a count does. */
  readonly isEndless: boolean;
  /** Why its times are not known. */
  readonly unknown: string | undefined;
}

/** An analysis of a Rollout, and how long it takes. */
export interface TimedAnalysis {
  readonly analysis: Analysis;
  readonly templates: readonly string[];
  readonly time: AnalysisTime;
}

/** Returns the analyses of a Rollout with the times that they take. */
export function timedAnalyses(rollout: KubeObject, lookups: Lookups): readonly TimedAnalysis[] {
  // Thousands of steps may have one template.
  const matchers = new Map<string, ReturnType<typeof nameMatcher>>();
  return analysesOf(rollout).map((analysis) => {
    const names = analysis.templates.map(({ name }) => name);
    const { templates, complete } = resolveTemplates(analysis.templates, namespaceOf(rollout), lookups);
    if (!complete) {
      const found = new Set(templates.map(({ metadata }) => metadata.name));
      const missing = names.find((name) => !found.has(name)) ?? 'a nested template';
      return { analysis, templates: names, time: notKnown(`${missing} is not in the manifests`) };
    }
    const resolve = resolveWith(knownValues(combineArgs(templates).args, analysis.args));
    const rules = [...analysis.dryRun, ...templates.flatMap((template) => nameRulesOf(template, 'dryRun'))];
    const isDryRun = (metric: string): boolean =>
      rules.some(({ pattern }) => getOrAdd(matchers, pattern, () => nameMatcher(pattern))?.(metric) === true);
    return { analysis, templates: names, time: runTime(combinedMetrics(templates), resolve, isDryRun) };
  });
}

function notKnown(unknown: string): AnalysisTime {
  return { shortest: undefined, longest: undefined, firstFailure: undefined, isEndless: false, unknown };
}

/**
 * Returns how long metrics that are measured side by side take. The run ends with the last one, or the first failure.
 *
 * @param isDryRun - Returns whether a metric of this name is in a dry run: it is waited for, and never fails the run.
 * Source: Argo Rollouts v1.9.1, `analysis/analysis.go` (`assessRunStatus`).
 */
export function runTime(
  metrics: readonly Metric[],
  resolve: Resolve,
  isDryRun: (metric: string) => boolean = () => false,
): AnalysisTime {
  const times = metrics.map((metric) => {
    const time = metricTime(metric, resolve);
    return isDryRun(resolve(metric.name) ?? metric.name) ? { ...time, firstFailure: undefined } : time;
  });
  const unknown = times.find((time) => time.unknown !== undefined)?.unknown;
  if (unknown !== undefined) return notKnown(unknown);
  const isEndless = times.some((time) => time.isEndless);
  const hasEnd = times.every(({ longest }) => longest !== undefined);
  return {
    shortest: isEndless ? undefined : (largest(times.flatMap(({ shortest }) => shortest ?? [])) ?? 0),
    longest: hasEnd ? (largest(times.flatMap(({ longest }) => longest ?? [])) ?? 0) : undefined,
    firstFailure: smallest(times.flatMap(({ firstFailure }) => firstFailure ?? [])),
    isEndless,
    unknown: undefined,
  };
}

/**
 * Returns how long one metric takes. Errors do not count as measurements: as many as `consecutiveErrorLimit` may come
 * before each of them. Source: Argo Rollouts v1.9.1, `analysis/analysis.go` (`generateMetricTasks`, `assessMetricStatus`).
 */
function metricTime({ raw, name }: Metric, resolve: Resolve): AnalysisTime {
  const count = intValue(raw['count'], resolve);
  const failures = intValue(raw['failureLimit'], resolve);
  const inconclusive = intValue(raw['inconclusiveLimit'], resolve);
  const successes = intValue(raw['consecutiveSuccessLimit'], resolve);
  const errors =
    raw['consecutiveErrorLimit'] === undefined
      ? DEFAULT_CONSECUTIVE_ERRORS
      : intValue(raw['consecutiveErrorLimit'], resolve);
  const interval = seconds(raw['interval'], resolve);
  const delay = seconds(raw['initialDelay'], resolve);
  if (
    count === undefined ||
    failures === undefined ||
    inconclusive === undefined ||
    successes === undefined ||
    errors === undefined ||
    interval === undefined ||
    delay === undefined
  )
    return notKnown(`metric ${name} depends on arguments that are not known`);
  const isRepeated = asString(raw['interval']) !== '';
  const after = (measurements: number): number => delay + Math.max(0, measurements - 1) * interval;
  const most = count > 0 ? count : isRepeated ? mostMeasurements(failures, inconclusive, successes) : 1;
  const least = successes > 0 ? (count > 0 ? Math.min(successes, count) : successes) : most;
  // More than there are measurements never happen.
  const failing = (limit: number): number =>
    limit < 0 || (most !== undefined && limit >= most) ? Infinity : after(limit + 1);
  return {
    shortest: least === undefined ? undefined : after(least),
    longest: most === undefined ? undefined : after(most) + most * errors * ERROR_RETRY,
    firstFailure: Math.min(failing(failures), delay + errors * ERROR_RETRY),
    isEndless: least === undefined,
    unknown: undefined,
  };
}

// Without a count, only enough successes in a row end a metric. Each accepted measurement of another kind may come just
// before.
function mostMeasurements(failures: number, inconclusive: number, successes: number): number | undefined {
  if (successes <= 0 || failures < 0) return undefined;
  return (failures + inconclusive + 1) * successes;
}

function seconds(value: unknown, resolve: Resolve): number | undefined {
  if (value === undefined || value === null || value === '') return 0;
  const text = resolve(asString(value));
  return text === undefined ? undefined : parseGoDuration(text);
}
