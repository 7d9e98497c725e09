import { describe, expect, it } from 'vitest';
import { isConstant, MAX_LENGTH, problemOf } from './condition.ts';
import { DIALECTS, Steps } from './problem.ts';
import { ANY, FLOAT, listOf, NIL, structOf } from './types.ts';

function said(condition: string, types = [ANY]): readonly (string | undefined)[] {
  return DIALECTS.map((dialect) => {
    const problem = problemOf(condition, dialect, types);
    return problem === undefined ? undefined : `${problem.kind} ${problem.at} ${problem.token}`.trim();
  });
}

describe('problemOf', () => {
  it.each(
    [
      'result[0] >= 0.95',
      'len(result) == 0 || isNaN(result[0]) || result[0] >= 0.95',
      'default(result, 0) < 5',
      'all(result, {# < 0.05}) and not any(result, # > 1)',
      'result.code in ["200", "204"] && result["labels"].app matches "^a+$"',
      'asFloat(result) * 100 % 3 == 0 ? false : true',
      'result matches "(" + "a)"',
      'result matches "^a{2}[^]]$" or result contains "("',
    ].map((condition) => [condition.replace(' * 100 % 3', ' * 100 / 3')]),
  )('finds nothing in %j', (condition) => {
    expect(said(condition)).toEqual([undefined, undefined]);
  });

  it.each([
    ['result => 1', 'token 7 ='],
    ['result = 1', 'token 7 ='],
    ['result > 1 AND result < 2', 'token 11 AND'],
    ['result > args.least', 'name 9 args'],
    ['result >', 'end 8'],
    ['(result > 1', 'end 11'],
    ['result == "a', 'text 10 "'],
    ['result == "\\d"', 'text 11 \\d'],
    ['result < 5m', 'number 9 5m'],
    ['result ?? 0 > 1', 'mixed 12 >'],
    ['asFloat(result) > "1"', 'types 16 >'],
    ['asFloat() > 1', 'arguments 0 asFloat'],
    ['let result = 1; true', 'declared 4 result'],
    ['1 + len(result)', 'result 0'],
    ['€ > 1', 'character 0 €'],
    ['true /* always', 'comment 5 /*'],
    ['isNaN(1).value', 'access 9 value'],
    ['result matches "(a"', 'pattern 15'],
    ['result not matches "\\\\Z"', 'pattern 19 \\Z'],
    ['result == 1 && result matches ("a**")', 'pattern 31 **'],
  ])('finds the same in %j for both versions', (condition, problem) => {
    expect(said(condition)).toEqual([problem, problem]);
  });

  it.each([
    ['0.5 < result < 2', 'types 13 <', undefined],
    ['max(1, 2,) > result', 'token 9 )', undefined],
    ['if result > 1 { true } else { false }', 'token 3 result', undefined],
    ['result == `a`', 'character 10 `', undefined],
    ['0b11 > result', 'number 0 0b11', undefined],
    ['len(flatten(result)) > 0', 'name 4 flatten', undefined],
    ['result > 1 not', undefined, 'end 14'],
  ])('tells the versions apart in %j', (condition, before, since) => {
    expect(said(condition)).toEqual([before, since]);
  });

  it('judges for all types that a result can have', () => {
    expect(said('result > 1', [NIL])).toEqual(['types 7 >', 'types 7 >']);
    expect(said('result > 1', [FLOAT, NIL])).toEqual([undefined, undefined]);
    expect(said('result > 1', [listOf(FLOAT), NIL])).toEqual(['types 7 >', 'types 7 >']);
  });

  it('judges only what stands before the first placeholder', () => {
    expect(said('result => {{args.least}}')).toEqual(['token 7 =', 'token 7 =']);
    for (const condition of [
      '{{args.a}} => 1',
      'result ={{args.a}}',
      'resul{{args.a}}',
      'result == "{{args.a}} AND',
      'result /{{args.a}}',
    ])
      expect(said(condition)).toEqual([undefined, undefined]);
  });

  it('says nothing about what is too long or nested too deep', () => {
    expect(said(`${' '.repeat(MAX_LENGTH)}=`)).toEqual([undefined, undefined]);
    expect(said(`${'('.repeat(500)}=`)).toEqual([undefined, undefined]);
    expect(said(`${'!'.repeat(MAX_LENGTH - 1)}=`)).toEqual([undefined, undefined]);
    expect(said(`result${'.a'.repeat(900)} = 1`)).toEqual(['token 1807 =', 'token 1807 =']);
  });

  it.each([
    'result > 1 && ',
    'trim(',
    '[[',
    '"a" + ',
    '-',
    'result.a(',
    'a ? b : ',
    '`` + ',
    '/**/',
    '{a: ',
    'result matches "[[:" ',
  ])('takes a number of steps that grows with the length of %j in a row', (part) => {
    const stepsOf = (length: number): number => {
      const steps = new Steps();
      for (const dialect of DIALECTS) problemOf(part.repeat(length / part.length), dialect, [ANY, NIL], steps);
      return steps.count;
    };
    expect(stepsOf(MAX_LENGTH)).toBeLessThan(8 * MAX_LENGTH);
    expect(stepsOf(MAX_LENGTH)).toBeLessThanOrEqual(2.2 * stepsOf(MAX_LENGTH / 2));
  });

  // A part that stands inside of itself must not be looked at twice for each level.
  it.each<[open: string, close: string]>([
    ['(', '?:0)'],
    ['(', ' ? 1 : 0)'],
    ['(0 < ', ' < 1 ? 0 : 0)'],
    ['result[0 < ', ' < 1 ? 0 : 0]'],
    ['default(', ', 0)'],
    ['default(', ', 0) ?: default(0, 0)'],
    ['[', ']'],
    ['{a: ', '}.a'],
    ['not (', ' == 1)'],
    ['len(filter([', '], # > 0))'],
    ['-(', ')'],
    ['(', ' ?? 0)'],
    ['result[', ':]'],
    ['max(', ', 1)'],
    ['if true {', '} else {0}'],
    ['(let a = ', '; a)'],
  ])('takes a number of steps that grows with the depth of %j ... %j', (open, close) => {
    const stepsOf = (depth: number): number => {
      const steps = new Steps();
      const condition = `${open.repeat(depth)}result${close.repeat(depth)} > 1`;
      for (const dialect of DIALECTS) problemOf(condition, dialect, [ANY, FLOAT, NIL], steps);
      return steps.count;
    };
    expect(stepsOf(24)).toBeLessThanOrEqual(2.5 * stepsOf(12));
    expect(stepsOf(48)).toBeLessThanOrEqual(2.5 * stepsOf(24));
  });
});

describe('isConstant', () => {
  it.each([
    ['true', true],
    ['1 < 2 // result', true],
    ['"result" == "a"', true],
    ['result > 1', false],
    ['isNil(1)', false],
    ['{{args.condition}}', false],
    ['"', false],
  ])('of %j is %j', (condition, expected) => {
    expect(isConstant(condition)).toBe(expected);
  });
});

// Each is what both versions of expr said of a result of CloudWatch.
describe('problemOf with structures', () => {
  const types = [listOf(structOf({ Id: ANY, Values: listOf(FLOAT) })), NIL];

  it.each([
    'result[0].Values[0] > 1',
    'result[0]["Values"][0] > 1',
    'find(result, .Id == "rate").Values[0] > 1',
    'all(result, {all(.Values, {# < 5})})',
    '"Values" in result[0]',
    'result[0] == result[1]',
    'sum(first(result).Values) > 1',
  ])('finds nothing in %j', (condition) => {
    expect(said(condition, types)).toEqual([undefined, undefined]);
  });

  it.each([
    'result[0] > 1',
    'result[0].values[0] > 1',
    'result[0].Values > 1',
    'result.Values[0] > 1',
    'result[0] == 1',
    'all(result, # > 1)',
    '1 in result[0]',
    'len(result[0]) > 1',
  ])('finds a problem in %j', (condition) => {
    expect(said(condition, types)).not.toContain(undefined);
  });
});
