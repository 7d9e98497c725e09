/**
 * Readers for data of unknown shape. Manifests and AdmissionReviews may have the wrong type anywhere, so nothing below
 * ever throws: a value of the wrong type reads as absent, and the schema check reports it elsewhere.
 */

/** A JSON object, read only. */
export type JsonObject = Readonly<Record<string, unknown>>;

const EMPTY: JsonObject = Object.freeze({});
const NOTHING: readonly unknown[] = Object.freeze([]);

/** Reports whether a value is a JSON object (not null, not an array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the value if it is a JSON object, otherwise an empty one. */
export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : EMPTY;
}

/** Returns the value if it is a JSON object, otherwise undefined. */
export function optionalObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** Returns the value if it is an array, otherwise an empty one. */
export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : NOTHING;
}

/** Returns the value if it is a string, otherwise the empty string, as Go decodes an absent one. */
export function asString(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Returns the value if it is a non-empty string, otherwise undefined. */
export function optionalString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Returns the value if it is a finite number, otherwise undefined. */
export function optionalNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/**
 * Returns the number that the controller reads from a 32-bit field. The API server stores up to 64 bits, whatever the
 * format in its schema, and Go keeps the last 32 of them. Undefined if it is not a number, or not exact in JavaScript.
 * Source: `k8s.io/apimachinery` v0.34, `pkg/runtime` (`fromUnstructured`).
 */
export function int32(value: unknown): number | undefined {
  const number = optionalNumber(value);
  if (number === undefined || !Number.isInteger(number)) return number;
  return Number.isSafeInteger(number) ? number | 0 : undefined;
}

/** Returns a number for messages, as written and as the controller reads it. */
export function renderInt32(written: unknown, read: number): string {
  return written === read ? String(read) : `${String(written)} (${read} in 32 bits)`;
}

/**
 * Reports whether an IntOrString is a number that makes the object unreadable to the controller: this type does not
 * wrap around.
 */
export function isBeyondInt32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value !== (value | 0);
}

/** Returns the entries whose values are strings, as for labels or annotations. */
export function stringMap(value: unknown): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (const [key, entry] of Object.entries(asObject(value))) {
    if (typeof entry === 'string') map.set(key, entry);
  }
  return map;
}

/** Returns the value at some keys of nested objects, or undefined. Ignores inherited keys. */
export function dig(value: unknown, ...keys: readonly string[]): unknown {
  let current: unknown = value;
  for (const key of keys) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** Reports whether objects and arrays are nested more deeply than `levels`. */
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
