// The key under which an object stores the values derived from it. Not enumerable, so a copy of the object, which may
// be changed, starts without them.
const DERIVED = Symbol('derived');

interface Carrier {
  readonly [DERIVED]?: unknown[];
}

// Frozen objects, as tests create them, cannot store anything.
const valuesOfFrozen = new WeakMap<object, unknown[]>();
let slots = 0;

/**
 * Returns a function that computes its value once per object and caches it as long as the object exists. Objects of a
 * world are never changed, only replaced, so derived values stay correct; most objects that a request involves exist
 * before it. A value of undefined is computed each time.
 *
 * The values are stored on the object itself, because the garbage collector processes a WeakMap of a whole cluster in
 * one piece while requests wait.
 * @param derive - A pure function.
 */
export function memo<K extends object, V>(derive: (key: K) => V): (key: K) => V {
  const slot = slots++;
  return (key) => {
    const values = derivedOf(key);
    const cached = values[slot];
    if (cached !== undefined) return cached as V;
    const value = derive(key);
    values[slot] = value;
    return value;
  };
}

/** Counts operations, before they are done. */
export interface Counting {
  /** Throws if no more may be done. */
  readonly spend: (operations: number) => void;
}

/**
 * Does the same as `memo` for what takes long to derive from a large object. The first who asks counts the operations,
 * before they are done; what is there already costs nothing, because many Rollouts may share an object.
 * @param costOf - Returns the operations that it takes to derive the value.
 * @returns A function of the object and of what counts; nothing counts for work that is not a check.
 */
export function countedMemo<K extends object, V>(
  derive: (key: K) => V,
  costOf: (key: K) => number,
): (key: K, counting?: Counting) => V {
  const slot = slots++;
  return (key, counting) => {
    const values = derivedOf(key);
    const cached = values[slot];
    if (cached !== undefined) return cached as V;
    counting?.spend(costOf(key));
    const value = derive(key);
    values[slot] = value;
    return value;
  };
}

function derivedOf(key: object): unknown[] {
  const existing = (key as Carrier)[DERIVED] ?? valuesOfFrozen.get(key);
  if (existing !== undefined) return existing;
  const values: unknown[] = [];
  if (Object.isExtensible(key)) Object.defineProperty(key, DERIVED, { value: values });
  else valuesOfFrozen.set(key, values);
  return values;
}
