import { contentOf } from '../world/content.ts';
import { valuesIn } from '../world/values.ts';
import type { Budget } from './budget.ts';

/** Returns what `contentOf` returns. Each value counts as an operation, before it is read: a step can have any number. */
export function countedContentOf(value: unknown, { spend }: { readonly spend: Budget['spend'] }): string {
  spend(valuesIn(value, Infinity));
  return contentOf(value);
}
