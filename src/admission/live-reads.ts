import { keyOf, listIn, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';
import type { Change } from './change.ts';
import type { Introduced } from './introduced.ts';

/** Reads objects from the API server, past every cache. */
export interface ApiReader {
  /**
   * Returns for each key the object, undefined if it does not exist, or `unreadable`. Never rejects.
   *
   * @param deadline - Milliseconds since the epoch.
   */
  fetch(
    keys: readonly ObjectKey[],
    deadline: number,
  ): Promise<ReadonlyMap<ObjectKey, KubeObject | undefined | 'unreadable'>>;
  /**
   * Returns for each key of a list its objects, or `unreadable`. Never rejects.
   *
   * @param keys - Made by `listKey`.
   * @param deadline - Milliseconds since the epoch.
   * @param namespace - The one of the request that needs them.
   */
  list(
    keys: readonly ObjectKey[],
    deadline: number,
    namespace: string,
  ): Promise<ReadonlyMap<ObjectKey, readonly KubeObject[] | 'unreadable'>>;
}

/** How changes are evaluated again. */
export interface ReevaluateOptions {
  readonly world: World;
  readonly live: ApiReader;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Returns what the changes introduce in a world. */
  evaluate(world: World): Promise<Introduced>;
}

/** What changes introduce, by the objects of the API server instead of those of a cache. */
export interface Reevaluated {
  readonly introduced: Introduced;
  readonly world: World;
  /** What could not be read, or not in time. */
  readonly unreadable: ReadonlySet<ObjectKey>;
}

// The findings after a live read may depend on objects that were not read yet. No chain of references is longer than
// this.
const REREADS = 4;

/**
 * Evaluates changes again with live objects: reads everything that the findings depend on, evaluates, and repeats that
 * until the findings depend on nothing new.
 *
 * @param cached - What the changes introduce by the cache.
 * @param alsoRead - What else to read.
 */
export async function reevaluate(
  changes: readonly Change[],
  cached: Introduced,
  alsoRead: readonly ObjectKey[],
  options: ReevaluateOptions,
): Promise<Reevaluated> {
  const { world, live, deadline } = options;
  const namespace = namespaceIn(changes);
  const changed = new Set(
    changes
      .flatMap(({ before, after }) => [before, after])
      .flatMap((object) => (object === undefined ? [] : [keyOf(object)])),
  );
  const known = new Map<ObjectKey, KubeObject | undefined>();
  const listed = new Set<ObjectKey>();
  const failed = new Set<ObjectKey>();
  const isRead = (key: ObjectKey): boolean => known.has(key) || listed.has(key) || changed.has(key);
  let introduced = cached;
  let current = world;
  for (let round = 0; round < REREADS; round++) {
    const wanted = [...introduced.lookedUp, ...(round === 0 ? alsoRead : [])];
    const unread = wanted.filter((key) => !isRead(key) && !failed.has(key));
    if (unread.length === 0) break;
    const [keys, lists] = [unread.filter((key) => !listIn(key)), unread.filter(listIn)];
    const [objects, listings] = await Promise.all([live.fetch(keys, deadline), live.list(lists, deadline, namespace)]);
    for (const [key, value] of objects) {
      if (value === 'unreadable') failed.add(key);
      else known.set(key, value);
    }
    // What is not in a list was deleted. It denies nothing: what a finding shows was read by its name.
    for (const [key, value] of listings) {
      if (value === 'unreadable') failed.add(key);
      else listed.add(key);
      for (const object of value === 'unreadable' ? [] : value)
        if (!isRead(keyOf(object))) known.set(keyOf(object), object);
    }
    current = overlaid(world, known);
    introduced = await options.evaluate(current);
  }
  // Each round can find others in the place of those that were read. What was never read denies nothing.
  for (const key of introduced.lookedUp) if (!isRead(key)) failed.add(key);
  return { introduced, world: current, unreadable: failed };
}

/**
 * Returns a world with live objects laid over it. What cannot be read stays as it was known.
 *
 * @param deadline - Milliseconds since the epoch.
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

function namespaceIn([change]: readonly Change[]): string {
  const object = change?.after ?? change?.before;
  return object === undefined ? '' : namespaceOf(object);
}

function overlaid(world: World, known: ReadonlyMap<ObjectKey, KubeObject | undefined>): World {
  const present = [...known.values()].filter((value) => value !== undefined);
  const absent = [...known].filter(([, value]) => value === undefined).map(([key]) => key);
  return new Overlay(world, present, absent);
}
