import type { Json } from '../draw.ts';

/**
 * A mistake that the generator can make in an object.
 *
 * In `path`, `*` stands for any one entry, and `name+` creates the field if it is missing. One of `values` replaces the
 * field; `undefined` removes it.
 */
export interface Mistake {
  /** The kind, or `template` for both kinds of analysis templates. */
  readonly kind: string;
  readonly path: readonly string[];
  readonly values: readonly (Json | undefined | ((old: Json | undefined) => Json | undefined))[];
}

/**
 * Returns a mistake in objects of a kind.
 *
 * @param path - Field names separated by `/`; write `~` for a slash inside a name.
 */
export function at(kind: string, path: string, ...values: Mistake['values']): Mistake {
  return { kind, path: path.split('/'), values };
}

/** Repeats the first entry of a list; returns any other value unchanged. */
export function twice(old: Json | undefined): Json | undefined {
  return Array.isArray(old) && old.length > 0 ? [...old, structuredClone(old[0] as Json)] : old;
}

export const CANARY = 'spec/strategy/canary';
export const STEP = `${CANARY}/steps/*`;
export const ROUTING = `${CANARY}/trafficRouting`;
export const POD = 'spec/template/spec';
export const CONTAINER = `${POD}/containers/*`;
export const METRIC = 'spec/metrics/*';
