import { isObject } from './read.ts';

const MAX_DEPTH = 30;

/**
 * In: any JSON value. Out: it as a text that is the same whatever the order of its keys, by which a thing without a name (a step) is told from another;
 * what lies deeper than thirty levels does not count.
 */
export function contentOf(value: unknown): string {
  return JSON.stringify(canonical(value, 0)) ?? '';
}

function canonical(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((entry: unknown) => canonical(entry, depth + 1));
  if (!isObject(value)) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]) => [key, canonical(entry, depth + 1)]);
}
