import { describe, expect, it } from 'vitest';
import { contentOf } from './content.ts';

describe('contentOf', () => {
  it('does not depend on the order of keys, and does on that of lists', () => {
    expect(contentOf({ a: 1, b: { c: [1, 2], d: 'x' } })).toBe(contentOf({ b: { d: 'x', c: [1, 2] }, a: 1 }));
    expect(contentOf([1, 2])).not.toBe(contentOf([2, 1]));
    expect(contentOf({ setWeight: 5 })).toBe('{"setWeight":5}');
  });

  it('is short for long things, and still tells them apart', () => {
    const long = 'x'.repeat(10_000);
    expect(contentOf({ a: long }).length).toBeLessThan(100);
    expect(contentOf({ a: long })).not.toBe(contentOf({ a: `${long}y` }));
  });

  it('stands any depth and any value', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 20_000; level++) deep = { a: [deep] };
    expect(typeof contentOf(deep)).toBe('string');
    expect(contentOf(undefined)).toBe('');
    expect(contentOf(null)).toBe('null');
  });
});
