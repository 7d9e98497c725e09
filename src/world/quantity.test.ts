import { describe, expect, it } from 'vitest';
import { isQuantity, isWhole, parseQuantity, roundUp } from './quantity.ts';

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
    ['.', '0'],
    ['m', '0'],
    ['.Ki', '0'],
    [' 512Mi', '512Mi'],
    ['1Gi ', '1Gi'],
    ['\u00a01\u3000', '1'],
    ['1e0005', '1e5'],
    ['9Ei', '8Ei'],
    ['-9Ei', '-8Ei'],
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
    ['9Ei', '10E'],
    ['1e20', '1e30'],
  ])('reads %j as less than %j', (less, more) => {
    expect((parseQuantity(less) ?? 0n) < (parseQuantity(more) ?? 0n)).toBe(true);
  });

  it.each([
    '',
    ' ',
    '\t1',
    '1\n',
    '1 Gi',
    '512MB',
    '1KI',
    '1K',
    '0.5 cores',
    'half',
    '1e',
    '1e1.5',
    '--1',
    '1.2.3',
    '1e2Ki',
    '\ufeff1',
    null,
    undefined,
    true,
    {},
    [],
  ])('does not read %j', (value) => {
    expect(isQuantity(value)).toBe(false);
    expect(parseQuantity(value)).toBeUndefined();
  });

  it.each(['1'.repeat(65), '1e1000', '1e-40', '-1e65', 1e-40])(
    'does not compare %j, which Kubernetes reads',
    (value) => {
      expect(isQuantity(value)).toBe(true);
      expect(parseQuantity(value)).toBeUndefined();
    },
  );
});

describe('roundUp', () => {
  it.each([
    ['100u', '1m'],
    ['1.0005', '1001m'],
    ['1', '1'],
    ['-1n', '-1m'],
    ['0', '0'],
    ['1e-9', '1m'],
  ])('%j: %j', (text, rounded) => {
    expect(roundUp(parseQuantity(text) ?? 7n)).toBe(parseQuantity(rounded));
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
