/**
 * In: work to do, how much of it at a time, and how to do one piece. Out: what came of each, in order. Rejects with the
 * first failure.
 */
export async function bounded<T, R>(
  items: readonly T[],
  atATime: number,
  each: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await each(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, worker));
  return results;
}
