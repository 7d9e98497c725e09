import { expect, it } from 'vitest';
import { shareOf, type Part } from './shares.ts';

const backend = (part: Part, weight: number) => ({ part, id: part, weight, raw: undefined });

it.each<[string, number, number, number, number[], number]>([
  ['completed to the first total', 20, 40, 40, [100], 100],
  ['completed to a later total, with nothing left for stable', 0, 40, 60, [50, 100], 100],
  ['of which an experiment takes more than is left', 0, 80, 30, [100], 100],
])('the share of weights %s', (_, stable, canary, experiment, [first = 0, ...rest], total) => {
  const backends = [backend('stable', stable), backend('canary', canary), backend('experiment', experiment)];
  expect(shareOf(backends, { totals: [first, ...rest], canaryInAddition: false })).toEqual({ canary, total });
});
