/** What can vary, and its levels by name. */
export type Factors<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

/** One level of each factor, by its name. */
export type Row = Readonly<Record<string, string>>;

type Level = readonly [factor: string, level: string];

/**
 * Returns rows such that each pair of levels of two factors is in at least one of them. Greedy and deterministic: a row
 * begins with the first pair that is left, and each further factor takes the level that covers the most of the rest.
 */
export function pairwise(factors: Factors<unknown>): readonly Row[] {
  const levels = Object.entries(factors).map(([factor, of]) => Object.keys(of).map((level): Level => [factor, level]));
  const left = new Set(
    levels.flatMap((some, index) =>
      levels.slice(index + 1).flatMap((others) => some.flatMap((one) => others.map((other) => pair(one, other)))),
    ),
  );
  const rows: Row[] = [];
  for (const first of left) {
    const chosen = JSON.parse(first) as Level[];
    for (const candidates of levels) {
      if (chosen.some(([factor]) => factor === candidates[0]?.[0])) continue;
      const gain = (candidate: Level): number => chosen.filter((other) => left.has(pair(candidate, other))).length;
      chosen.push(candidates.reduce((best, candidate) => (gain(candidate) > gain(best) ? candidate : best)));
    }
    for (const one of chosen) for (const other of chosen) left.delete(pair(one, other));
    rows.push(
      Object.fromEntries(levels.map(([level]) => chosen.find(([factor]) => factor === level?.[0]) ?? [])) as Row,
    );
  }
  return rows;
}

function pair(one: Level, other: Level): string {
  return JSON.stringify([one, other].sort(([a], [b]) => (a < b ? -1 : 1)));
}
