import jsonpatch, { type Operation } from 'fast-json-patch';
import type { Preserver } from '../preserve/define.ts';
import { isTrusted, type Policy, type Settings } from '../policy/policy.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { messageOf } from '../world/error.ts';
import { hasStatus, isBeingDeleted } from '../world/rollout.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';

/** What is kept of one object. */
export interface PreservedObject {
  /** The smallest JSON Patch that keeps it. */
  readonly operations: readonly Operation[];
  /** What was kept for which Rollout, each on one line. */
  readonly notes: readonly string[];
  /** The ids of the keeps that changed something, sorted. */
  readonly ids: readonly string[];
  /** The object with the patch applied. */
  readonly patched: KubeObject;
}

/**
 * In: the world after the change, an object in it, and the policy. Out: the Rollouts that drive the object and have a
 * status, in a fixed order. Left out are those that are being deleted and those of namespaces that may not change this
 * one.
 */
export function driversOf(after: World, object: KubeObject, policy: Policy): KubeObject[] {
  return after
    .referrers(keyOf(object))
    .filter((rollout) => kindOf(rollout) === 'Rollout.argoproj.io' && !isBeingDeleted(rollout) && hasStatus(rollout))
    .filter((rollout) => isTrusted(policy, namespaceOf(rollout), namespaceOf(object)))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** In: the keeps, the kind of an object, and the settings of its namespace. Out: the keeps that are on for it. */
export function activePreservers(keeps: readonly Preserver[], object: KubeObject, settings: Settings): Preserver[] {
  const kind = kindOf(object);
  return keeps.filter((keep) => kind !== undefined && keep.kinds.includes(kind) && settings.keeps[keep.id] !== 'off');
}

/**
 * In: an object as submitted and as stored, the Rollouts that drive it, the keeps that are on, and the world after the
 * change. Out: what is kept of it, Rollout by Rollout.
 */
export function preserveAll(
  object: KubeObject,
  old: KubeObject | undefined,
  drivers: readonly KubeObject[],
  keeps: readonly Preserver[],
  after: World,
): PreservedObject {
  const operations: Operation[] = [];
  const notes: string[] = [];
  const ids = new Set<string>();
  let submitted = object;
  for (const rollout of drivers) {
    for (const keep of keeps) {
      const result = keep.keep({ submitted, old, rollout, world: new Overlay(after, [submitted]) });
      notes.push(...result.notes.map((note) => `kept for Rollout "${rollout.metadata.name}": ${note} [${keep.id}]`));
      if (result.operations.length === 0) continue;
      ids.add(keep.id);
      operations.push(...result.operations);
      submitted = jsonpatch.applyPatch(submitted, [...result.operations], false, false).newDocument;
    }
  }
  return { operations, notes, ids: [...ids].sort(), patched: submitted };
}

/**
 * In: an object and a patch. Out: why the patch does not apply to it, or undefined: no answer leaves without this
 * check.
 */
export function problemWith(object: KubeObject, operations: readonly Operation[]): string | undefined {
  if (operations.length === 0) return undefined;
  try {
    jsonpatch.applyPatch(object, [...operations], true, false);
    return undefined;
  } catch (error) {
    return messageOf(error).split('\n', 1)[0] ?? 'patch does not apply';
  }
}
