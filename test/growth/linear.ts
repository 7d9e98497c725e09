import { describe, expect, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { countOperations, growthOf } from '../support/operations.ts';
import { BUNDLE, requestsFor } from './evaluate.ts';
import type { Dimension } from './setups.ts';

const FEW = 50;
const TIMES = 4;
// The rest is for sorting, and for what is done once.
const MOST = 5;

/** Defines the tests that the cost of an evaluation grows no faster than each dimension. */
export function testGrowth(dimensions: readonly Dimension[]): void {
  describe.each(dimensions)('the cost of $title', ({ make }) => {
    const ways = [BUNDLE, ...requestsFor(make(2))];
    it.each(ways)('grows no faster than they do $title', ({ prepare }) => {
      // The first run fills what is made once in a process.
      prepare(make(2))();
      const [few, many] = countOperations(prepare(make(FEW)), prepare(make(FEW * TIMES)));
      expect(many.total / few.total, growthOf(few, many).join('\n')).toBeLessThan(MOST);
    });
  });
}
