import { describe, expect, it } from 'vitest';
import { listed, quoted } from './wording.ts';

describe('listed', () => {
  it('writes equal ones once, and says so where there are none', () => {
    expect(listed(['a', 'b', 'a'], quoted)).toBe('"a", "b"');
    expect(listed([], quoted)).toBe('none');
    expect(listed([], quoted, 'nothing')).toBe('nothing');
  });

  it('stops after six, and only then says that there are more', () => {
    expect(listed(['a', 'b', 'c', 'd', 'e', 'f', 'a'], quoted)).toBe('"a", "b", "c", "d", "e", "f"');
    const told: string[] = [];
    const text = listed('abcdefghij', (letter) => {
      told.push(letter);
      return letter;
    });
    expect(text).toBe('a, b, c, d, e, f and more');
    expect(told.join('')).toBe('abcdefg');
  });
});
