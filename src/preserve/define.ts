import type { Operation } from 'fast-json-patch';
import { keyOf, kindOf, type KindId, type KubeObject } from '../world/object.ts';
import { anyOf, references } from '../world/references.ts';
import { isDeeperThan } from '../world/read.ts';
import { hasStatus, isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';

/** What a keep is given. Nothing of it may be changed. */
export interface PreserveInput {
  /** The object as submitted, with what earlier keeps put back in it. */
  readonly submitted: KubeObject;
  /** The object as it is stored; undefined on CREATE. */
  readonly old: KubeObject | undefined;
  /** One Rollout that refers to the object once the change is made; its status is the cluster's. */
  readonly rollout: KubeObject;
  /** The world once the change is made. */
  readonly world: World;
}

/** What a keep puts back. */
export interface Preserved {
  readonly operations: readonly Operation[];
  /** What was kept, each in a few words for the person who applied the object. */
  readonly notes: readonly string[];
}

/** Something that a controller wrote into an object that people and GitOps tools apply as well. */
export interface Preserver {
  /** Permanent, kebab-case. */
  readonly id: string;
  /** One sentence for the table of keeps. */
  readonly summary: string;
  /** The kinds it keeps something in. */
  readonly kinds: readonly KindId[];
  /**
   * In: a submitted object and one Rollout that drives it. Out: the operations, for `submitted`, that put back what the
   * controller owns, and notes on them; none where all is right. Pure, never throws, and applied to its own result it
   * gives no operations.
   */
  keep(input: PreserveInput): Preserved;
}

// No object of these kinds comes near; deeper ones could exhaust the stack of whoever compares, copies or serialises
// them.
const MAX_DEPTH = 200;

/** Nothing to keep. */
export const NOTHING: Preserved = Object.freeze({ operations: Object.freeze([]), notes: Object.freeze([]) });

/** In: what several steps of a keep put back. Out: it all, in that order. */
export function together(parts: readonly Preserved[]): Preserved {
  const operations = parts.flatMap((part) => part.operations);
  return operations.length === 0 ? NOTHING : { operations, notes: parts.flatMap((part) => part.notes) };
}

/** In: what a keep puts back. Out: it, with the notes, repeated ones once, made into one. */
export function inOneLine(kept: Preserved): Preserved {
  return kept.operations.length === 0
    ? kept
    : { operations: kept.operations, notes: [[...new Set(kept.notes)].join(', ')] };
}

/**
 * In: a keep as it is written. Out: it, made to do nothing for an object of another kind or one that is being deleted,
 * and for a Rollout that does not refer to the object, is being deleted, or has no status yet: the controller owns
 * nothing then.
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
      if (isDeeperThan(submitted, MAX_DEPTH) || isDeeperThan(input.old, MAX_DEPTH)) return NOTHING;
      return definition.keep(input);
    },
  };
}

/** In: a Rollout and an object. Out: whether the first refers to the second, by name or possibly by labels. */
export function refersTo(rollout: KubeObject, object: KubeObject): boolean {
  const key = keyOf(object);
  const any = anyOf(key);
  return references(rollout).some((reference) => reference.key === key || reference.key === any);
}
