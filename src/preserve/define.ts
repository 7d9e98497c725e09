import type { Operation } from 'fast-json-patch';
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
  /** The world after the change. */
  readonly world: World;
  /** The field manager of the request. Absent or empty if the client names none. */
  readonly manager?: string | undefined;
}

/** What a preserver restores. */
export interface Preserved {
  readonly operations: readonly Operation[];
  /** What was kept, each in a few words for the author of the request. */
  readonly notes: readonly string[];
  /**
   * The parts of the submitted object that this depends on and that the operations change, under any names. Left out, it
   * is the whole object. Preservers of several Rollouts with different parts can look at the same object.
   */
  readonly parts?: ReadonlySet<string>;
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
export const NEVER: Preserved = Object.freeze({ ...NOTHING, parts: new Set<string>() });

/** Concatenates what several steps of a preserver restore. */
export function together(parts: readonly Preserved[]): Preserved {
  const operations = parts.flatMap((part) => part.operations);
  return operations.length === 0 ? NOTHING : { operations, notes: parts.flatMap((part) => part.notes) };
}

/** Joins the notes into one, without repetitions. */
export function inOneLine(kept: Preserved): Preserved {
  return kept.operations.length === 0
    ? kept
    : { operations: kept.operations, notes: [[...new Set(kept.notes)].join(', ')] };
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
      const { submitted, rollout } = input;
      const kind = kindOf(submitted);
      if (kind === undefined || !definition.kinds.includes(kind) || isBeingDeleted(submitted)) return NOTHING;
      if (
        kindOf(rollout) !== 'Rollout.argoproj.io' ||
        isBeingDeleted(rollout) ||
        !hasStatus(rollout) ||
        !refersTo(rollout, submitted)
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
