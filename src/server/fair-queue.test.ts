import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

function queueOf(...items: readonly string[]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const item of items) queue.push(pathOf(item), item);
  return queue;
}

// "a/x/1" is item 1 of user x at address a.
function pathOf(item: string): readonly string[] {
  return item.split('/').slice(0, -1);
}

function drain(queue: FairQueue<string>): readonly string[] {
  const items: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
}

describe('FairQueue', () => {
  it('lets addresses take turns, and the users of each', () => {
    const queue = queueOf('a/x/1', 'a/x/2', 'a/y/3', 'a/x/4', 'b/z/5', 'b/z/6');
    expect(drain(queue)).toEqual(['a/x/1', 'b/z/5', 'a/y/3', 'b/z/6', 'a/x/2', 'a/x/4']);
    expect(queue.size).toBe(0);
  });

  it('passes over those who may not have a turn', () => {
    const queue = queueOf('a/x/1', 'b/y/2');
    expect(queue.shift((name) => name !== 'a')).toBe('b/y/2');
    expect(queue.shift((name) => name !== 'a')).toBeUndefined();
    expect(queue.shift()).toBe('a/x/1');
  });

  it('gives up the newest item of those who have the most', () => {
    const queue = queueOf('a/x/1', 'a/y/2', 'a/y/3', 'b/z/4', 'b/z/5');
    expect(queue.newestOfLargest()).toBe('a/y/3');
    queue.delete(['a', 'y'], 'a/y/3');
    expect(queue.newestOfLargest()).toBe('b/z/5');
    queue.delete(['b', 'z'], 'b/z/5');
    expect(queue.newestOfLargest()).toBe('a/y/2');
    expect(drain(queue)).toEqual(['a/x/1', 'b/z/4', 'a/y/2']);
  });

  it('loses and repeats nothing, and nobody waits for more than one turn of each other', () => {
    const item = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y'), fc.nat(99)).map((parts) => {
      return parts.join('/');
    });
    fc.assert(
      fc.property(fc.uniqueArray(item, { maxLength: 60 }), (items) => {
        const drained = drain(queueOf(...items));
        expect([...drained].sort()).toEqual([...items].sort());
        const addresses = drained.map((each) => each.split('/')[0]);
        for (const [index, address] of addresses.entries()) {
          const next = addresses.indexOf(address, index + 1);
          if (next < 0) continue;
          const between = addresses.slice(index + 1, next);
          expect(new Set(between).size).toBe(between.length);
        }
      }),
    );
  });
});
