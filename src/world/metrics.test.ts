import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import type { Metric } from './analysis.ts';
import { intValue, limitProblems, matchesSome, resolveWith, runsForever, spendingMatcher } from './metrics.ts';

const VALUES = new Map([
  ['five', '5'],
  ['none', ''],
  ['word', 'five'],
]);
const resolve = resolveWith((name) => VALUES.get(name));
const metric = (raw: Record<string, unknown>): Metric => ({
  name: 'm',
  raw,
  path: [],
  template: { apiVersion: 'argoproj.io/v1alpha1', kind: 'AnalysisTemplate', metadata: { name: 't' } },
});

describe('intValue', () => {
  it.each([
    [undefined, 0],
    [null, 0],
    [7, 7],
    ['7', 7],
    ['+7', 7],
    ['-7', -7],
    [' 7', 0],
    ['7.0', 0],
    ['0x7', 0],
    ['', 0],
    ['{{args.five}}', 5],
    ['{{args.word}}', 0],
    ['{{args.unknown}}', undefined],
    ['99999999999999999999', Number.MAX_SAFE_INTEGER],
    [1.5, undefined],
    [{}, undefined],
  ])('reads %j', (value, expected) => {
    expect(intValue(value, resolve)).toBe(expected);
  });
});

describe('runsForever', () => {
  it.each([
    [{}, false],
    [{ count: 5 }, false],
    [{ interval: '1m' }, true],
    [{ interval: '1m', count: 0 }, true],
    [{ interval: '1m', count: 'five' }, true],
    [{ interval: '1m', count: -1 }, false],
    [{ interval: '{{args.none}}' }, false],
    [{ interval: '{{args.unknown}}' }, undefined],
    [{ interval: '{{args.unknown}}', count: 5 }, false],
    [{ interval: '1m', count: '{{args.unknown}}' }, undefined],
  ])('checks %j', (raw, expected) => {
    expect(runsForever(metric(raw), resolve)).toBe(expected);
  });
});

describe('limitProblems', () => {
  it.each([
    [{}, []],
    [{ failureLimit: -1, consecutiveSuccessLimit: 1 }, []],
    [{ count: 5, interval: '1m', failureLimit: 5 }, []],
    [{ count: 5, interval: '1m', failureLimit: 6 }, ['count-too-small']],
    [{ count: 5, interval: '1m', failureLimit: -1, consecutiveSuccessLimit: 5 }, []],
    [{ count: 5, interval: '1m', failureLimit: -1, consecutiveSuccessLimit: 6 }, ['count-too-small']],
    [{ count: 5, interval: '1m', failureLimit: '{{args.unknown}}' }, []],
    [{ count: 5, interval: '{{args.unknown}}' }, []],
    [{ count: 5, interval: '{{args.none}}' }, ['interval-missing']],
    [{ failureLimit: -1 }, ['switched-off']],
    [{ failureLimit: -2, inconclusiveLimit: -1 }, ['negative', 'negative']],
    [{ interval: '{{args.five}}' }, ['duration']],
    [{ interval: '5m', initialDelay: '1d' }, ['duration']],
  ])('checks %j', (raw, kinds) => {
    expect(limitProblems(metric(raw), resolve).map(({ kind }) => kind)).toEqual(kinds);
  });

  it('says what rests on an argument', () => {
    const byArguments = (raw: Record<string, unknown>): boolean[] =>
      limitProblems(metric(raw), resolve).map((problem) => problem.byArguments);
    expect(byArguments({ count: 2, interval: '1m', failureLimit: '{{args.five}}' })).toEqual([true]);
    expect(byArguments({ count: 2, interval: '{{args.five}}s', failureLimit: 3 })).toEqual([false]);
  });
});

describe('spendingMatcher', () => {
  it.each([
    'a{1000}',
    'a{0,1000}',
    '(a?b{2,5}){10,20}',
    'a{900,}',
    '(a?b?){500}',
    '(ab|cd){500}',
    '(a|b|[c-e]|.){300}',
    '((a{10}){10}){10}',
    '(a*b+c?){300}',
    '((a)(b)){300}',
    '(?i)(\\pL?){400}1',
    'x{2}y{3}z{4}',
    '(((((a?)?)?)?)?){200}',
  ])('counts %j as at least the states that it is compiled to, before it is', (pattern) => {
    let spent = 0;
    expect(spendingMatcher(pattern, (operations) => (spent += operations))).toBeDefined();
    // Two more begin and end each expression.
    expect(spent).toBeGreaterThanOrEqual(RE2JS.compile(pattern).programSize() - 2);
    const refuses = (): never => {
      throw new Error('no more');
    };
    expect(() => spendingMatcher(pattern, refuses)).toThrow('no more');
  });
});

describe('matchesSome', () => {
  it.each([
    ['err', true],
    ['.*', true],
    ['^rate$', false],
    ['*', false],
    ['[', false],
    [`a${'b'.repeat(1_000)}`, undefined],
    // To compile this takes a second.
    [`(${'ab'.repeat(240)}){1000}`, undefined],
    ['((a{10}){10}){100}', undefined],
    [`(?i)[${'B-\u{1e942}'.repeat(100)}]`, undefined],
    ['(?i)ERR|É', undefined],
    ['(?i)ERR', true],
    ['[B-\u{1e942}]', true],
  ])('tries %j anywhere in the name', (pattern, expected) => {
    expect(matchesSome(pattern, ['errors', 'error-rate'], () => undefined)).toBe(expected);
  });

  it('counts what it searches, before it does', () => {
    const spent: number[] = [];
    const tries = (pattern: string, length: number): number => {
      matchesSome(pattern, ['a'.repeat(length)], (operations) => spent.push(operations));
      return spent.splice(0).reduce((sum, operations) => sum + operations, 0);
    };
    expect([tries('b', 2_000), tries('b', 2_000_000)]).toEqual([10, 10_000]);
    expect([tries('b?c', 2_000), tries('b?c', 2_000_000)]).toEqual([269, 260_009]);
    expect(tries('(b{9}){9}c', 2_000)).toBe(7_652);
    expect(tries('[0-9]{1,2}c', 2_000)).toBe(752);
    const refuses = (): never => {
      throw new Error('no more');
    };
    expect(() => matchesSome('(a?){30}a{30}', ['a'.repeat(1_000_000)], refuses)).toThrow('no more');
  });
});
