import { isKubeObject, kindOf, type KubeObject } from '../../src/world/object.ts';
import { isObject } from '../../src/world/read.ts';

// The text leads to a place that exists, wherever it is read as a field path.
const VALUES: readonly unknown[] = ["metadata.annotations['example.com/x']", {}, [{}]];

/** Returns an object with each of its values removed or replaced by one of another type, one at a time. */
export function* editsOf(object: KubeObject): Generator<KubeObject> {
  const copy = structuredClone(object);
  for (const _ of editsIn(copy)) if (isKubeObject(copy)) yield structuredClone(copy);
}

function* editsIn(value: unknown): Generator<undefined> {
  if (typeof value !== 'object' || value === null) return;
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    const before = fields[key];
    for (const other of VALUES) {
      fields[key] = other;
      yield;
    }
    if (!Array.isArray(value)) {
      delete fields[key];
      yield;
    }
    fields[key] = before;
    yield* editsIn(before);
  }
}

/** Returns an object with the fields that it lacks and another of its kind has, for each of some others. */
export function* completionsOf(object: KubeObject, others: Iterable<KubeObject>): Generator<KubeObject> {
  for (const other of others) if (kindOf(other) === kindOf(object)) yield completed(object, other) as KubeObject;
}

function completed(value: unknown, other: unknown): unknown {
  if (!isObject(value) || !isObject(other)) return value;
  const own = Object.entries(value).map(([key, inner]) => [key, completed(inner, other[key])] as const);
  return { ...other, ...Object.fromEntries(own) };
}
