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
});
