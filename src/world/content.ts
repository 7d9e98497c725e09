import { createHash } from 'node:crypto';
import { isObject } from './read.ts';

const MAX_DEPTH = 30;
const MAX_LENGTH = 400;

/**
 * Returns a text that identifies a JSON value regardless of the order of keys, for things without a name, such as
 * steps: its JSON, or a hash of a long one. Ignores content deeper than thirty levels.
 */
export function contentOf(value: unknown): string {
  const text = JSON.stringify(canonical(value, 0)) ?? '';
  return text.length <= MAX_LENGTH ? text : createHash('sha256').update(text).digest('hex');
}

function canonical(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((entry: unknown) => canonical(entry, depth + 1));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, canonical(value[key], depth + 1)]),
  );
}
