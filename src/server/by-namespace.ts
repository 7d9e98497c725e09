/** Something that a namespace caused. */
interface Caused {
  readonly namespace: string;
}

/** Returns the newest entry of the namespace with the most. It loses its own, and no other does. */
export function crowdedOut<T extends Caused>(entries: readonly T[]): T | undefined {
  let largest: readonly T[] = [];
  for (const group of Map.groupBy(entries, ({ namespace }) => namespace).values())
    if (group.length > largest.length) largest = group;
  return largest.at(-1);
}

/** Returns the first entries, with turns by namespace, so that one with many delays no other. */
export function inTurns<T extends Caused>(entries: readonly T[], most: number): T[] {
  const groups = [...Map.groupBy(entries, ({ namespace }) => namespace).values()];
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
