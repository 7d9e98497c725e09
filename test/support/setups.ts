import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseManifests, placeObjects } from '../../src/world/manifests.ts';
import type { KubeObject } from '../../src/world/object.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The objects of a file. */
export interface Setup {
  /** Relative to the root of the project. */
  readonly file: string;
  readonly objects: readonly KubeObject[];
}

/** Returns the objects of all files that match a pattern, relative to the root of the project. */
export function setupsIn(pattern: string): Setup[] {
  return globSync(pattern, { cwd: ROOT })
    .sort()
    .map((file) => {
      const { objects } = parseManifests(readFileSync(join(ROOT, file), 'utf8'), file);
      return { file, objects: placeObjects(objects).sources.map(({ object }) => object) };
    });
}
