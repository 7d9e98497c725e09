import { describe, expect, it } from 'vitest';
import { meets, renderRequirement, requirementsOf } from './selector.ts';

const requirement = (operator: string, ...values: string[]): Parameters<typeof meets>[0] => ({
  key: 'tier',
  operator,
  values,
  path: [],
});

describe('meets', () => {
  const labels = new Map([['tier', 'web']]);
  it.each([
    [requirement('In', 'web', 'api'), true, false],
    [requirement('In', 'api'), false, false],
    [requirement('NotIn', 'web'), false, true],
    [requirement('NotIn', 'api'), true, true],
    [requirement('Exists'), true, false],
    [requirement('DoesNotExist'), false, true],
    [requirement('Equals', 'web'), false, false],
  ])('%j with the label: %j, without: %j', (wanted, present, absent) => {
    expect(meets(wanted, labels)).toBe(present);
    expect(meets(wanted, new Map())).toBe(absent);
  });
});

describe('requirementsOf', () => {
  it('reads both forms, and tells where each stands', () => {
    const selector = {
      matchLabels: { app: 'shop', bad: 1 },
      matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['web'] }, 'nonsense'],
    };
    expect(requirementsOf(selector).map((one) => [renderRequirement(one), one.path])).toEqual([
      ['app=shop', ['matchLabels', 'app']],
      ['tier notin (web)', ['matchExpressions', 0]],
      ['', ['matchExpressions', 1]],
    ]);
  });
});
