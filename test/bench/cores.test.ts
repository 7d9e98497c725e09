import { describe, expect, it } from 'vitest';
import { chooseCores, coresIn } from './cores.ts';
import { NotQuietError } from './statistics.ts';

describe('the cores of a measurement', () => {
  it.each([
    ['0', [0]],
    ['0-1', [0, 1]],
    ['0-2,5,7-8', [0, 1, 2, 5, 7, 8]],
  ])('are read from %s', (list, cores) => {
    expect(coresIn(list)).toEqual(cores);
  });

  it('are two different ones', () => {
    expect(chooseCores([3, 5, 6])).toEqual({ server: 3, client: 5 });
  });

  it('are refused if there is only one', () => {
    expect(() => chooseCores([0])).toThrow(NotQuietError);
  });
});
