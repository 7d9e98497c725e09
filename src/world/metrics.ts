import { RE2JS } from 're2js';
import type { Metric } from './analysis.ts';
import { parseGoDuration } from './duration.ts';
import { memo } from './memo.ts';
import { argumentOf, fillIn } from './placeholders.ts';
import { isObject, asObject, asString } from './read.ts';

/** Fills in the placeholders of a text of a metric; returns undefined if one is not known. */
export type Resolve = (text: string) => string | undefined;

/**
 * Returns a function that fills in placeholders with known arguments.
 * @param valueOf - Returns the value of an argument, if it is known.
 */
export function resolveWith(valueOf: (name: string) => string | undefined): Resolve {
  return (text) => {
    return fillIn(text, (tag) => {
      const name = argumentOf(tag);
      return name === undefined ? undefined : valueOf(name);
    });
  };
}

const INTEGER = /^[+-]?[0-9]+$/;

/**
 * Returns the integer that the controller reads from an IntOrString: 0 if it is absent or not an integer; undefined if
 * that is not known. Source: `k8s.io/apimachinery` v0.34, `pkg/util/intstr` (`IntOrString.IntValue`), which drops the
 * error.
 */
export function intValue(value: unknown, resolve: Resolve): number | undefined {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const text = resolve(value);
  if (text === undefined) return undefined;
  return INTEGER.test(text) ? Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(text))) : 0;
}

/** The fields of a metric with a condition. */
export const CONDITIONS = ['successCondition', 'failureCondition'] as const;

/**
 * Reports whether a metric is measured without end: it has an interval and no count, or one that reads as 0. Undefined
 * if that is not known.
 */
export function runsForever(metric: Metric, resolve: Resolve): boolean | undefined {
  const interval = resolve(asString(metric.raw['interval']));
  if (interval === '') return false;
  const count = intValue(metric.raw['count'], resolve);
  if (count === undefined || (count === 0 && interval === undefined)) return undefined;
  return count === 0;
}

/** The fields of a metric that `limitProblems` reads. */
export const LIMIT_FIELDS = [
  'count',
  'failureLimit',
  'consecutiveSuccessLimit',
  'inconclusiveLimit',
  'consecutiveErrorLimit',
  'interval',
  'initialDelay',
] as const;

/** Why the controller rejects a metric. */
export interface LimitProblem {
  readonly kind: 'negative' | 'switched-off' | 'count-too-small' | 'interval-missing' | 'duration';
  /** The invalid field and, if it conflicts with another one, that field. */
  readonly field: string;
  readonly against: string;
  readonly value: string | number;
  /** The smallest valid value or, for a count, the value that it is less than. */
  readonly bound: string;
  /** The whole problem in a few words. */
  readonly reason: string;
  /** Whether it depends on the value of an argument. */
  readonly byArguments: boolean;
}

/**
 * Returns the problems of a metric's count, limits and durations; skips values that are not known. Source: Argo
 * Rollouts v1.9.1, `utils/analysis/factory.go` (`ValidateMetric`), which runs only when the analysis starts.
 */
export function limitProblems({ raw }: Metric, resolve: Resolve): LimitProblem[] {
  const limits: Limits = {
    count: intValue(raw['count'], resolve),
    failureLimit: intValue(raw['failureLimit'], resolve),
    consecutiveSuccessLimit: intValue(raw['consecutiveSuccessLimit'], resolve),
    inconclusiveLimit: intValue(raw['inconclusiveLimit'], resolve),
    consecutiveErrorLimit: intValue(raw['consecutiveErrorLimit'], resolve),
    interval: textValue(raw['interval'], resolve),
    initialDelay: textValue(raw['initialDelay'], resolve),
  };
  return [...outOfRange(limits), ...countProblems(limits), ...durationProblems(limits)].map((problem) => {
    const fields = [problem.field, ...problem.against.split(' ')];
    return { bound: '', ...problem, byArguments: fields.some((field) => asString(raw[field]).includes('{{')) };
  });
}

// A number in place of a text is another mistake, and not the absence of a value.
function textValue(value: unknown, resolve: Resolve): string | undefined {
  return typeof value === 'number' ? undefined : resolve(asString(value));
}

// The value of each field; undefined if it is not known.
interface Limits {
  readonly count: number | undefined;
  readonly failureLimit: number | undefined;
  readonly consecutiveSuccessLimit: number | undefined;
  readonly inconclusiveLimit: number | undefined;
  readonly consecutiveErrorLimit: number | undefined;
  readonly interval: string | undefined;
  readonly initialDelay: string | undefined;
}

type Found = Omit<LimitProblem, 'byArguments' | 'bound'> & { readonly bound?: string };

function* outOfRange(limits: Limits): Generator<Found> {
  for (const field of [
    'failureLimit',
    'consecutiveSuccessLimit',
    'inconclusiveLimit',
    'consecutiveErrorLimit',
  ] as const) {
    const value = limits[field];
    const least = field === 'failureLimit' ? -1 : 0;
    const bound = least === 0 ? '0 or more' : '0 or more, or -1 to switch it off';
    if (value !== undefined && value < least)
      yield { kind: 'negative', field, against: '', value, bound, reason: `it has to be ${bound}` };
  }
  if (limits.failureLimit === -1 && limits.consecutiveSuccessLimit === 0) {
    yield {
      kind: 'switched-off',
      field: 'failureLimit',
      against: 'consecutiveSuccessLimit',
      value: -1,
      reason: 'and no consecutiveSuccessLimit',
    };
  }
}

function* countProblems({
  count,
  failureLimit,
  consecutiveSuccessLimit,
  inconclusiveLimit,
  interval,
}: Limits): Generator<Found> {
  if (count === undefined || count <= 0) return;
  const least = function* (against: string, limit: number, bound: string): Generator<Found> {
    if (count < limit)
      yield { kind: 'count-too-small', field: 'count', against, value: count, bound, reason: `less than ${bound}` };
  };
  if (failureLimit !== undefined && consecutiveSuccessLimit !== undefined && consecutiveSuccessLimit >= 0) {
    const both = 'failureLimit consecutiveSuccessLimit';
    if (failureLimit < 0)
      yield* least(both, consecutiveSuccessLimit, `its consecutiveSuccessLimit of ${consecutiveSuccessLimit}`);
    else if (consecutiveSuccessLimit === 0) yield* least(both, failureLimit, `its failureLimit of ${failureLimit}`);
    else
      yield* least(
        both,
        failureLimit + consecutiveSuccessLimit,
        `failureLimit and consecutiveSuccessLimit together, ${failureLimit} + ${consecutiveSuccessLimit}`,
      );
  }
  if (inconclusiveLimit !== undefined)
    yield* least('inconclusiveLimit', inconclusiveLimit, `its inconclusiveLimit of ${inconclusiveLimit}`);
  if (count > 1 && interval === '')
    yield { kind: 'interval-missing', field: 'count', against: 'interval', value: count, reason: 'and no interval' };
}

function* durationProblems(limits: Limits): Generator<Found> {
  for (const field of ['interval', 'initialDelay'] as const) {
    const value = limits[field];
    if (value !== undefined && value !== '' && parseGoDuration(value) === undefined)
      yield { kind: 'duration', field, against: '', value, reason: 'not a duration' };
  }
}

/** The providers of Argo Rollouts v1.9.1, except `plugin`. */
export const PROVIDERS = [
  'prometheus',
  'kayenta',
  'web',
  'datadog',
  'wavefront',
  'newRelic',
  'job',
  'cloudWatch',
  'graphite',
  'influxdb',
  'skywalking',
] as const;

/** Returns the providers of a metric as the controller counts them: each plugin is one. */
export function providersOf(metric: Metric): readonly string[] {
  const provider = asObject(metric.raw['provider']);
  const plugins = Object.keys(asObject(provider['plugin'])).map((name) => `plugin ${name}`);
  return [...PROVIDERS.filter((name) => isObject(provider[name])), ...plugins];
}

const MAX_PATTERN = 500;
// An expression is compiled in one go, which takes up to 5 µs for each state.
const MOST_STATES = 5_000;
// Where upper and lower case are the same, each character of a range is looked at, and of Unicode a range may have a
// hundred thousand.
const FOLDED = /\(\?[a-zA-Z]*i/;
const BEYOND_ASCII = /[^\0-\x7f]|\\x/;

// Nothing in such an expression has another meaning than itself.
const LITERAL = /^[\w-]*$/;

/**
 * Returns a function that reports whether a regular expression of `dryRun` or `measurementRetention` matches part of a
 * name, by the rules of Go's `regexp`. An invalid expression matches nothing, as in Argo Rollouts v1.9.1,
 * `utils/analysis/helpers.go` (`GetDryRunMetrics`). Undefined if it may take long to compile the expression.
 */
export function nameMatcher(pattern: string): ((name: string) => boolean) | undefined {
  if (pattern.length > MAX_PATTERN || statesOf(pattern) > MOST_STATES) return undefined;
  if (FOLDED.test(pattern) && BEYOND_ASCII.test(pattern)) return undefined;
  if (LITERAL.test(pattern)) return (name) => name.includes(pattern);
  try {
    const expression = RE2JS.compile(pattern);
    return (name) => expression.matcher(name).find();
  } catch {
    return () => false;
  }
}

// Bounds the cost, because each expression is tried with each name.
const MAX_TRIED = 100;
// What is searched in a few microseconds.
const CHARACTERS_OF_OPERATION = { literal: 200, expression: 10 };
const STATES_OF_OPERATION = 10;
const OPERATIONS_OF_STATE = 3;

interface Tried {
  readonly text: string;
  readonly all: ReadonlySet<string>;
  readonly results: Map<string, boolean | undefined>;
}

const tried = memo((names: readonly string[]): Tried => ({
  text: names.join('\n'),
  all: new Set(names),
  results: new Map(),
}));

/**
 * Reports whether an expression matches part of any of the names, as `nameMatcher` does, and remembers it for this list.
 * Undefined if the expression is too long, or if a hundred others that are not plain texts were tried with the list.
 *
 * @param spend - Counts operations, before they are done.
 */
export function matchesSome(
  pattern: string,
  names: readonly string[],
  spend: (operations: number) => void,
): boolean | undefined {
  const { text, all, results } = tried(names);
  if (LITERAL.test(pattern) && pattern.length <= MAX_PATTERN) {
    if (all.has(pattern)) return true;
    spend(Math.ceil(text.length / CHARACTERS_OF_OPERATION.literal));
    return names.length > 0 && text.includes(pattern);
  }
  if (!results.has(pattern) && results.size < MAX_TRIED) {
    const matches = spendingMatcher(pattern, spend);
    results.set(pattern, matches === undefined ? undefined : names.some(matches));
  }
  return results.get(pattern);
}

/** Returns what `nameMatcher` does. Operations are counted before they are done: those of compiling, and of each search. */
export function spendingMatcher(
  pattern: string,
  spend: (operations: number) => void,
): ((name: string) => boolean) | undefined {
  if (pattern.length > MAX_PATTERN) return undefined;
  const states = statesOf(pattern);
  if (states > MOST_STATES) return undefined;
  spend(states * OPERATIONS_OF_STATE);
  const matches = nameMatcher(pattern);
  if (matches === undefined) return undefined;
  const operations = (1 + states / STATES_OF_OPERATION) / CHARACTERS_OF_OPERATION.expression;
  return (name) => {
    spend(Math.ceil(name.length * operations));
    return matches(name);
  };
}

// At least as many as the compiled expression has: one for each character, as often as it is repeated. What is repeated
// may be as long as the whole expression, and repetitions may be nested, so that they multiply.
function statesOf(pattern: string): number {
  let { length } = pattern;
  let repeated = 1;
  for (const [text, least, most] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) {
    length -= text.length;
    // What may be absent has a state more.
    const copies = most === undefined ? Number(least) : Math.max(2 * Number(most), Number(least) + 1);
    repeated *= Math.max(1, copies);
  }
  return length * repeated;
}

/** Returns the names of metrics; undefined if one of them is not known. */
export function namesOf(metrics: readonly Metric[], resolve: Resolve): readonly string[] | undefined {
  const names: string[] = [];
  for (const { name } of metrics) {
    const resolved = resolve(name);
    if (resolved === undefined) return undefined;
    names.push(resolved);
  }
  return names;
}
