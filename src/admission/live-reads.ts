import type { Rule } from '../rules/define.ts';
import type { Budget } from '../rules/engine.ts';
import { keyOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { introducedBy, type Change, type Introduced } from './judge.ts';

/** Reads objects from the API server, past every cache. */
export interface ApiReader {
  /**
   * In: keys, and until when (milliseconds since the epoch). Out: for each key the object, undefined if it is not
   * there, or `unreadable`. Never rejects.
   */
  fetch(
    keys: readonly ObjectKey[],
    deadline: number,
  ): Promise<ReadonlyMap<ObjectKey, KubeObject | undefined | 'unreadable'>>;
}

/** What is asked of the API server, and how. */
export interface ReevaluateOptions {
  readonly world: World;
  readonly live: ApiReader;
  readonly rules: readonly Rule[];
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Out: a budget for one round of judging. */
  budget(): Budget;
}

/** What changes introduce, by what the API server has rather than by a cache. */
export interface Reevaluated {
  readonly introduced: Introduced;
  readonly world: World;
  /** What could not be read in time. */
  readonly unreadable: ReadonlySet<ObjectKey>;
}

// The findings that a live read brings up may rest on objects that were not read yet; a chain of references is no
// longer than this.
const REREADS = 4;

/**
 * In: changes, what they introduce by the cache, what else to read, and how. Out: what they introduce once everything
 * that rests on is read anew, until nothing new is consulted.
 */
export async function reevaluate(
  changes: readonly Change[],
  first: Introduced,
  besides: readonly ObjectKey[],
  options: ReevaluateOptions,
): Promise<Reevaluated> {
  const { world, live, rules, deadline } = options;
  const changed = new Set(
    changes
      .flatMap(({ before, after }) => [before, after])
      .flatMap((object) => (object === undefined ? [] : [keyOf(object)])),
  );
  const known = new Map<ObjectKey, KubeObject | undefined>();
  const failed = new Set<ObjectKey>();
  let introduced = first;
  let truth = world;
  for (let round = 0; round < REREADS; round++) {
    const wanted = [...introduced.lookedUp, ...(round === 0 ? besides : [])];
    const keys = wanted.filter((key) => !known.has(key) && !failed.has(key) && !changed.has(key));
    if (keys.length === 0) break;
    for (const [key, value] of await live.fetch(keys, deadline)) {
      if (value === 'unreadable') failed.add(key);
      else known.set(key, value);
    }
    truth = overlaid(world, known);
    introduced = introducedBy(truth, changes, rules, options.budget());
  }
  return { introduced, world: truth, unreadable: failed };
}

/**
 * In: a world, how to read past it, keys, and until when. Out: the world with what was read laid over it; what could
 * not be read stays as it was known.
 */
export async function readLive(
  world: World,
  live: ApiReader | undefined,
  keys: readonly ObjectKey[],
  deadline: number,
): Promise<World> {
  if (live === undefined || keys.length === 0) return world;
  const known = new Map<ObjectKey, KubeObject | undefined>();
  for (const [key, value] of await live.fetch(keys, deadline)) if (value !== 'unreadable') known.set(key, value);
  return overlaid(world, known);
}

function overlaid(world: World, known: ReadonlyMap<ObjectKey, KubeObject | undefined>): World {
  const there = [...known.values()].filter((value) => value !== undefined);
  return new Overlay(
    world,
    there,
    [...known].filter(([, value]) => value === undefined).map(([key]) => key),
  );
}
