import { contentOf } from '../world/content.ts';
import { valuesIn } from '../world/values.ts';
import type { Budget } from './budget.ts';

// Keys are sorted, and the values are written once more.
const COST_OF_VALUE = 2;

/** Returns what `contentOf` returns. Its values are counted before they are read: a step can have any number. */
export function countedContentOf(value: unknown, { spend }: { readonly spend: Budget['spend'] }): string {
  spend(COST_OF_VALUE * valuesIn(value, Infinity));
  return contentOf(value);
}
