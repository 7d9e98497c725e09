import { memo } from './memo.ts';
import type { KubeObject } from './object.ts';
import { asObject, isObject } from './read.ts';

// More would only take longer to count.
const MOST = 1_000_000;
// A duration or a field path can have any length. No real one has more, so scripts and certificates count little.
const CHARACTERS_OF_VALUE = 16;
// Placeholders of a long script count when they are read.
const MOST_OF_TEXT = 500;
// A mapping with so many keys is a table of hashes, and each look at all of them takes ten times as long as at a list. No
// real one has as many: labels, selectors, settings of a plugin.
const KEYS_OF_MAPPING = 1_000;
const VALUES_OF_FURTHER_KEY = 10;

/**
 * Returns how many values an object has: mappings, lists, and what is in them, and its labels and annotations. Leaves out
 * the status and the rest of the metadata, which users do not write. The last-applied configuration is one long text.
 */
export const valuesOf = memo((object: KubeObject): number => {
  const { metadata, status: _, ...rest } = object;
  const entries = [metadata['labels'], metadata['annotations']].map((part) => Object.keys(asObject(part)).length);
  return entries.reduce((sum, count) => sum + count + furtherKeys(count), valuesIn(rest, MOST));
});

/**
 * Returns how many values a JSON value is and has, or a number above the limit as soon as it is exceeded. A long text
 * counts as up to some hundred. A mapping counts more for each key beyond the first thousand.
 */
export function valuesIn(value: unknown, limit: number): number {
  if (typeof value === 'string') return 1 + Math.min(MOST_OF_TEXT, Math.floor(value.length / CHARACTERS_OF_VALUE));
  let count = 1;
  if (Array.isArray(value)) {
    for (const entry of value as readonly unknown[]) {
      count += valuesIn(entry, limit - count);
      if (count > limit) break;
    }
  } else if (isObject(value)) {
    const keys = Object.keys(value);
    count += furtherKeys(keys.length);
    if (count > limit) return count;
    for (const key of keys) {
      count += valuesIn(value[key], limit - count);
      if (count > limit) break;
    }
  }
  return count;
}

function furtherKeys(keys: number): number {
  return Math.max(0, keys - KEYS_OF_MAPPING) * (VALUES_OF_FURTHER_KEY - 1);
}
