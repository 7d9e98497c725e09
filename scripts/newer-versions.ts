import { fieldsOfInstalled } from '../src/documents/fields.ts';
import { fieldsOfDefinition } from '../src/world/field-tree.ts';
import { compareReleases, type Release } from '../src/world/rollouts-versions.ts';

const RELEASE = /^v(\d+)\.(\d+)\.(\d+)$/;

/** Returns the releases that are newer than one, the oldest first. Release candidates and other builds do not count. */
export function newerThan(version: string, versions: readonly string[]): string[] {
  const known = releaseOf(version);
  if (known === undefined) throw new Error(`${version} is not a release`);
  return versions
    .flatMap((name) => {
      const release = releaseOf(name);
      return release !== undefined && compareReleases(release, known) > 0 ? [{ name, release }] : [];
    })
    .toSorted((a, b) => compareReleases(a.release, b.release))
    .map(({ name }) => name);
}

function releaseOf(version: string): Release | undefined {
  const [, major, minor, patch] = RELEASE.exec(version) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

/**
 * Returns the places of the fields that CustomResourceDefinitions have and older ones lack, sorted:
 * `VirtualService spec.http[].timeout`. Pods, metadata and status do not count.
 */
export function addedFields(before: readonly unknown[], after: readonly unknown[]): string[] {
  const known = placesIn(before);
  return [...placesIn(after)].filter((place) => !known.has(place)).toSorted();
}

function placesIn(definitions: readonly unknown[]): ReadonlySet<string> {
  const places = definitions.flatMap((definition) =>
    [...fieldsOfDefinition(definition)].flatMap(([id, tree]) => {
      const kind = id.slice(id.lastIndexOf('/') + 1);
      return [...fieldsOfInstalled(tree)].flatMap(([field, parents]) =>
        parents.map((parent) => `${kind} ${parent === '' ? field : `${parent}.${field}`}`),
      );
    }),
  );
  return new Set(places);
}
