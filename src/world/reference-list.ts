import { keyFor, type KindId } from './object.ts';
import type { Path } from './path.ts';
import { optionalString } from './read.ts';
import type { Reference, Role } from './references.ts';

/** The target of a reference, except its name. */
export interface Target {
  readonly kind: KindId;
  readonly namespace: string;
  readonly role: Role;
  readonly path: Path;
  readonly shared?: boolean;
  readonly optional?: boolean;
}

/** Returns the reference to an object. */
export function reference(
  name: string,
  { kind, namespace, role, path, shared = false, optional = false }: Target,
): Reference {
  return { kind, namespace, name, role, path, key: keyFor(kind, namespace, name), shared, optional };
}

/** Adds the reference to an object to a list, if the value is a name. */
export function addReference(list: Reference[], value: unknown, target: Target): void {
  const name = optionalString(value);
  if (name !== undefined) list.push(reference(name, target));
}
