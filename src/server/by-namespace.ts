/** Something that a namespace caused. */
interface Caused {
  readonly namespace: string;
}

/** Something that has waited since it was due, in milliseconds. */
interface Waiting extends Caused {
  readonly due: number;
}

/** Returns the newest entry of the namespace with the most. It loses its own, and no other does. */
export function newestOfLargest<T extends Caused>(entries: readonly T[]): T | undefined {
  let largest: readonly T[] = [];
  for (const group of Map.groupBy(entries, ({ namespace }) => namespace).values())
    if (group.length > largest.length) largest = group;
  return largest.at(-1);
}

/**
 * Returns the entries that have waited longest, with turns by namespace, so that one with many delays no other. The
 * namespace that has waited longest is the first, so that those which had their turn do not have it again before others.
 */
export function inTurns<T extends Waiting>(entries: readonly T[], most: number): T[] {
  const oldestFirst = entries.toSorted((a, b) => a.due - b.due);
  const groups = [...Map.groupBy(oldestFirst, ({ namespace }) => namespace).values()];
  const taken: T[] = [];
  for (let round = 0; taken.length < most; round++) {
    const before = taken.length;
    for (const group of groups) {
      const entry = group[round];
      if (entry !== undefined && taken.length < most) taken.push(entry);
    }
    if (taken.length === before) break;
  }
  return taken;
}
