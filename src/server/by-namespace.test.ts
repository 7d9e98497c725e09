import { expect, it } from 'vitest';
import { inTurns } from './by-namespace.ts';

it('gives a namespace its turn, however many entries ten others have', () => {
  const others = Array.from({ length: 120 }, (_, index) => ({ namespace: `other-${index % 10}`, due: 0 }));
  const victim = { namespace: 'victim', due: 0 };
  const entries = [...others, victim];
  const taken = new Set<unknown>();
  for (let now = 0; now < 120_000; now += 5_000) {
    const due = entries.filter((entry) => entry.due <= now);
    for (const entry of inTurns(due, 10)) {
      taken.add(entry);
      entry.due = now + 60_000;
    }
  }
  expect(taken.has(victim)).toBe(true);
});

it('gives no namespace two turns while another waits', () => {
  const entries = ['a', 'a', 'a', 'b', 'c'].map((namespace, due) => ({ namespace, due }));
  expect(inTurns(entries, 3).map(({ namespace }) => namespace)).toEqual(['a', 'b', 'c']);
});
