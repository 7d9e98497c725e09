import { describe, expect, it } from 'vitest';
import { InFlightLimiter } from './in-flight-limiter.ts';

describe('InFlightLimiter', () => {
  it('gives back what was taken, once', () => {
    const limiter = new InFlightLimiter({ requests: 1, bytes: 10 });
    const [first, second] = [limiter.open(), limiter.open()];
    expect(first.take(8)).toBe(true);
    expect(second.take(3)).toBe(false);
    expect(second.take(2)).toBe(true);
    expect([first.enter(), second.enter(), first.enter()]).toEqual([true, false, false]);
    expect([limiter.requests, limiter.bytes]).toEqual([1, 10]);
    first.leave();
    first.leave();
    expect([limiter.requests, limiter.bytes]).toEqual([0, 2]);
    expect([first.take(1), first.enter()]).toEqual([false, false]);
    expect(second.enter()).toBe(true);
    second.leave();
    expect([limiter.requests, limiter.bytes]).toEqual([0, 0]);
  });
});
