import { describe, expect, it } from 'vitest';
import { pairwise } from './pairwise.ts';

const FACTORS = {
  c: { x: 0, y: 0, z: 0 },
  a: { x: 0, y: 0 },
  b: { x: 0, y: 0, z: 0, other: 0 },
  d: { x: 0, y: 0 },
};

describe('pairwise', () => {
  it('covers each pair of levels, in far fewer rows than there are combinations', () => {
    const rows = pairwise(FACTORS);
    for (const [one, levels] of Object.entries(FACTORS))
      for (const [other, otherLevels] of Object.entries(FACTORS).filter(([name]) => name !== one))
        for (const level of Object.keys(levels))
          for (const otherLevel of Object.keys(otherLevels))
            expect(rows.some((row) => row[one] === level && row[other] === otherLevel)).toBe(true);
    expect(rows.length).toBeLessThanOrEqual(14);
    for (const row of rows) expect(Object.keys(row)).toEqual(Object.keys(FACTORS));
  });

  it('gives the same rows each time', () => {
    expect(pairwise(FACTORS)).toEqual(pairwise(FACTORS));
  });
});
