import { describe, expect, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { countOperations, growthOf } from '../support/operations.ts';
import { valuesIn } from '../../src/world/values.ts';
import { nested } from './setups.ts';
import { times } from './objects.ts';

const LIMIT = 1_000;
const MANY = 4_000;

const VALUES: Readonly<Record<string, (n: number) => unknown>> = {
  'items of a list': (n) => times(n, (i) => i),
  'mappings in a list': (n) => times(n, () => ({})),
  'long texts in a list': (n) => times(n, () => 'x'.repeat(8_000)),
  'lists in each other, several times': (n) => times(Math.ceil(n / 100), () => nested(100)),
  'keys of a mapping': (n) => Object.fromEntries(times(n, (i) => [`k${i}`, i])),
};

describe.each(Object.entries(VALUES))('the cost of counting %s', (_, make) => {
  it('ends at the limit', () => {
    const count = (n: number): (() => void) => {
      const value = make(n);
      return () => void valuesIn(value, LIMIT);
    };
    const [few, many] = countOperations(count(MANY), count(4 * MANY));
    // V8 lists the keys of a mapping in one go.
    const functions = [...many.functions].filter(([name]) => !name.includes('Object.keys'));
    const of = (name: string): number => few.functions.get(name) ?? 0;
    expect(functions.every(([name, executed]) => executed <= 1.2 * of(name)) ? [] : growthOf(few, many)).toEqual([]);
  });
});
