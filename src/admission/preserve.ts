import jsonpatch, { type Operation } from 'fast-json-patch';
import { isKept, NOTHING, rolloutsOf, type Preserved, type Preserver } from '../preserve/define.ts';
import { isTrusted, type Policy, type Settings } from '../policy/policy.ts';
import type { Work } from '../rules/engine.ts';
import { operationsThatReorder, withOperations, withReordered, type Reordered } from '../world/json-patch.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { pointer } from '../world/path.ts';
import { isDeeperThan } from '../world/read.ts';
import { messageOf } from '../world/error.ts';
import { hasStatus, isBeingDeleted } from '../world/rollout.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { about, nameOf, ruleTag } from './attribution.ts';

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
 * Returns the Rollouts that drive an object and have a status, in a fixed order. Rollouts that are being deleted, and
 * those of namespaces that may not change this object, are left out.
 *
 * @param after - The world after the change.
 */
export function driversOf(after: World, object: KubeObject, policy: Policy): KubeObject[] {
  return allDrivers(after, object)
    .filter((rollout) => isTrusted(policy, namespaceOf(rollout), namespaceOf(object)))
    .sort(byKey);
}

function allDrivers(after: World, object: KubeObject): KubeObject[] {
  return rolloutsOf(object, after).filter((rollout) => !isBeingDeleted(rollout) && hasStatus(rollout));
}

function byKey(a: KubeObject, b: KubeObject): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

/**
 * Returns a line about a Rollout of another namespace that loses something in the object, because the policy does not
 * trust its namespace. Asks only for one such Rollout, however many there are.
 */
export function* untrustedNotes(task: Omit<PreserveTask, 'drivers'>, policy: Policy): Work<readonly string[]> {
  const { object, after } = task;
  const namespace = namespaceOf(object);
  const [rollout] = allDrivers(after, object)
    .filter((candidate) => !isTrusted(policy, namespaceOf(candidate), namespace))
    .sort(byKey);
  if (rollout === undefined) return [];
  const { ids } = yield* preserveAll({ ...task, drivers: [rollout] });
  return ids.map((id) =>
    about(
      object,
      `nothing is kept for a Rollout of namespace "${namespaceOf(rollout)}": ` +
        `add rollouts: ${namespaceOf(rollout)}, objects: ${namespace} to trustedNamespaces of the policy if it may ` +
        `control this object ${ruleTag(id)}`,
    ),
  );
}

/** Returns the keeps that are on for an object, by the settings of its namespace. */
export function activePreservers(keeps: readonly Preserver[], object: KubeObject, settings: Settings): Preserver[] {
  const kind = kindOf(object);
  return keeps.filter((keep) => kind !== undefined && keep.kinds.includes(kind) && settings.keeps[keep.id] !== 'off');
}

// No real object of these kinds is nested as deeply. Deeper ones could overflow the stack in recursive code that
// compares, copies or serialises them.
const MAX_DEPTH = 200;

/** What is to be kept in which object. */
export interface PreserveTask {
  /** As submitted. */
  readonly object: KubeObject;
  /** As stored; undefined on CREATE. */
  readonly old: KubeObject | undefined;
  /** The Rollouts that drive it. */
  readonly drivers: readonly KubeObject[];
  readonly keeps: readonly Preserver[];
  /** The world after the change. */
  readonly after: World;
  /** The field manager of the request. */
  readonly manager?: string | undefined;
}

/**
 * Keeps what the controller owns in an object, one Rollout after the other. Others get their turn in between, also between
 * two keeps: each goes through the whole object.
 */
export function* preserveAll({ object, old, drivers, keeps, after, manager }: PreserveTask): Work<PreservedObject> {
  const notes: string[] = [];
  const ids = new Set<string>();
  const patch = new GrowingPatch(object);
  const rollouts = rolloutsOf(object, after);
  yield;
  const isTooDeep = isDeeperThan(object, MAX_DEPTH) || isDeeperThan(old, MAX_DEPTH);
  for (const rollout of isTooDeep ? [] : drivers) {
    for (const keep of keeps) {
      yield;
      const result = patch.add((submitted) =>
        keep.keep({ submitted, old, rollout, rollouts, drivers, world: new Overlay(after, [submitted]), manager }),
      );
      for (const note of result.notes)
        notes.push(about(object, `kept for ${nameOf(rollout)}: ${note} ${ruleTag(keep.id)}`));
      if (isKept(result)) ids.add(keep.id);
    }
  }
  yield;
  if (patch.leftOut > 0)
    notes.push(
      about(
        object,
        `nothing is kept for ${patch.leftOut} Rollouts that share managed routes or weights with others: give each Rollout its own routes and Services`,
      ),
    );
  const patched = patch.applied();
  // The patch is tried before it is sent.
  yield;
  return { operations: patch.operations, notes, ids: [...ids].sort(), patched };
}

// Each takes time in proportion to the object. Rollouts do not work that change what others have in one object.
const MOST_DEPENDENT = 20;

/**
 * A patch that grows, each addition on what those before it have made of the object. The object is only patched when an
 * addition depends on a part that has changed. So what was derived from it serves many Rollouts, each with its own part.
 */
class GrowingPatch {
  /** The operations that make the object what `applied` returned last. */
  readonly operations: Operation[] = [];
  /** How many additions were left out. */
  leftOut = 0;
  #object: KubeObject;
  #depended = 0;
  // Not applied yet. All that is put in another order comes last, so that until then each item is at its index.
  #pending: Operation[] = [];
  #reordered: Reordered[] = [];
  #changed: Set<string> | 'all' = new Set();

  constructor(object: KubeObject) {
    this.#object = object;
  }

  /** Adds what a preserver restores, and returns it. */
  add(keep: (submitted: KubeObject) => Preserved): Preserved {
    let result = keep(this.#object);
    if (this.#hasChanged(result.reads)) {
      if (this.#depended === MOST_DEPENDENT) return this.#leaveOut(result);
      this.#depended++;
      result = keep(this.applied());
    }
    if (!isKept(result)) return result;
    for (const operation of result.operations) this.#pending.push(operation);
    for (const reordered of result.reordered ?? []) this.#reordered.push(reordered);
    if (result.writes === undefined) this.#changed = 'all';
    else if (this.#changed !== 'all') for (const part of result.writes) this.#changed.add(part);
    return result;
  }

  #leaveOut(result: Preserved): Preserved {
    if (isKept(result)) this.leftOut++;
    return NOTHING;
  }

  /** Returns the object with all that was added. */
  applied(): KubeObject {
    if (!this.#isPending()) return this.#object;
    this.#object = withOperations(this.#object, this.#pending);
    for (const operation of this.#pending) this.operations.push(operation);
    for (const reordered of allAtOnce(this.#reordered)) {
      this.#object = withReordered(this.#object, reordered);
      for (const operation of operationsThatReorder(reordered)) this.operations.push(operation);
    }
    this.#pending = [];
    this.#reordered = [];
    this.#changed = new Set();
    return this.#object;
  }

  #isPending(): boolean {
    return this.#pending.length > 0 || this.#reordered.length > 0;
  }

  #hasChanged(parts: ReadonlySet<string> | undefined): boolean {
    if (!this.#isPending()) return false;
    const changed = this.#changed;
    if (changed === 'all' || parts === undefined) return true;
    return [...parts].some((part) => changed.has(part));
  }
}

/** Returns what changes each list once, as all of them do one after the other. They remove different items. */
function allAtOnce(all: readonly Reordered[]): Reordered[] {
  return [...Map.groupBy(all, ({ list }) => pointer(list)).values()].flatMap((same) => {
    const list = same[0]?.list;
    if (list === undefined) return [];
    const removed = same.flatMap((reordered) => reordered.removed).sort((a, b) => a - b);
    return [{ list, removed, first: same.toReversed().flatMap(({ first }) => first) }];
  });
}

/** Returns why a patch does not apply to an object, or undefined if it does. Every patch is checked before it is sent. */
export function problemWith(object: KubeObject, operations: readonly Operation[]): string | undefined {
  if (operations.length === 0) return undefined;
  try {
    jsonpatch.applyPatch(object, [...operations], true, false);
    return undefined;
  } catch (error) {
    return messageOf(error).split('\n', 1)[0];
  }
}
