import { memo } from './memo.ts';
import type { KubeObject } from './object.ts';
import { asArray, asString, dig } from './read.ts';

/** A subset of a DestinationRule. */
export interface Subset {
  readonly name: string;
  readonly raw: unknown;
  readonly index: number;
}

/** The subsets of a DestinationRule, for the many Rollouts that may share it. */
export interface Subsets {
  readonly all: readonly Subset[];
  /** The first of each name. */
  readonly byName: ReadonlyMap<string, Subset>;
  readonly names: ReadonlySet<string>;
}

/** Returns the subsets of a DestinationRule. */
export const subsetsOf = memo((destinationRule: KubeObject): Subsets => {
  const all = asArray(dig(destinationRule, 'spec', 'subsets')).map((raw, index) => ({
    name: asString(dig(raw, 'name')),
    raw,
    index,
  }));
  const byName = new Map(all.toReversed().map((subset) => [subset.name, subset]));
  return { all, byName, names: new Set(all.map(({ name }) => name)) };
});
