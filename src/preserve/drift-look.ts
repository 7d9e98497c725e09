import { getOrAdd } from '../world/get-or-add.ts';
import type { KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';

/**
 * What differs from what the controller wrote: the weights in a route, a hash in a DestinationRule, or in a Service or
 * VirtualNode, or a header route.
 */
export type DriftKind = 'weights' | 'subset' | 'selector' | 'header-route';

/** A value that differs from what the controller wrote last, by the status of the Rollout. */
export interface Drift {
  readonly what: DriftKind;
  readonly object: KubeObject;
  /** The path in the object. */
  readonly path: Path;
  /** What the object has there. */
  readonly has: string;
  /** What is different, in one sentence without the name of the object. */
  readonly message: string;
}

/**
 * Copies of objects of a world, for looks at many Rollouts. What is derived from a copy is not kept with the object of the
 * world: that would fill the memory with what only a look over everything needs.
 */
export class Copies {
  readonly #copies = new Map<KubeObject, KubeObject>();

  has(object: KubeObject): boolean {
    return this.#copies.has(object);
  }

  of(object: KubeObject): KubeObject {
    return getOrAdd(this.#copies, object, () => ({ ...object }));
  }
}

/** Counts what a look costs. */
export class LookBudget {
  readonly #most: number;
  #spent = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get spent(): number {
    return this.#spent;
  }

  /** Reports whether there is room for more operations, and counts them if so. */
  spend(operations: number): boolean {
    if (this.#spent + operations > this.#most) return false;
    this.#spent += operations;
    return true;
  }
}

/** Counts the values in a JSON value. Returns one more than the most if there are more, and stops there. Does not recurse. */
export function valuesIn(value: unknown, most: number): number {
  const stack = [value];
  let count = 0;
  while (stack.length > 0 && count <= most) {
    const next = stack.pop();
    if (typeof next !== 'object' || next === null) continue;
    const inner: readonly unknown[] = Array.isArray(next) ? next : Object.values(next);
    count += inner.length;
    if (count <= most) for (const each of inner) if (typeof each === 'object' && each !== null) stack.push(each);
  }
  return Math.min(count, most + 1);
}
