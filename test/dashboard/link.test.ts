import { describe, expect, it } from 'vitest';
import { fragmentOf, stateIn } from '../../dashboard/src/link.ts';

const TEXTS = { manifests: 'a: "ä"\n', policy: 'mode: audit\n' };

describe('a link', () => {
  it('has the texts and what was chosen', async () => {
    const state = { ...TEXTS, rollout: 'shop/checkout', replicas: 100_000, stage: 0, abortAt: 4 };
    expect(await stateIn(await fragmentOf(state))).toEqual(state);
  });

  it.each([{ replicas: 100_001 }, { abortAt: -1 }, { stage: 1e300 }, { stage: -1 }, { replicas: 0.5 }])(
    'loses counts that the server rejects: %o',
    async (counts) => {
      expect(await stateIn(await fragmentOf({ ...TEXTS, ...counts }))).toEqual(TEXTS);
    },
  );

  it('has texts of the size that the server reads, and no larger ones', async () => {
    const quotes = { ...TEXTS, manifests: '"'.repeat(1024 * 1024) };
    expect(await stateIn(await fragmentOf(quotes))).toEqual(quotes);
    expect(await stateIn(await fragmentOf({ ...TEXTS, manifests: 'a'.repeat(5_000_000) }))).toBeUndefined();
  });

  it.each(['', '#', '#s=', '#s=%%', '#s=AAAA', '#graph'])('that is none is ignored: "%s"', async (fragment) => {
    expect(await stateIn(fragment)).toBeUndefined();
  });
});
