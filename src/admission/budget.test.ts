import { describe, expect, it } from 'vitest';
import type { Work } from '../rules/engine.ts';
import { inSlices } from './budget.ts';

function* steps(count: number, step: () => void): Work<string> {
  for (let done = 0; done < count; done++) {
    step();
    yield;
  }
  return 'all done';
}

describe('work in slices', () => {
  it('gives others their turn after 5 ms of work, not of waiting', async () => {
    let clock = 1_000;
    const turns: number[] = [];
    const pause = (): Promise<void> => {
      turns.push(clock);
      clock += 100;
      return Promise.resolve();
    };
    const work = steps(13, () => clock++);
    await expect(inSlices(work, {}, { pause, now: () => clock })).resolves.toBe('all done');
    expect(turns).toEqual([1_005, 1_110]);
  });

  it('gives others their turn after a step that takes longer', async () => {
    let clock = 0;
    let turns = 0;
    const pause = (): Promise<void> => Promise.resolve(void turns++);
    await inSlices(
      steps(3, () => (clock += 40)),
      {},
      { pause, now: () => clock },
    );
    expect(turns).toBe(3);
  });

  it('gives others their turn when the clock is set back', async () => {
    let clock = 1_000_000;
    let turns = 0;
    const pause = (): Promise<void> => Promise.resolve(void turns++);
    await inSlices(
      steps(2, () => (clock -= 1_000)),
      {},
      { pause, now: () => clock },
    );
    expect(turns).toBe(2);
  });

  it('ends when nobody waits for the answer any more', async () => {
    const ended = new AbortController();
    let done = 0;
    const work = steps(10, () => {
      if (++done === 4) ended.abort(new Error('the client has gone'));
    });
    const parts = { pause: () => Promise.resolve(), now: () => 0 };
    await expect(inSlices(work, { signal: ended.signal }, parts)).rejects.toThrow('the client has gone');
    expect(done).toBe(4);
  });
});
