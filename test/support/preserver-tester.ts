import jsonpatch, { type Operation } from 'fast-json-patch';
import { expect } from 'vitest';
import { parse } from 'yaml';
import type { Preserver } from '../../src/preserve/define.ts';
import { isKubeObject, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { deepFreeze } from './freeze.ts';

/** In: the YAML of one object. Out: it. Throws if it is none. */
export function yaml(text: string): KubeObject {
  const value: unknown = parse(text);
  if (!isKubeObject(value)) throw new Error(`not a Kubernetes object:\n${text}`);
  return value;
}

/** What a keep did to an object. */
export interface Outcome {
  readonly object: KubeObject;
  readonly operations: readonly Operation[];
  readonly notes: readonly string[];
}

/**
 * In: a keep, the submitted and the stored object, a Rollout, and what else is in the world. Out: what the keep made of
 * it. Asserts on the way that the inputs are left alone, that the patch is valid, that it survives the wire, and that
 * the result needs no further one.
 */
export function apply(
  keep: Preserver,
  submitted: KubeObject,
  old: KubeObject | undefined,
  rollout: KubeObject,
  others: readonly KubeObject[] = [],
): Outcome {
  const world = storeOf([...others, rollout, submitted].map(deepFreeze));
  const kept = keep.keep({
    submitted: deepFreeze(submitted),
    old: deepFreeze(old),
    rollout: deepFreeze(rollout),
    world,
  });
  const object = patched(submitted, kept.operations);
  const again = keep.keep({
    submitted: deepFreeze(object),
    old,
    rollout,
    world: storeOf([...others, rollout, object]),
  });
  expect(again.operations, 'a second time').toEqual([]);
  return { object, operations: kept.operations, notes: kept.notes };
}

/**
 * In: an object and operations. Out: the object with them applied, as an API server does. Throws if they do not apply.
 */
export function patched(object: KubeObject, operations: readonly Operation[]): KubeObject {
  const wire = JSON.parse(JSON.stringify(operations)) as Operation[];
  const result: unknown = jsonpatch.applyPatch(object, wire, true, false).newDocument;
  if (!isKubeObject(result)) throw new Error('the patch leaves no Kubernetes object');
  return result;
}
