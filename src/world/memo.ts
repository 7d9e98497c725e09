// One table for all that is derived from an object: every table that new objects enter and leave costs the garbage collector.
const derived = new WeakMap<object, unknown[]>();
let slots = 0;

/**
 * In: a pure function of an object. Out: the same function, computed once an object and kept as long as the object. Objects of a world are never changed, only
 * replaced, so what was derived from one stays true; most of what a request is judged by was there before it. A value of undefined is computed anew each time.
 */
export function memo<K extends object, V>(derive: (key: K) => V): (key: K) => V {
  const slot = slots++;
  return (key) => {
    let values = derived.get(key);
    if (values === undefined) {
      values = [];
      derived.set(key, values);
    }
    const known = values[slot];
    if (known !== undefined) return known as V;
    const value = derive(key);
    values[slot] = value;
    return value;
  };
}
