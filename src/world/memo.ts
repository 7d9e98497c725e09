// Under this an object carries what was derived from it. Not enumerable: a copy of the object, which may be changed,
// begins with nothing.
const DERIVED = Symbol('derived');

interface Carrier {
  readonly [DERIVED]?: unknown[];
}

// Frozen objects, as tests make them, cannot carry anything.
const ofFrozen = new WeakMap<object, unknown[]>();
let slots = 0;

/**
 * In: a pure function of an object. Out: the same function, computed once an object and kept as long as the object.
 * Objects of a world are never changed, only replaced, so what was derived from one stays true; most of what a request
 * is judged by was there before it. A value of undefined is computed anew each time.
 *
 * The values are kept on the object, since the garbage collector goes through a WeakMap of a whole cluster in one piece
 * while requests wait.
 */
export function memo<K extends object, V>(derive: (key: K) => V): (key: K) => V {
  const slot = slots++;
  return (key) => {
    const values = derivedOf(key);
    const known = values[slot];
    if (known !== undefined) return known as V;
    const value = derive(key);
    values[slot] = value;
    return value;
  };
}

function derivedOf(key: object): unknown[] {
  const carried = (key as Carrier)[DERIVED] ?? ofFrozen.get(key);
  if (carried !== undefined) return carried;
  const values: unknown[] = [];
  if (Object.isExtensible(key)) Object.defineProperty(key, DERIVED, { value: values });
  else ofFrozen.set(key, values);
  return values;
}
