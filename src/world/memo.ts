/**
 * In: a pure function of an object. Out: the same function, computed once an object and kept as long as the object. Objects of a world are never changed, only
 * replaced, so what was derived from one stays true; most of what a request is judged by was there before it.
 */
export function memo<K extends object, V>(derive: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return (key) => {
    let entry = known.get(key);
    if (entry === undefined) {
      entry = { value: derive(key) };
      known.set(key, entry);
    }
    return entry.value;
  };
}
