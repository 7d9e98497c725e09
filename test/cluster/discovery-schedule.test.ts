import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DiscoverySchedule } from '../../src/cluster/discovery-schedule.ts';

const TIMING = { discovery: [30, 300], discoveryAfterChange: [1, 10, 40], backoff: [5, 30] } as const;

describe('the schedule of API discovery', () => {
  it('is regular without changes, and more often while nothing watches for them', () => {
    const schedule = new DiscoverySchedule(TIMING);
    expect(schedule.next).toBe(0);
    schedule.started(0);
    schedule.ended(2, 0, true);
    expect(schedule.next).toBe(302);
    schedule.started(302);
    schedule.ended(303, 0, false);
    expect(schedule.next).toBe(333);
  });

  it('is again due after a discovery during which the times of a change passed', () => {
    const schedule = new DiscoverySchedule(TIMING);
    schedule.started(0);
    schedule.ended(0, 0, true);
    schedule.changed(100);
    expect(schedule.next).toBe(101);
    schedule.started(101);
    schedule.ended(200, 0, true);
    expect(schedule.next).toBeLessThanOrEqual(200);
    schedule.started(200);
    schedule.ended(201, 0, true);
    expect(schedule.next).toBe(501);
    expect(schedule.changeIsDue).toBe(false);
  });

  it('backs off after failures, up to a limit', () => {
    const schedule = new DiscoverySchedule(TIMING);
    schedule.started(0);
    schedule.ended(0, 1, true);
    expect(schedule.next).toBeGreaterThanOrEqual(2.5);
    expect(schedule.next).toBeLessThanOrEqual(5);
    schedule.ended(0, 100, true);
    expect(schedule.next).toBeLessThanOrEqual(30);
  });

  // However long discoveries take: after the last change one of them starts no earlier than its last time, and no
  // later than that time or the end of the discovery under way.
  it('asks once more after the last time of the last change', () => {
    const steps = fc.array(fc.record({ wait: fc.nat(60), takes: fc.nat(120), change: fc.boolean() }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const schedule = new DiscoverySchedule(TIMING);
        let now = 0;
        let lastChange = -Infinity;
        const startsAfter: number[] = [];
        const discover = (takes: number, changesAt: number | undefined): void => {
          now = Math.max(now, schedule.next);
          schedule.started(now);
          startsAfter.push(now);
          if (changesAt !== undefined) {
            lastChange = now + Math.min(changesAt, takes);
            schedule.changed(lastChange);
          }
          now += takes;
          schedule.ended(now, 0, true);
        };
        for (const { wait, takes, change } of list) discover(takes, change ? wait : undefined);
        const from = startsAfter.length;
        const quiet = now;
        for (let i = 0; i < 5; i++) discover(0, undefined);
        if (lastChange === -Infinity) return;
        const last = lastChange + 40;
        expect(startsAfter.some((start) => start >= last)).toBe(true);
        // Already asked, or asked as soon as both the time and the end of the discovery under way have come.
        const answered = startsAfter.find((start) => start >= last);
        if (startsAfter.slice(0, from).every((start) => start < last)) expect(answered).toBe(Math.max(last, quiet));
      }),
      { numRuns: 2_000 },
    );
  });
});
