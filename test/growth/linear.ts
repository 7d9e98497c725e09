import { describe, expect, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { BUILT_IN, countOperations, growthOf, type Operations } from '../support/operations.ts';
import { BUNDLE, requestsFor, type Prepare } from './evaluate.ts';
import type { Dimension } from './setups.ts';

interface Sizes {
  readonly few: number;
  readonly many: number;
  /** The most that the many may cost, in those of the few. What is above 4 is for sorting. */
  readonly most: number;
}

// A loop in a loop adds a part of n that is c n: 4.4 of 20 and 5 of 50 allow the same c.
const SMALL: Sizes = { few: 20, many: 80, most: 4.4 };
const LARGE: Sizes = { few: 50, many: 200, most: 5 };

/** Work that is to be counted, by what a failed assertion calls it. */
export type Works = Readonly<Record<string, (n: number) => () => void>>;

/**
 * Asserts that operations grow no faster than what they are about. Large sizes cost most of the time of these tests, so
 * they decide only where small ones do not show it.
 */
export function expectLinear(works: Works): void {
  const unclear = growths(works, SMALL).map(({ title }) => title);
  const large = growths(Object.fromEntries(Object.entries(works).filter(([title]) => unclear.includes(title))), LARGE);
  expect(large.map(({ title, where }) => [title, ...where].join('\n'))).toEqual([]);
}

/** Returns what grows faster than its size, and where. */
function growths(
  works: Works,
  { few, many, most }: Sizes,
): { readonly title: string; readonly where: readonly string[] }[] {
  const titles = Object.keys(works);
  const prepared = Object.values(works).flatMap((prepare) => {
    // The first run fills what is made once in a process.
    prepare(2)();
    return [prepare(few), prepare(many)];
  });
  const counted = countOperations(...prepared);
  return titles.flatMap((title, index) => {
    const [less, more] = counted.slice(index * 2, index * 2 + 2);
    if (less === undefined || more === undefined) throw new Error(`${title} was not counted`);
    const ratio = more.total / less.total;
    const loops = loopsInLoops(less, more, { few, many });
    if (ratio < most && loops.length === 0) return [];
    return [{ title, where: [`${ratio} times`, ...loops, ...growthOf(less, more)] }];
  });
}

/**
 * Returns the functions that run once for each pair. Of a few objects they can be too small a part of the whole for the
 * total to show them; of ten thousand they are nearly all of it.
 */
function loopsInLoops(less: Operations, more: Operations, { few, many }: Pick<Sizes, 'few' | 'many'>): string[] {
  return [...more.functions].flatMap(([name, count]) => {
    // Texts are searched for many characters at a time, and what could be searched too often spends from the budget.
    if (name.startsWith(`${BUILT_IN} String.`)) return [];
    // V8 can miss the executions of a function that it has just compiled again.
    const before = less.functions.get(name) ?? count;
    const isEachPair = count > many ** 2 / 8 && count > (2 * before * many) / few;
    return isEachPair ? [`${before} -> ${count} ${name}: once for each pair`] : [];
  });
}

/** Defines the tests that the cost of an evaluation grows no faster than each dimension. */
export function testGrowth(dimensions: readonly Dimension[]): void {
  describe.each(dimensions)('the cost of $title', ({ make }) => {
    it.each([BUNDLE, ...requestsFor(make(2))])('grows no faster than they do $title', ({ ways }) => {
      const works = Object.entries(ways).map(([title, prepare]) => [title, worksOf(prepare, make)] as const);
      expectLinear(Object.fromEntries(works));
    });
  });
}

function worksOf(prepare: Prepare, make: Dimension['make']): (n: number) => () => void {
  return (n) => prepare(make(n));
}
