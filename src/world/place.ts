import type { KindId } from './object.ts';

type Root = 'spec' | 'status' | 'metadata' | 'data' | 'immutable' | 'template';

/**
 * A place in the objects of a kind, with everything below it: a path from the root of the object. `[*]` stands for every
 * item of a list: `spec.http[*].route`.
 */
export type Place = Root | `${Root}.${string}`;

/** Places by kind. */
export type Places = Readonly<Partial<Record<KindId, readonly Place[]>>>;

/** Returns the same places for each of some kinds. */
export function inEach<K extends KindId>(
  kinds: readonly K[],
  places: readonly Place[],
): Readonly<Record<K, readonly Place[]>> {
  return Object.fromEntries(kinds.map((kind) => [kind, places])) as Record<K, readonly Place[]>;
}

/** Returns places in a part of an object, such as its pod template, as places of the object. */
export function below(part: Place, places: readonly string[]): readonly Place[] {
  return places.map((place): Place => `${part}.${place}`);
}
