import type { Operation } from 'fast-json-patch';
import { operationsThatReorder, type Reordered } from '../world/json-patch.ts';
import { keyOf, kindOf, type KindId, type KubeObject } from '../world/object.ts';
import { anyOf, references } from '../world/references.ts';
import { hasStatus, isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';

/** The input of a preserver. It must not be changed. */
export interface PreserveInput {
  /** The object as submitted, with the changes of earlier preservers applied. */
  readonly submitted: KubeObject;
  /** The stored object; undefined on CREATE. */
  readonly old: KubeObject | undefined;
  /** A Rollout that refers to the object after the change. Its status is the cluster's. */
  readonly rollout: KubeObject;
  /** All Rollouts that refer to the object after the change, in one list for all of them. */
  readonly rollouts: readonly KubeObject[];
  /** Those of them for which something may be kept, in a fixed order and in one list for all of them. */
  readonly drivers: readonly KubeObject[];
  /** The world after the change. */
  readonly world: World;
  /** The field manager of the request. Absent or empty if the client names none. */
  readonly manager?: string | undefined;
}

/** What a preserver restores. */
export interface Preserved {
  /** Operations that leave all items of lists at their index. */
  readonly operations: readonly Operation[];
  /** The lists that are put in another order after that, each once. */
  readonly reordered?: readonly Reordered[] | undefined;
  /** What was kept, each in a few words for the author of the request. */
  readonly notes: readonly string[];
  /**
   * The parts of the submitted object that this depends on, under any names. Left out, it is the whole object.
   * Preservers of several Rollouts that depend on different parts can look at the same object.
   */
  readonly reads?: ReadonlySet<string>;
  /** The parts that this changes, under the names that `reads` has for them. Left out, it is the whole object. */
  readonly writes?: ReadonlySet<string>;
}

/** Keeps a value that a controller wrote into an object that people and GitOps tools also apply. */
export interface Preserver {
  /** Permanent, kebab-case. */
  readonly id: string;
  /** One sentence for the table of keeps. */
  readonly summary: string;
  /** The kinds of object that it keeps a value in. */
  readonly kinds: readonly KindId[];
  /**
   * Returns the operations on `submitted` that restore what the controller owns, and notes on them. Returns none if
   * nothing is lost. Pure, never throws, and returns no operations when applied to its own result.
   */
  keep(input: PreserveInput): Preserved;
}

/** Nothing to keep. */
export const NOTHING: Preserved = Object.freeze({ operations: Object.freeze([]), notes: Object.freeze([]) });

/** Nothing to keep, whatever is in the object. */
export const NEVER: Preserved = Object.freeze({ ...NOTHING, reads: new Set<string>(), writes: new Set<string>() });

/** Reports whether a preserver restores something. */
export function isKept({ operations, reordered = [] }: Preserved): boolean {
  return operations.length > 0 || reordered.length > 0;
}

/** Returns all operations that restore what a preserver keeps. */
export function operationsOf({ operations, reordered = [] }: Preserved): Operation[] {
  return [...operations, ...reordered.flatMap(operationsThatReorder)];
}

/** Concatenates what several steps of a preserver restore. Only the last one may put lists in another order. */
export function together(parts: readonly Preserved[]): Preserved {
  const kept = parts.filter(isKept);
  if (kept.length === 0) return NOTHING;
  return {
    operations: kept.flatMap(({ operations }) => operations),
    reordered: kept.at(-1)?.reordered,
    notes: kept.flatMap(({ notes }) => notes),
  };
}

/** Joins the notes into one, without repetitions. */
export function inOneLine(kept: Preserved): Preserved {
  return isKept(kept) ? { ...kept, notes: [[...new Set(kept.notes)].join(', ')] } : kept;
}

/**
 * Returns the preserver with the common guards. It does nothing for an object of another kind, or one that is being
 * deleted. It also does nothing for a Rollout that does not refer to the object, is being deleted, or has no status
 * yet: the controller then owns nothing.
 */
export function definePreserver(definition: Preserver): Preserver {
  return {
    ...definition,
    keep(input) {
      const { submitted, rollout, world } = input;
      const kind = kindOf(submitted);
      if (kind === undefined || !definition.kinds.includes(kind) || isBeingDeleted(submitted)) return NOTHING;
      if (
        kindOf(rollout) !== 'Rollout.argoproj.io' ||
        isBeingDeleted(rollout) ||
        !hasStatus(rollout) ||
        !(refersTo(rollout, submitted) || refersThrough(rollout, submitted, world))
      )
        return NOTHING;
      return definition.keep(input);
    },
  };
}

/** Reports whether a Rollout refers to an object, by name or possibly by labels. */
export function refersTo(rollout: KubeObject, object: KubeObject): boolean {
  const key = keyOf(object);
  const any = anyOf(key);
  return references(rollout).some((reference) => reference.key === key || reference.key === any);
}

/** Reports whether a Rollout refers to an object that is between it and another one. */
function refersThrough(rollout: KubeObject, object: KubeObject, world: World): boolean {
  return between(object, world).some((middle) => refersTo(rollout, middle));
}

/** Returns the App Mesh VirtualServices of a virtual router. A Rollout names the VirtualService. */
function between(object: KubeObject, world: World): readonly KubeObject[] {
  if (kindOf(object) !== 'VirtualRouter.appmesh.k8s.aws') return [];
  return world.referrers(keyOf(object)).filter((middle) => kindOf(middle) === 'VirtualService.appmesh.k8s.aws');
}

/** Returns the Rollouts that refer to an object, or to one between them and the object. */
export function rolloutsOf(object: KubeObject, world: World): KubeObject[] {
  const referrers = [object, ...between(object, world)].flatMap((target) => world.referrers(keyOf(target)));
  return [...new Set(referrers)].filter((referrer) => kindOf(referrer) === 'Rollout.argoproj.io');
}
