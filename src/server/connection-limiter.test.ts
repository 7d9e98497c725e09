import { describe, expect, it } from 'vitest';
import { ConnectionLimiter, type LimitedConnection } from './connection-limiter.ts';

const closed: string[] = [];

function connection(name: string): LimitedConnection {
  return { address: name.slice(0, 1), close: () => void closed.push(name) };
}

/** Adds connections to a limiter. The first letter of a name is the address. */
function added(limiter: ConnectionLimiter, ...names: string[]): LimitedConnection[] {
  closed.length = 0;
  return names.map((name) => {
    const made = connection(name);
    limiter.add(made);
    return made;
  });
}

describe('ConnectionLimiter', () => {
  it('closes the one that is idle for the longest time, of the client with the most', () => {
    const limiter = new ConnectionLimiter(4);
    const [a1, , a3] = added(limiter, 'a1', 'a2', 'a3', 'b1');
    expect(closed).toEqual([]);
    limiter.setBusy(a1 as LimitedConnection);
    limiter.setIdle(a1 as LimitedConnection);
    added(limiter, 'b2');
    expect(closed).toEqual(['a2']);
    limiter.setBusy(a3 as LimitedConnection);
    added(limiter, 'b3');
    // Of `a` one is busy and one idle.
    expect(closed).toEqual(['b1']);
    expect([limiter.open, limiter.closed]).toEqual([4, 2]);
  });

  it('never closes a busy one, and accepts no further one while all are', () => {
    const limiter = new ConnectionLimiter(2);
    const [a1, b1] = added(limiter, 'a1', 'b1') as [LimitedConnection, LimitedConnection];
    limiter.setBusy(a1);
    limiter.setBusy(b1);
    added(limiter, 'c1');
    expect(closed).toEqual(['c1']);
    limiter.setIdle(a1);
    added(limiter, 'c2');
    expect(closed).toEqual(['a1']);
  });

  it('forgets what was closed', () => {
    const limiter = new ConnectionLimiter(2);
    const [a1] = added(limiter, 'a1', 'b1') as [LimitedConnection];
    limiter.remove(a1);
    limiter.setIdle(a1);
    limiter.remove(a1);
    added(limiter, 'c1');
    expect([closed, limiter.open]).toEqual([[], 2]);
    added(limiter, 'd1');
    expect(closed).toEqual(['b1']);
  });
});
