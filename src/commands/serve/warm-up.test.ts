import { describe, expect, it } from 'vitest';
import { SAMPLE_EDITS } from './warm-up-sample.ts';
import { warmUp } from './warm-up.ts';

describe('the warm-up', () => {
  it('judges one round of all edits, even without time, and some of each verdict', async () => {
    const { reviews, verdicts } = await warmUp(() => true);
    expect(reviews).toBe(SAMPLE_EDITS.length);
    expect(verdicts).toEqual(['allow', 'allow', 'deny', 'allow', 'warn', 'allow', 'deny', 'allow', 'allow']);
  });

  it('ends where the time is over, and after some rounds', async () => {
    let asked = 0;
    expect((await warmUp(() => ++asked > 2)).reviews).toBe(3 * SAMPLE_EDITS.length);
    const { reviews } = await warmUp(() => false);
    expect(reviews).toBeLessThanOrEqual(50 * SAMPLE_EDITS.length);
  });
});
