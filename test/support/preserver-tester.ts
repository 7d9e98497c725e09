import jsonpatch, { type Operation } from 'fast-json-patch';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { operationsOf, type Preserver } from '../../src/preserve/define.ts';
import { isKubeObject, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { deepFreeze } from './freeze.ts';

/**
 * Returns the object in a YAML text.
 *
 * @throws Error - If the text is no Kubernetes object.
 */
export function yaml(text: string): KubeObject {
  const value: unknown = parse(text);
  if (!isKubeObject(value)) throw new Error(`not a Kubernetes object:\n${text}`);
  return value;
}

/** The result of a preserver on an object. */
export interface Outcome {
  readonly object: KubeObject;
  readonly operations: readonly Operation[];
  readonly notes: readonly string[];
}

/**
 * Runs a preserver on a submitted object. Asserts that it leaves its inputs unchanged, that its patch is valid JSON
 * Patch also after serialization, and that a second run changes nothing.
 */
export function apply(
  keep: Preserver,
  submitted: KubeObject,
  old: KubeObject | undefined,
  rollout: KubeObject,
  others: readonly KubeObject[] = [],
): Outcome {
  const world = storeOf([...others, rollout, submitted].map(deepFreeze));
  const rollouts = [...others, rollout].filter(({ kind }) => kind === 'Rollout');
  const kept = keep.keep({
    submitted: deepFreeze(submitted),
    old: deepFreeze(old),
    rollout: deepFreeze(rollout),
    rollouts,
    drivers: rollouts,
    world,
  });
  const operations = operationsOf(kept);
  const object = patched(submitted, operations);
  const again = keep.keep({
    submitted: deepFreeze(object),
    old,
    rollout,
    rollouts,
    drivers: rollouts,
    world: storeOf([...others, rollout, object]),
  });
  expect(operationsOf(again), 'a second time').toEqual([]);
  return { object, operations, notes: kept.notes };
}

/**
 * Returns an object with operations applied, as the API server applies them.
 *
 * @throws Error - If an operation does not apply.
 */
export function patched(object: KubeObject, operations: readonly Operation[]): KubeObject {
  const wire = JSON.parse(JSON.stringify(operations)) as Operation[];
  const result: unknown = jsonpatch.applyPatch(object, wire, true, false).newDocument;
  if (!isKubeObject(result)) throw new Error('the patch leaves no Kubernetes object');
  return result;
}
