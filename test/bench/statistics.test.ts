import { describe, expect, it } from 'vitest';
import { mean, measured, median, NotQuietError, quantile, requireQuiet, spread } from './statistics.ts';

describe('the statistics of the bench', () => {
  it('do not depend on the order, and leave the values as they are', () => {
    const values = [5, 1, 4, 2, 3];
    expect([median(values), quantile(values, 0.99), quantile(values, 0), mean(values)]).toEqual([3, 5, 1, 3]);
    expect(values).toEqual([5, 1, 4, 2, 3]);
  });

  it('are no number where nothing was measured', () => {
    expect([median([]), mean([])]).toEqual([Number.NaN, Number.NaN]);
  });

  it('tell how far rounds lie apart', () => {
    expect(measured([40, 44, 38])).toEqual({ median: 40, least: 38, most: 44 });
    expect(spread(measured([40, 44, 38]))).toBeCloseTo(0.15);
  });
});

describe('a machine', () => {
  it('is quiet if the bare server spreads 15 % or less', () => {
    expect(() => requireQuiet(measured([40, 44, 38]))).not.toThrow();
  });

  it('is busy if it spreads more', () => {
    expect(() => requireQuiet(measured([40, 44.1, 38]))).toThrow(NotQuietError);
  });

  it('is not called quiet if nothing was measured', () => {
    expect(() => requireQuiet(measured([]))).toThrow(NotQuietError);
  });
});
