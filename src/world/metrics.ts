import { RE2JS } from 're2js';
import type { Metric } from './analysis.ts';
import { parseGoDuration } from './duration.ts';
import { argumentOf, fillIn } from './placeholders.ts';
import { isObject, object, string } from './read.ts';

/** In: a text of a metric. Out: it with its placeholders filled in; undefined where that is not known. */
export type Resolve = (text: string) => string | undefined;

/** In: the values of arguments that are known, by name. Out: how texts of a metric are filled in with them. */
export function resolveWith(values: ReadonlyMap<string, string>): Resolve {
  return (text) => {
    return fillIn(text, (tag) => {
      const name = argumentOf(tag);
      return name === undefined ? undefined : values.get(name);
    });
  };
}

const INTEGER = /^[+-]?[0-9]+$/;

/**
 * In: a value of the type IntOrString, and how to fill in a text. Out: the integer that the controller reads: 0 for an absent one and for a text that is no integer; undefined where
 * that cannot be known. Source: `k8s.io/apimachinery` v0.34, `pkg/util/intstr` (`IntOrString.IntValue`), which drops the error.
 */
export function intValue(value: unknown, resolve: Resolve): number | undefined {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const text = resolve(value);
  if (text === undefined) return undefined;
  return INTEGER.test(text) ? Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(text))) : 0;
}

/** In: a metric and how to fill in a text. Out: whether it is measured without end: an interval and no count, or one that reads as 0; undefined where that cannot be known. */
export function runsForever(metric: Metric, resolve: Resolve): boolean | undefined {
  const interval = resolve(string(metric.raw['interval']));
  if (interval === '') return false;
  const count = intValue(metric.raw['count'], resolve);
  if (count === undefined || (count === 0 && interval === undefined)) return undefined;
  return count === 0;
}

/** Why the controller refuses a metric. */
export interface LimitProblem {
  readonly kind: 'negative' | 'switched-off' | 'count-too-small' | 'interval-missing' | 'duration';
  /** The field to look at, and, where it contradicts another one, that. */
  readonly field: string;
  readonly against: string;
  readonly value: string | number;
  /** What it has to be at least, or, for a count, what it is less than. */
  readonly bound: string;
  /** The whole in a few words. */
  readonly reason: string;
  /** Whether it depends on the value of an argument. */
  readonly byArguments: boolean;
}

/**
 * In: a metric and how to fill in a text. Out: what is wrong with its count, limits and durations; what rests on a value that is not known is not judged. Source: Argo Rollouts
 * v1.9.1, `utils/analysis/factory.go` (`ValidateMetric`), which runs only when the analysis starts.
 */
export function limitProblems({ raw }: Metric, resolve: Resolve): LimitProblem[] {
  const problems: LimitProblem[] = [];
  const add = (problem: Omit<LimitProblem, 'byArguments' | 'bound'> & { readonly bound?: string }): void => {
    const fields = [problem.field, ...problem.against.split(' ')];
    problems.push({ bound: '', ...problem, byArguments: fields.some((field) => string(raw[field]).includes('{{')) });
  };
  const read = (field: string): number | undefined => intValue(raw[field], resolve);
  const count = read('count');
  const failures = read('failureLimit');
  const successes = read('consecutiveSuccessLimit');
  const inconclusive = read('inconclusiveLimit');

  for (const field of ['failureLimit', 'consecutiveSuccessLimit', 'inconclusiveLimit', 'consecutiveErrorLimit']) {
    const value = read(field);
    const least = field === 'failureLimit' ? -1 : 0;
    const bound = least === 0 ? '0 or more' : '0 or more, or -1 to switch it off';
    if (value !== undefined && value < least) add({ kind: 'negative', field, against: '', value, bound, reason: `it has to be ${bound}` });
  }
  if (failures === -1 && successes === 0) {
    add({ kind: 'switched-off', field: 'failureLimit', against: 'consecutiveSuccessLimit', value: failures, reason: 'and no consecutiveSuccessLimit' });
  }

  const least = (value: number, against: string, limit: number, bound: string): void => {
    if (value < limit) add({ kind: 'count-too-small', field: 'count', against, value, bound, reason: `less than ${bound}` });
  };
  if (count !== undefined && count > 0) {
    if (failures !== undefined && successes !== undefined && successes >= 0) {
      const both = 'failureLimit consecutiveSuccessLimit';
      if (failures < 0) least(count, both, successes, `its consecutiveSuccessLimit of ${successes}`);
      else if (successes === 0) least(count, both, failures, `its failureLimit of ${failures}`);
      else least(count, both, failures + successes, `failureLimit and consecutiveSuccessLimit together, ${failures} + ${successes}`);
    }
    if (inconclusive !== undefined) least(count, 'inconclusiveLimit', inconclusive, `its inconclusiveLimit of ${inconclusive}`);
    if (count > 1 && resolve(string(raw['interval'])) === '') add({ kind: 'interval-missing', field: 'count', against: 'interval', value: count, reason: 'and no interval' });
  }

  for (const field of ['interval', 'initialDelay']) {
    const value = resolve(string(raw[field]));
    if (value !== undefined && value !== '' && parseGoDuration(value) === undefined) add({ kind: 'duration', field, against: '', value, reason: 'no duration' });
  }
  return problems;
}

/** The providers that Argo Rollouts v1.9.1 has, besides `plugin`. */
export const PROVIDERS = ['prometheus', 'kayenta', 'web', 'datadog', 'wavefront', 'newRelic', 'job', 'cloudWatch', 'graphite', 'influxdb', 'skywalking'] as const;

/** In: a metric. Out: the providers it is given, as the controller counts them: each plugin is one. */
export function providersOf(metric: Metric): readonly string[] {
  const provider = object(metric.raw['provider']);
  const plugins = Object.keys(object(provider['plugin'])).map((name) => `plugin ${name}`);
  return [...PROVIDERS.filter((name) => isObject(provider[name])), ...plugins];
}

const MAX_PATTERN = 500;

/**
 * In: a regular expression of `dryRun` or `measurementRetention`, and names of metrics. Out: whether it matches one, anywhere in the name, by the rules of Go's `regexp`; one that does
 * not compile matches nothing, as in Argo Rollouts v1.9.1, `utils/analysis/helpers.go` (`GetDryRunMetrics`). Undefined for one too long to be tried.
 */
export function matchesSome(pattern: string, names: readonly string[]): boolean | undefined {
  if (pattern.length > MAX_PATTERN) return undefined;
  try {
    const expression = RE2JS.compile(pattern);
    return names.some((name) => expression.matcher(name).find());
  } catch {
    return false;
  }
}

/** In: metrics and how to fill in a text. Out: their names; undefined where one of them is not known. */
export function namesOf(metrics: readonly Metric[], resolve: Resolve): readonly string[] | undefined {
  const names: string[] = [];
  for (const { name } of metrics) {
    const resolved = resolve(name);
    if (resolved === undefined) return undefined;
    names.push(resolved);
  }
  return names;
}
