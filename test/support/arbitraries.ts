import fc from 'fast-check';
import { defined, type Fields, type Json } from './json-objects.ts';

/** Returns an arbitrary whose values are sometimes undefined. */
export const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

/** Returns an arbitrary of objects; keys whose value is undefined are left out. */
export function record(fields: Record<string, fc.Arbitrary<Json | undefined>>): fc.Arbitrary<Fields> {
  return fc.record(fields).map(defined);
}
