import { asObject, dig, optionalString } from '../../src/world/read.ts';

/** Returns a part of a JSON schema, or what its `$ref` refers to. */
export function resolved(part: unknown, schema: unknown): Readonly<Record<string, unknown>> {
  const ref = optionalString(dig(part, '$ref'));
  return ref === undefined ? asObject(part) : resolved(dig(schema, ...ref.slice(2).split('/')), schema);
}
