import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';

describe('nearest', () => {
  it.each([
    ['a letter too few', 'reviews-canry', 'reviews-canary'],
    ['a letter too many', 'reviewss', 'reviews'],
    ['neighbours swapped', 'reveiws', 'reviews'],
    ['another case and a dash', 'successRate', 'success-rate'],
    ['three slips in a long name', 'rewievs-canry', 'reviews-canary'],
    ['one slip in three letters', 'web', 'wbe'],
  ])('offers what is near: %s', (_, wanted, candidate) => {
    expect(nearest(wanted, ['unrelated', candidate])).toBe(candidate);
  });

  it.each([
    ['another word', 'reviews-canary', 'reviews-stable'],
    ['a suffix of more than a third', 'reviews', 'reviews-v2'],
    ['one slip in two letters', 'db', 'dc'],
    ['four slips in a long name', 'rewievs-cnry', 'reviews-canary'],
  ])('offers nothing farther: %s', (_, wanted, candidate) => {
    expect(nearest(wanted, ['unrelated', candidate])).toBeUndefined();
  });

  it('prefers the nearer, then the alphabet, in any order of the candidates', () => {
    expect(nearest('latency', ['latencies', 'latenc'])).toBe('latenc');
    expect(nearest('latency', ['latencx', 'latenca'])).toBe('latenca');
    expect(nearest('latency', ['latenca', 'latencx'])).toBe('latenca');
  });

  it('never offers the very name that was asked for, and nothing among nothing', () => {
    expect(nearest('reviews', ['reviews'])).toBeUndefined();
    expect(nearest('reviews', [])).toBeUndefined();
    expect(nearest('', ['a', ''])).toBeUndefined();
  });

  it('does not measure what is longer than any name', () => {
    expect(nearest('x'.repeat(254), ['x'.repeat(253)])).toBeUndefined();
  });

  it('gives up on more names than a person has, without looking at all of them', () => {
    let looked = 0;
    function* endless(): Generator<string> {
      for (;;) yield `name-${++looked}`;
    }
    expect(nearest('name-12', endless())).toBeUndefined();
    expect(looked).toBe(10_001);
  });

  it('measures as the plain algorithm does', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-'), minLength: 1, maxLength: 14 });
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 5 }), (wanted, candidates) => {
        const bound = Math.min(3, Math.floor(wanted.length / 3));
        const [best] = [...new Set(candidates)]
          .filter((candidate) => candidate !== wanted)
          .map((candidate) => ({ candidate, distance: plainDistance(wanted, candidate) }))
          .filter(({ distance }) => distance <= bound)
          .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1));
        expect(nearest(wanted, candidates)).toBe(best?.candidate);
      }),
    );
  });
});

function plainDistance(from: string, to: string): number {
  const table = [...from, ''].map(() => [...to, ''].map(() => 0));
  const cell = (row: number, column: number): number => table[row]?.[column] ?? Infinity;
  for (let row = 0; row <= from.length; row++) {
    for (let column = 0; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const line = table[row] ?? [];
      line[column] =
        row === 0 || column === 0
          ? row + column
          : Math.min(
              cell(row - 1, column) + 1,
              cell(row, column - 1) + 1,
              cell(row - 1, column - 1) + (same ? 0 : 1),
              swapped ? cell(row - 2, column - 2) + 1 : Infinity,
            );
    }
  }
  return cell(from.length, to.length);
}
