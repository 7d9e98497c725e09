const MAX_LENGTH = 253;
const MAX_CANDIDATES = 1_000;

/**
 * Returns the candidate that was probably meant by an unknown name, or undefined. It differs by insertions, deletions,
 * substitutions and swaps of neighbours, at most three and at most a third of the wanted name's length; case does not
 * count. Of several equally near ones it is the first in the alphabet, in whatever order they come. Considers at most a
 * thousand candidates of plausible length, and none longer than a Kubernetes name.
 */
export function nearest(wanted: string, candidates: Iterable<string>): string | undefined {
  if (wanted.length > MAX_LENGTH) return undefined;
  const bound = Math.min(3, Math.floor(wanted.length / 3));
  const from = wanted.toLowerCase();
  const plausible = new Set<string>();
  for (const candidate of candidates) {
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
  }
  return best;
}

// Optimal string alignment, in a band as wide as the bound: cells farther from the diagonal cost more than the bound.
function editDistance(from: string, to: string, bound: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = new Array<number>(to.length + 1).fill(Number.POSITIVE_INFINITY);
    current[0] = row;
    for (let column = Math.max(1, row - bound); column <= Math.min(to.length, row + bound); column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      );
      if (!same && row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        cost = Math.min(cost, at(before, column - 2) + 1);
      }
      current[column] = cost;
    }
    before = previous;
    previous = current;
  }
  return at(previous, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
