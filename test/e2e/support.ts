/**
 * Runs an action for each item, a limited number at a time. Returns the results in the order of the items, and rejects
 * with the first failure.
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

/** Whether the attacks run in all their sizes; `npm run test:all -- --part attacks` sets this. */
export const ALL_ATTACKS = process.env['ROLLGATE_E2E_ATTACKS'] === 'all';

/** Whether users with the right try every transition too; `npm run test:all -- --part transitions` sets this. */
export const ALL_TRANSITIONS = process.env['ROLLGATE_E2E_TRANSITIONS'] === 'all';
