import { partialDeepStrictEqual } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../../../src/world/object.ts';
import { yamlOf } from '../../harness/kubectl.ts';
import { personsPart } from '../canaries.ts';

/** The kinds of the objects of a commit. */
export interface Arrived {
  readonly arrived: readonly string[];
  readonly missing: readonly string[];
}

/**
 * Returns the kinds of the objects that a commit has changed, by whether all that a user sets is stored.
 *
 * @param before - The objects of the commit before it.
 * @param live - Returns an object as it is stored.
 */
export async function arrivedOf(
  before: readonly KubeObject[],
  objects: readonly KubeObject[],
  live: (object: KubeObject) => Promise<KubeObject>,
): Promise<Arrived> {
  const last = new Map(before.map((object) => [nameOf(object), object]));
  const changed = objects.filter((object) => !isDeepStrictEqual(object, last.get(nameOf(object))));
  const stored = await Promise.all(
    changed.map(async (object) => holds(personsPart(await live(object)), personsPart(object))),
  );
  const kindsWith = (wanted: boolean): string[] =>
    changed.filter((_, index) => stored[index] === wanted).map(({ kind }) => kind);
  return { arrived: kindsWith(true).sort(), missing: kindsWith(false).sort() };
}

/** Returns the files of a commit, one for each object. */
export function filesOf(objects: readonly KubeObject[]): Record<string, string> {
  return Object.fromEntries(
    objects.map((object) => [`${object.kind.toLowerCase()}-${object.metadata.name}.yaml`, yamlOf([object])]),
  );
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}`;
}

function holds(stored: unknown, wanted: unknown): boolean {
  try {
    partialDeepStrictEqual(stored, wanted);
    return true;
  } catch {
    return false;
  }
}
