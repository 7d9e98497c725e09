/**
 * Total readers for data of unknown shape. Manifests and AdmissionReviews are written by people and
 * machines that may be wrong about every type, so nothing below ever throws: a value of the wrong
 * type reads as if it were absent, and the schema check says so elsewhere.
 */

/** A JSON object, read only. */
export type JsonObject = Readonly<Record<string, unknown>>;

const EMPTY: JsonObject = Object.freeze({});
const NOTHING: readonly unknown[] = Object.freeze([]);

/** In: anything. Out: whether it is a JSON object (not null, not an array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In: anything. Out: it, if it is a JSON object; else an empty one. */
export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : EMPTY;
}

/** In: anything. Out: it, if it is a JSON object; else undefined. */
export function optionalObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** In: anything. Out: it, if it is an array; else an empty one. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : NOTHING;
}

/** In: anything. Out: it, if it is a string; else the empty string, as Go decodes an absent one. */
export function asString(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** In: anything. Out: it, if it is a non-empty string; else undefined. */
export function optionalString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** In: anything. Out: it, if it is a finite number; else undefined. */
export function optionalNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/**
 * In: the value of a field of 32 bits. Out: the number that the controller reads: the API server stores up to 64 bits,
 * whatever the format in its schema, and of those Go keeps the last 32. Undefined for no number, and for one that
 * JavaScript does not know exactly. Source: `k8s.io/apimachinery` v0.34, `pkg/runtime` (`fromUnstructured`).
 */
export function int32(value: unknown): number | undefined {
  const number = optionalNumber(value);
  if (number === undefined || !Number.isInteger(number)) return number;
  return Number.isSafeInteger(number) ? number | 0 : undefined;
}

/** In: a number as it is written and as the controller reads it. Out: how a person is told it. */
export function renderInt32(written: unknown, read: number): string {
  return written === read ? String(read) : `${String(written)} (${read} in 32 bits)`;
}

/**
 * In: a value of the type IntOrString. Out: whether it is a number that makes the object unreadable to the controller,
 * since this type does not wrap around.
 */
export function isBeyondInt32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value !== (value | 0);
}

/** In: anything. Out: its entries whose values are strings, as a map of labels or annotations is read. */
export function stringMap(value: unknown): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [key, entry] of Object.entries(asObject(value))) {
    if (typeof entry === 'string') map.set(key, entry);
  }
  return map;
}

/** In: an object and the keys to follow. Out: what is there, or undefined; inherited keys do not count. */
export function dig(value: unknown, ...keys: readonly string[]): unknown {
  let current: unknown = value;
  for (const key of keys) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** In: anything, and a number of levels. Out: whether objects and arrays are nested in it more deeply than that. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let layer: unknown[] = [value];
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > levels) return true;
    const next: unknown[] = [];
    for (const entry of layer) {
      if (typeof entry !== 'object' || entry === null) continue;
      for (const inner of Object.values(entry)) if (typeof inner === 'object' && inner !== null) next.push(inner);
    }
    layer = next;
  }
  return false;
}
