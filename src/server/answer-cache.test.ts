import { describe, expect, it } from 'vitest';
import { AnswerCache } from './answer-cache.ts';

function cacheWith(entries = 2): { cache: AnswerCache<string | undefined>; clock: { time: number } } {
  const clock = { time: 0 };
  const cache = new AnswerCache<string | undefined>({
    isRefusal: (answer) => answer === undefined,
    grants: { time: 10, entries },
    refusals: { time: 3, entries },
    now: () => clock.time,
  });
  return { cache, clock };
}

describe('AnswerCache', () => {
  it('forgets refusals sooner than grants', () => {
    const { cache, clock } = cacheWith();
    cache.set('a', 'yes', 0);
    cache.set('b', undefined, 0);
    clock.time = 2;
    expect([cache.get('a')?.answer, cache.get('b')]).toEqual(['yes', { answer: undefined, at: 0 }]);
    clock.time = 3;
    expect([cache.get('a')?.answer, cache.get('b')]).toEqual(['yes', undefined]);
    clock.time = 10;
    expect(cache.get('a')).toBeUndefined();
  });

  it('evicts the oldest of the same sort, never a grant for a refusal', () => {
    const { cache } = cacheWith();
    cache.set('a', 'yes', 0);
    for (const key of ['b', 'c', 'd', 'e']) cache.set(key, undefined, 0);
    expect(['a', 'b', 'c', 'd', 'e'].filter((key) => cache.get(key) !== undefined)).toEqual(['a', 'd', 'e']);
    for (const key of ['f', 'g']) cache.set(key, 'yes', 0);
    expect(['a', 'd', 'e', 'f', 'g'].filter((key) => cache.get(key) !== undefined)).toEqual(['d', 'e', 'f', 'g']);
  });

  it('has only the last answer for a key', () => {
    const { cache, clock } = cacheWith();
    cache.set('a', 'yes', 0);
    cache.set('a', undefined, 1);
    expect(cache.get('a')).toEqual({ answer: undefined, at: 1 });
    clock.time = 5;
    expect(cache.get('a')).toBeUndefined();
    cache.set('a', 'yes', 5);
    expect(cache.get('a')?.answer).toBe('yes');
  });
});
