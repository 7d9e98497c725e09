import { describe, expect, it } from 'vitest';
import { comparesWholeResult } from './compares-whole-result.ts';

describe('comparesWholeResult', () => {
  it.each([
    'result > 0.95',
    'result>=0.95',
    '0.95 <= result',
    'result == 1',
    'result <= {{args.threshold}}',
    'isNaN(result) || result < 0.05',
    'len(result) > 0 && result != 0',
    "result < asFloat('1')",
    'default(result, 0) < 0.05',
    'default(result[0], 0) < 0.05',
    '5 > default( result, {{args.none}} )',
  ])('finds it in %j', (condition) => {
    expect(comparesWholeResult(condition)).toBe(true);
  });

  it.each([
    'result[0] > 0.95',
    '0.95 <= result[0]',
    'len(result) == 0 || result[0] < 0.05',
    'all(result, # < 0.05)',
    'all(result, {# < 0.05})',
    'default(result, 0) == nil',
    'isNaN(result)',
    'result.rate > 1',
    '1 < result.rate',
    '1 < result?.rate',
    'other.result > 1',
    'result == nil',
    'nil != result',
    'result == []',
    '[] == result',
    "result[0] == 'result > 1'",
    'result[0] == "result > \\" 1"',
    'results > 1',
    'my_result > 1',
    'result in [1, 2]',
    'result &&',
    '> result(',
    '',
  ])('finds nothing in %j', (condition) => {
    expect(comparesWholeResult(condition)).toBe(false);
  });

  it('does not look at what is longer than any condition', () => {
    expect(comparesWholeResult(`result > 1${' '.repeat(2_000)}`)).toBe(false);
  });
});
