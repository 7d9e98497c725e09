import type { KindId } from './object.ts';

type Root = 'spec' | 'status' | 'metadata' | 'data' | 'immutable' | 'template';

/**
 * Stands for every field of a Rollout, where an argument of one of its analyses names a field to read (`fieldRef`), and
 * for nothing in other Rollouts.
 */
export const BY_FIELD_REF = '(fieldRef)';

/** The places that `BY_FIELD_REF` stands for. */
export const FIELD_REF_PLACES: readonly Place[] = ['spec', 'status', 'metadata.labels', 'metadata.annotations'];

/**
 * A place in the objects of a kind, with everything below it: a path from the root of the object. `[*]` stands for every
 * item of a list: `spec.http[*].route`. A question mark at the end says that of a text or number only the presence
 * counts, not which one it is: `spec.http[*].timeout?`. That is also true if a place above it is declared.
 */
export type Place = Root | `${Root}.${string}` | typeof BY_FIELD_REF;

/** Places by kind. */
export type Places = Readonly<Partial<Record<KindId, readonly Place[]>>>;

/** A place in parts. */
export interface PlaceParts {
  /** The keys from the root of the object; `*` is every item of a list. */
  readonly keys: readonly string[];
  /** Whether only the presence of a value counts. */
  readonly presence: boolean;
}

const PART = /\[(\*|"(?:[^"\\]|\\.)*")\]|[^.[\]]+/g;

/** Splits a place into its keys. */
export function partsOf(place: string): PlaceParts {
  const presence = place.endsWith('?');
  const keys = [...(presence ? place.slice(0, -1) : place).matchAll(PART)].map(([text, bracket]) =>
    bracket === undefined ? text : bracket === '*' ? '*' : (JSON.parse(bracket) as string),
  );
  return { keys, presence };
}

/**
 * Reports whether a value is a text that is not blank, or a number. For a place with a question mark one is as good as
 * another of the same type.
 */
export function isValue(value: unknown): value is string | number {
  return (typeof value === 'string' && value.trim() !== '') || typeof value === 'number';
}

/** Returns the same places for each of some kinds. */
export function inEach<K extends KindId>(
  kinds: readonly K[],
  places: readonly Place[],
): Readonly<Record<K, readonly Place[]>> {
  return Object.fromEntries(kinds.map((kind) => [kind, places])) as Record<K, readonly Place[]>;
}

/** Returns places in a part of an object, such as its pod template, as places of the object. */
export function below(part: Exclude<Place, typeof BY_FIELD_REF>, places: readonly string[]): readonly Place[] {
  return places.map((place): Place => `${part}.${place}` as Place);
}
