import { describe, expect, it } from 'vitest';
import { KINDS } from '../world/object.ts';
import { PRESERVERS } from './index.ts';

describe('the catalogue of keeps', () => {
  it('is sorted by id, each id once and in kebab-case', () => {
    const ids = PRESERVERS.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort());
    for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it('says what each keeps, and in which kinds', () => {
    for (const { summary, kinds } of PRESERVERS) {
      expect(summary).toMatch(/^[A-Z].*\.$/);
      expect(kinds.length).toBeGreaterThan(0);
      for (const kind of kinds) expect(Object.hasOwn(KINDS, kind)).toBe(true);
    }
  });
});
