import { describe, expect, it } from 'vitest';
import { Schedule } from './schedule.ts';

describe('requests at a fixed rate', () => {
  it('are due at equal distances, the first one at once', () => {
    const schedule = new Schedule(50, 0.1);
    expect(schedule.total).toBe(5);
    expect(schedule.take(0)).toEqual([0]);
    expect(schedule.untilNext(5)).toBe(15);
    expect(schedule.take(19)).toEqual([]);
    expect(schedule.take(20)).toEqual([0]);
  });

  it('are due while a server stalls: all at once when it is looked at again, each as late as it is', () => {
    const schedule = new Schedule(1_000, 1);
    expect(schedule.take(3.5)).toEqual([3.5, 2.5, 1.5, 0.5]);
    expect(schedule.untilNext(3.5)).toBe(0.5);
  });

  it('end', () => {
    const schedule = new Schedule(50, 0.1);
    expect(schedule.take(10_000)).toHaveLength(5);
    expect(schedule.take(20_000)).toEqual([]);
    expect(schedule.untilNext(20_000)).toBeUndefined();
  });
});
