import { describe, expect, it } from 'vitest';
import { isWhole, parseQuantity } from './quantity.ts';

describe('parseQuantity', () => {
  it.each([
    ['500m', 0.5],
    ['1', 1],
    ['1024Mi', '1Gi'],
    ['1G', '1000M'],
    ['1e3', '1k'],
    ['1E3', '1k'],
    ['1E', '1000P'],
    ['.5', '500m'],
    ['5.', 5],
    ['1.5Gi', '1536Mi'],
    ['1000000n', '1000u'],
    ['+2', '2'],
    ['-0', 0],
    ['-', '0'],
  ])('reads %j as much as %j', (one, other) => {
    expect(parseQuantity(one)).toBeDefined();
    expect(parseQuantity(one)).toBe(parseQuantity(other));
  });

  it.each([
    ['1G', '1Gi'],
    ['999m', '1'],
    ['-1', 0],
    ['1k', '1Ki'],
    ['9999999999999999999', '10000000000000000000'],
  ])('reads %j as less than %j', (less, more) => {
    expect((parseQuantity(less) ?? 0n) < (parseQuantity(more) ?? 0n)).toBe(true);
  });

  it.each(['', '.', 'm', '1 Gi', '512MB', '1KI', '1K', '0.5 cores', 'half', '1e', '1e1.5', '--1', '1'.repeat(65), null, undefined, true, {}, []])('does not read %j', (value) => {
    expect(parseQuantity(value)).toBeUndefined();
  });
});

describe('isWhole', () => {
  it.each([
    ['1', true],
    ['2e3', true],
    ['1500m', false],
    ['0.5', false],
    ['-2', true],
  ])('%j: %j', (text, whole) => {
    expect(isWhole(parseQuantity(text) ?? 0n)).toBe(whole);
  });
});
