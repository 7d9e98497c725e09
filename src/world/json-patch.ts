import { isDeepStrictEqual } from 'node:util';
import jsonpatch, { type Operation } from 'fast-json-patch';
import { at, pointer, type Path } from './path.ts';
import { isObject } from './read.ts';

/** Reports whether two JSON values are equal, regardless of the order of keys. */
export function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

/**
 * Returns the one operation that sets the value at the path, including any missing parent objects. Returns none if the
 * value is already there, or if a parent is not an object (or not an existing list entry). A null counts as missing.
 */
export function setAt(document: unknown, path: Path, value: unknown): Operation[] {
  // A JSON Patch library rejects the whole patch for this key.
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
 * Returns the operation that inserts a value into a list.
 * @param path - Its last part is an index, or `-` for the end.
 */
export function insertAt(path: Path, value: unknown): Operation {
  return { op: 'add', path: pointer(path), value: copy(value) };
}

/** Returns the operation that removes the value at the path. */
export function removeAt(path: Path): Operation {
  return { op: 'remove', path: pointer(path) };
}

function nest(keys: Path, value: unknown): unknown {
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), copy(value));
}

function copy(value: unknown): unknown {
  return typeof value === 'object' ? structuredClone(value) : value;
}

/**
 * Returns a document with operations applied, as new objects along their paths. It shares everything else with the
 * document, so the cost depends on the operations and the lists they touch, not on the size of the document.
 *
 * @throws JsonPatchError - If an operation does not apply.
 * @throws Error - For `move`, which would change the shared part that it moves from.
 */
export function withOperations<T extends object>(document: T, operations: readonly Operation[]): T {
  const root = shallowCopy(document);
  const own = new Set<unknown>([root]);
  for (const operation of operations) {
    if (operation.op === 'move') throw new Error(`move to ${operation.path}: use remove and add instead`);
    let parent = root as Record<string, unknown>;
    for (const part of operation.path.split('/').slice(1, -1)) {
      const key = jsonpatch.unescapePathComponent(part);
      let child = parent[key];
      if (typeof child !== 'object' || child === null) break;
      if (!own.has(child)) {
        child = parent[key] = shallowCopy(child);
        own.add(child);
      }
      parent = child as Record<string, unknown>;
    }
    jsonpatch.applyOperation(root, operation, false, true);
  }
  return root;
}

/** Items that are put at the front of a list. */
export interface Reordered {
  readonly list: Path;
  /** The indexes of the items to remove, in order. */
  readonly removed: readonly number[];
  /** The items to insert, in order. */
  readonly first: readonly unknown[];
}

/** Returns the operations that put a list in another order. */
export function operationsThatReorder({ list, removed, first }: Reordered): Operation[] {
  return [
    ...removed.toReversed().map((index) => removeAt([...list, index])),
    ...first.map((item, index) => insertAt([...list, index], item)),
  ];
}

/**
 * Returns a document with a list in another order, and shares everything else with it. Costs what the list does, which
 * one operation after the other would cost each time.
 */
export function withReordered<T extends object>(document: T, { list, removed, first }: Reordered): T {
  const items = at(document, list);
  if (!Array.isArray(items)) return document;
  const taken = new Set(removed);
  const rest = items.filter((_item, index) => !taken.has(index)) as unknown[];
  return withOperations(document, [{ op: 'replace', path: pointer(list), value: [...first, ...rest] }]);
}

function shallowCopy<T extends object>(value: T): T {
  return (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as T;
}
