import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CacheLimit, type CacheEntry } from '../../src/cluster/cache-limit.ts';

class Entry implements CacheEntry {
  readonly namespace: string;
  readonly loses: CacheEntry['loses'];
  bytes: number;
  isDropped = false;

  constructor(namespace: string, bytes: number, loses: CacheEntry['loses'] = 'first') {
    this.namespace = namespace;
    this.bytes = bytes;
    this.loses = loses;
  }

  drop(): void {
    this.isDropped = true;
    this.bytes = 1;
  }
}

function added(limit: CacheLimit, ...entries: Entry[]): Entry[] {
  for (const entry of entries) limit.add(entry);
  return entries;
}

const droppedOf = (entries: readonly Entry[]): boolean[] => entries.map(({ isDropped }) => isDropped);

describe('the limit of the cache', () => {
  it('drops the largest objects of the namespace that uses the most, and nothing of the others', () => {
    const limit = new CacheLimit(1_000);
    const others = added(limit, new Entry('a', 300), new Entry('b', 50), new Entry('', 100));
    const own = added(limit, new Entry('greedy', 90), new Entry('greedy', 200), new Entry('greedy', 100));
    expect(droppedOf(own)).toEqual([false, false, false]);
    const more = added(limit, new Entry('greedy', 210));
    expect(droppedOf([...others, ...own, ...more])).toEqual([false, false, false, false, false, false, true]);
    expect(limit.bytes).toBe(841);
  });

  it('drops Rollouts and controllers last, and only then cluster-scoped objects', () => {
    const limit = new CacheLimit(1_000);
    const [rollout, service, name] = added(
      limit,
      new Entry('a', 500, 'last'),
      new Entry('a', 300),
      new Entry('a', 150, 'never'),
    );
    const [namespaces] = added(limit, new Entry('', 250));
    expect(droppedOf([rollout, service, name, namespaces].filter((entry) => entry !== undefined))).toEqual([
      false,
      true,
      false,
      false,
    ]);
    added(limit, new Entry('', 300));
    expect(rollout?.isDropped).toBe(true);
    expect(namespaces?.isDropped).toBe(false);
    added(limit, new Entry('', 600));
    expect(limit.bytes).toBeLessThan(1_000);
  });

  it('notices room once enough is gone, for what was dropped only', () => {
    const limit = new CacheLimit(1_000);
    const [large, small] = added(limit, new Entry('a', 700), new Entry('a', 200));
    expect(limit.hasRoom).toBe(false);
    added(limit, new Entry('b', 150));
    expect([large?.isDropped, small?.isDropped]).toEqual([true, false]);
    expect(limit.hasRoom).toBe(true);
    limit.readAgain();
    expect(limit.hasRoom).toBe(false);
  });

  it('is kept for any entries; whoever uses less than an equal share loses nothing', () => {
    const entry = fc.record({
      namespace: fc.constantFrom('a', 'b', 'c', 'd'),
      bytes: fc.integer({ min: 1, max: 400 }),
      loses: fc.constantFrom('first' as const, 'last' as const),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), (wanted) => {
        const limit = new CacheLimit(1_000);
        const entries: Entry[] = [];
        const most = new Map<string, number>();
        for (const { namespace, bytes, loses, remove } of wanted) {
          const first = entries[0];
          if (remove && first !== undefined) {
            entries.shift();
            limit.remove(first);
            limit.remove(first);
          }
          const next = new Entry(namespace, bytes, loses);
          entries.push(next);
          most.set(namespace, (most.get(namespace) ?? 0) + bytes);
          limit.add(next);
          expect(limit.bytes).toBeLessThanOrEqual(1_000);
          expect(limit.bytes).toBe(entries.reduce((sum, each) => sum + each.bytes, 0));
        }
        for (const [namespace, bytes] of most)
          if (bytes <= 950 / 4)
            expect(entries.filter((each) => each.namespace === namespace && each.isDropped)).toEqual([]);
      }),
    );
  });
});
