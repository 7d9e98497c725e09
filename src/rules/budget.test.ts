import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../world/object.ts';
import { MOST_REFERENCES } from '../world/reference-list.ts';
import { rollout, times } from '../../test/growth/objects.ts';
import { Budget, BudgetSpentError, type BudgetLimits } from './budget.ts';

function limited(limits: Partial<BudgetLimits>): Budget {
  return new Budget({
    operations: Infinity,
    operationsOfCheck: Infinity,
    values: Infinity,
    subjects: Infinity,
    expired: () => false,
    ...limits,
  });
}

describe('a budget', () => {
  it('without limits is never spent', () => {
    const budget = new Budget();
    budget.beginCheck();
    budget.spend(1_000_000_000);
    expect(budget.endCheck()).toBeUndefined();
    expect(budget.whyNoMore).toBeUndefined();
  });

  it('says which objects are too large: by their values, and by what they refer to', () => {
    const stableIngresses = (n: number): KubeObject =>
      rollout('app', { canary: { trafficRouting: { nginx: { stableIngresses: times(n, (i) => `i-${i}`) } } } });
    // Each stands for the Ingress of the canary too. The Services and the selector of the Rollout are references as well.
    expect(limited({ values: 100_000 }).whyTooLarge(stableIngresses(MOST_REFERENCES / 2 - 2))).toBeUndefined();
    expect(limited({ values: 100_000 }).whyTooLarge(stableIngresses(MOST_REFERENCES / 2))).toBe(
      'an object refers to more than 20000 others',
    );
    expect(limited({ values: 100 }).whyTooLarge(stableIngresses(100))).toBe('an object has more than 100 values');
    expect(new Budget().whyTooLarge(stableIngresses(MOST_REFERENCES))).toBeUndefined();
  });

  it('counts a name that is read in two ways as two references', () => {
    const virtualServices = times(MOST_REFERENCES / 2 + 1, (i) => ({ name: `a-${i}.b-${i}.c` }));
    const object = rollout('app', { canary: { trafficRouting: { istio: { virtualServices } } } });
    expect(limited({ values: 100_000 }).whyTooLarge(object)).toBe('an object refers to more than 20000 others');
  });

  it('ends the check that needs too many operations, and no other', () => {
    const budget = limited({ operationsOfCheck: 10 });
    budget.beginCheck();
    budget.spend(10);
    expect(() => budget.spend(1)).toThrow(BudgetSpentError);
    expect(budget.endCheck()).toBe('one check needs too many operations');
    budget.beginCheck();
    budget.spend(10);
    expect(budget.endCheck()).toBeUndefined();
    expect(budget.whyNoMore).toBeUndefined();
  });

  it('does not count what it refuses', () => {
    const budget = limited({ operations: 100, operationsOfCheck: 10 });
    budget.beginCheck();
    expect(() => budget.spend(1_000_000)).toThrow(BudgetSpentError);
    expect(budget.endCheck()).toBe('one check needs too many operations');
    expect(budget.spent).toBeLessThan(20);
    expect(budget.whyNoMore).toBeUndefined();
  });

  it('ends everything when all operations are used up', () => {
    const budget = limited({ operations: 10 });
    budget.beginCheck();
    expect(() => budget.spend(10)).toThrow(BudgetSpentError);
    expect(budget.endCheck()).toBe('the checks need too many operations');
    budget.beginCheck();
    expect(() => budget.spend(1)).toThrow(BudgetSpentError);
    expect(budget.endCheck()).toBe('the checks need too many operations');
  });

  it('remembers that a check did not finish even if the rule went on', () => {
    const budget = limited({ operationsOfCheck: 1 });
    budget.beginCheck();
    for (let attempt = 0; attempt < 3; attempt++) expect(() => budget.spend(2)).toThrow(BudgetSpentError);
    expect(budget.endCheck()).toBe('one check needs too many operations');
  });

  it('looks at the clock while operations are counted, but not for each of them', () => {
    let readings = 0;
    const budget = limited({ expired: () => ++readings > 3 });
    budget.beginCheck();
    let operations = 0;
    expect(() => {
      for (;;) {
        budget.spend(1);
        operations++;
      }
    }).toThrow(BudgetSpentError);
    expect(budget.endCheck()).toBe('no time was left');
    expect(readings).toBe(4);
    expect(operations).toBeGreaterThan(readings * 10);
    expect(operations).toBeLessThan(readings * 100);
  });
});
