import { isDeepStrictEqual } from 'node:util';
import type { Operation } from 'fast-json-patch';
import { pointer, type Path } from './path.ts';
import { isObject } from './read.ts';

/** In: two JSON values. Out: whether they are equal; the order of keys does not matter. */
export function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

/**
 * In: a document, a path in it, and a value. Out: the one operation that puts the value there, with the objects that
 * are missing on the way; none where it is there already, and none where something on the way is no object (or no such
 * list entry), which is left alone. A null counts as missing.
 */
export function setAt(document: unknown, path: Path, value: unknown): Operation[] {
  // A JSON Patch library refuses the whole patch for this key.
  if (path.includes('__proto__')) return [];
  let holder: unknown = document;
  for (const [depth, part] of path.entries()) {
    const fits = typeof part === 'number' ? Array.isArray(holder) && part < holder.length : isObject(holder);
    if (!fits) return [];
    const known = Object.hasOwn(holder as object, part);
    const next: unknown = known ? (holder as Record<string | number, unknown>)[part] : undefined;
    const rest = path.slice(depth + 1);
    if (rest.length === 0 ? same(next, value) : next !== null && next !== undefined) {
      holder = next;
      continue;
    }
    if (rest.some((key) => typeof key === 'number')) return [];
    return [{ op: known ? 'replace' : 'add', path: pointer(path.slice(0, depth + 1)), value: nest(rest, value) }];
  }
  return [];
}

/**
 * In: the path of a place in a list, its last part an index or `-` for the end, and a value. Out: the operation that
 * inserts the value there.
 */
export function insertAt(path: Path, value: unknown): Operation {
  return { op: 'add', path: pointer(path), value: copy(value) };
}

/** In: a path. Out: the operation that removes what is there. */
export function removeAt(path: Path): Operation {
  return { op: 'remove', path: pointer(path) };
}

function nest(keys: Path, value: unknown): unknown {
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), copy(value));
}

function copy(value: unknown): unknown {
  return typeof value === 'object' ? structuredClone(value) : value;
}
