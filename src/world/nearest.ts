const MAX_LENGTH = 253;
const MAX_CANDIDATES = 1_000;
// A suggestion is a courtesy, which must not cost more than the check. Among so many names it would often be wrong too.
const MAX_NAMES = 10_000;

/**
 * Returns the candidate that was probably meant by an unknown name, or undefined. It differs by insertions, deletions,
 * substitutions and swaps of neighbours, at most three and at most a third of the wanted name's length; case does not
 * count. Of several equally near ones it is the first in the alphabet, in whatever order they come. Compares at most a
 * thousand candidates of plausible length, and none longer than a Kubernetes name. Returns undefined for more than ten
 * thousand candidates.
 */
export function nearest(wanted: string, candidates: Iterable<string>): string | undefined {
  if (wanted.length > MAX_LENGTH) return undefined;
  const bound = Math.min(3, Math.floor(wanted.length / 3));
  const from = wanted.toLowerCase();
  const plausible = new Set<string>();
  let names = 0;
  for (const candidate of candidates) {
    if (++names > MAX_NAMES) return undefined;
    if (candidate !== wanted && candidate.length <= MAX_LENGTH && Math.abs(candidate.length - wanted.length) <= bound)
      plausible.add(candidate);
  }
  let best: string | undefined;
  let least = bound + 1;
  for (const candidate of [...plausible].sort().slice(0, MAX_CANDIDATES)) {
    const distance = editDistance(from, candidate.toLowerCase(), least - 1);
    if (distance < least) {
      best = candidate;
      least = distance;
    }
    if (least === 0) break;
  }
  return best;
}

// Optimal string alignment, in a band as wide as the bound: cells farther from the diagonal cost more than the bound. A
// row is an array of only the band, whose middle is the diagonal. Ends with a row that has nothing within the bound.
function editDistance(from: string, to: string, bound: number): number {
  const width = 2 * bound + 1;
  let before: number[] = [];
  let previous = Array.from({ length: width }, (_, cell) => (cell < bound ? Infinity : cell - bound));
  for (let row = 1; row <= from.length; row++) {
    const current: number[] = [];
    let least = Infinity;
    for (let cell = 0; cell < width; cell++) {
      const column = row - bound + cell;
      let cost = column === 0 ? row : Infinity;
      if (column > 0 && column <= to.length) {
        const same = from[row - 1] === to[column - 1];
        cost = Math.min(at(previous, cell + 1) + 1, at(current, cell - 1) + 1, at(previous, cell) + (same ? 0 : 1));
        if (!same && row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1])
          cost = Math.min(cost, at(before, cell) + 1);
      }
      current.push(cost);
      least = Math.min(least, cost);
    }
    if (least > bound) return Infinity;
    before = previous;
    previous = current;
  }
  return at(previous, to.length - from.length + bound);
}

function at(row: readonly number[], cell: number): number {
  return row[cell] ?? Infinity;
}
