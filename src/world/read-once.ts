/**
 * Returns a function that goes through an iterator from its beginning, for any number of callers. Each value is read
 * once, and only when one of them asks for it.
 */
export function readOnce<T extends object>(
  iterator: Iterator<T, void, undefined>,
): () => Generator<T, void, undefined> {
  const known: T[] = [];
  return function* () {
    for (let index = 0; ; index++) {
      let value = known[index];
      if (value === undefined) {
        const next = iterator.next();
        if (next.done === true) return;
        value = next.value;
        known.push(value);
      }
      yield value;
    }
  };
}
