import { isKubeObject, type KubeObject } from '../../src/world/object.ts';

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** A JSON object. */
export type Fields = { [key: string]: Json };

/**
 * Returns a value as a Kubernetes object.
 *
 * @throws Error - If it is none.
 */
export function asKube(value: Json): KubeObject {
  if (!isKubeObject(value)) throw new Error('not a Kubernetes object');
  return value;
}

/** Returns an object without the fields whose value is undefined. */
export function defined(fields: Record<string, Json | undefined>): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
