// `Math.max(...values)` throws if there are more values than fit on the stack.

/** Returns the largest of some numbers, or undefined if there are none. */
export function largest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((most, value) => Math.max(most, value), -Infinity);
}

/** Returns the smallest of some numbers, or undefined if there are none. */
export function smallest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((least, value) => Math.min(least, value), Infinity);
}
