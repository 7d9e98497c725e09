import { describe, expect, it } from 'vitest';
import { FailureBudget } from './failure-budget.ts';

describe('FailureBudget', () => {
  it('is spent after a burst, and grows again with time', () => {
    let time = 0;
    const budget = new FailureBudget({ burst: 3, perSecond: 2, callers: 10 }, () => time);
    for (let count = 0; count < 3; count++) {
      expect(budget.isSpent('a')).toBe(false);
      budget.spend('a');
    }
    expect([budget.isSpent('a'), budget.isSpent('b')]).toEqual([true, false]);
    time = 499;
    expect(budget.isSpent('a')).toBe(true);
    time = 500;
    expect(budget.isSpent('a')).toBe(false);
    budget.spend('a');
    expect(budget.isSpent('a')).toBe(true);
    time = 60_000;
    for (let count = 0; count < 3; count++) {
      expect(budget.isSpent('a')).toBe(false);
      budget.spend('a');
    }
    expect(budget.isSpent('a')).toBe(true);
  });

  it('has no debts: failures of questions that were already under way do not count twice', () => {
    let time = 0;
    const budget = new FailureBudget({ burst: 2, perSecond: 1, callers: 10 }, () => time);
    for (let count = 0; count < 50; count++) budget.spend('a');
    time = 1_000;
    expect(budget.isSpent('a')).toBe(false);
  });

  it('remembers a bounded number of callers', () => {
    const budget = new FailureBudget({ burst: 1, perSecond: 1, callers: 2 }, () => 0);
    for (const caller of ['a', 'b', 'c']) budget.spend(caller);
    expect(['a', 'b', 'c'].map((caller) => budget.isSpent(caller))).toEqual([false, true, true]);
  });
});
