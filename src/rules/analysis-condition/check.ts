import { isConstant, MAX_LENGTH, problemOf, wholeTokens } from '../../conditions/condition.ts';
import type { Problem } from '../../conditions/problem.ts';
import { ANY, FLOAT, listOf, MAP, NIL, structOf, type Type } from '../../conditions/types.ts';
import { metricsOf, type Metric } from '../../world/analysis.ts';
import { memo } from '../../world/memo.ts';
import { CONDITIONS, providersOf } from '../../world/metrics.ts';
import type { KubeObject } from '../../world/object.ts';
import { argumentOf, fillIn, placeholdersIn } from '../../world/placeholders.ts';
import { asArray, asString, dig, optionalString } from '../../world/read.ts';

// `types.MetricDataResult` of the AWS SDK for Go v2, service/cloudwatch.
const METRIC_DATA_RESULT = structOf({
  Id: ANY,
  Label: ANY,
  Messages: ANY,
  StatusCode: ANY,
  Timestamps: ANY,
  Values: listOf(FLOAT),
});

/**
 * The types of what each provider measures, for those that evaluate conditions. Source: Argo Rollouts v1.9.1 and v1.10.1,
 * `metricproviders` (the calls of EvaluateResult).
 */
const RESULTS: ReadonlyMap<string, readonly Type[]> = new Map([
  ['prometheus', [listOf(FLOAT), FLOAT]],
  ['datadog', [FLOAT, NIL]],
  ['newRelic', [MAP, listOf(ANY)]],
  ['cloudWatch', [listOf(METRIC_DATA_RESULT), NIL]],
  ['graphite', [listOf(FLOAT)]],
  ['influxdb', [listOf(ANY)]],
  ['wavefront', [FLOAT, listOf(FLOAT)]],
  ['skywalking', [ANY]],
  ['web', [ANY]],
]);
// Values that arguments of conditions have.
const USUAL_VALUES = ['1', '0.5', 'true', 'text', '"text"', '[1]', '5m', 'result > 1', '>', '=='];
// Bounds the work on one object. No template has as many characters in its conditions, nor one with a placeholder, which
// is compiled again with each of the usual values.
const MAX_CHARACTERS = 8_000;
const MAX_FILLED = 300;
const MAX_ALL_FILLED = 2_000;
const MAX_DEFAULTS = 100;

/** What there is to say about a condition. The problems are those of Argo Rollouts before 1.10 and since. */
export interface ConditionCheck {
  readonly metric: Metric;
  readonly provider: string;
  readonly field: (typeof CONDITIONS)[number];
  readonly condition: string;
  readonly before: Problem | undefined;
  readonly since: Problem | undefined;
  /** The placeholder whose usual values all make it fail. The problem is that with the first of them. */
  readonly tag?: string;
  /** Undefined if it fails anyway. */
  readonly doubts?: Doubts;
}

/** What may be wrong with a condition that compiles. */
interface Doubts {
  readonly isConstant: boolean;
  /** The list that it compares the result with, where that is a list of numbers. */
  readonly list?: 'empty' | 'filled' | undefined;
}

/** The conditions of a template. */
export interface CheckedConditions {
  readonly all: readonly ConditionCheck[];
  /** Whether some are left out because there are so many. */
  readonly isCut: boolean;
}

/** Checks the conditions of a template. The result is computed once per template object. */
export const checkedConditions = memo((template: KubeObject): CheckedConditions => {
  const all: ConditionCheck[] = [];
  const defaults = defaultsOf(template);
  let characters = 0;
  let filled = 0;
  for (const metric of metricsOf(template)) {
    const [provider, second] = providersOf(metric);
    const types = provider === undefined || second !== undefined ? undefined : RESULTS.get(provider);
    if (provider === undefined || types === undefined) continue;
    for (const field of CONDITIONS) {
      const condition = asString(metric.raw[field]);
      if (condition === '' || condition.length > MAX_LENGTH) continue;
      characters += condition.length;
      if (characters > MAX_CHARACTERS) return { all, isCut: true };
      const isFilled = condition.length <= MAX_FILLED && filled + condition.length <= MAX_ALL_FILLED;
      if (isFilled && condition.includes('{{')) filled += condition.length;
      all.push(check({ metric, provider, field, condition }, types, isFilled ? defaults : undefined));
    }
  }
  return { all, isCut: false };
});

/** The values of arguments that a template itself has, by name. */
type Defaults = ReadonlyMap<string, string>;

function defaultsOf(template: KubeObject): Defaults {
  return new Map(
    asArray(dig(template, 'spec', 'args'))
      .slice(0, MAX_DEFAULTS)
      .flatMap((argument) => {
        const value = optionalString(dig(argument, 'value'));
        return value === undefined ? [] : [[asString(dig(argument, 'name')), value] as const];
      }),
  );
}

// Without defaults, nothing is filled in.
function check(
  place: Pick<ConditionCheck, 'metric' | 'provider' | 'field' | 'condition'>,
  types: readonly Type[],
  defaults: Defaults | undefined,
): ConditionCheck {
  const { provider, condition } = place;
  const [before, since] = [problemOf(condition, '1.15', types), problemOf(condition, '1.17', types)];
  if (before !== undefined && since !== undefined) return { ...place, before, since };
  const filled = defaults === undefined ? undefined : problemWithValues(condition, types, defaults);
  if (filled !== undefined) return { ...place, before: filled.problem, since: filled.problem, tag: filled.tag };
  return { ...place, before, since, doubts: doubtsAbout(condition, provider) };
}

function doubtsAbout(condition: string, provider: string): Doubts {
  return {
    isConstant: isConstant(condition),
    list: provider === 'prometheus' || provider === 'graphite' ? comparedList(condition) : undefined,
  };
}

// What fails with all of these values and with those of the template, by both versions, is hardly meant for a value with
// which it works.
function problemWithValues(
  condition: string,
  types: readonly Type[],
  defaults: Defaults,
): { readonly problem: Problem; readonly tag: string } | undefined {
  const { tags, unclosed } = placeholdersIn(condition);
  const [tag] = tags;
  if (tag === undefined || unclosed) return undefined;
  const problemWith = (filled: string): Problem | undefined =>
    problemOf(filled, '1.17', types) && problemOf(filled, '1.15', types);
  let first: Problem | undefined;
  for (const value of USUAL_VALUES) {
    const problem = problemWith(condition.replaceAll(/\{\{[^]*?\}\}/g, () => value));
    if (problem === undefined) return undefined;
    first ??= problem;
  }
  const own = fillIn(condition, (name) => defaults.get(argumentOf(name) ?? ''));
  if (first === undefined || (own !== undefined && problemWith(own) === undefined)) return undefined;
  return { problem: first, tag: `{{${tag}}}` };
}

function comparedList(condition: string): Doubts['list'] {
  const tokens = wholeTokens(condition) ?? [];
  const at = tokens.findIndex(
    ({ kind, value }, index) =>
      kind === 'operator' &&
      (value === '==' || value === '!=') &&
      tokens[index - 1]?.value === 'result' &&
      tokens[index - 2]?.value !== '.' &&
      tokens[index + 1]?.value === '[',
  );
  if (at < 0) return undefined;
  return tokens[at + 2]?.value === ']' ? 'empty' : 'filled';
}
