import type { Change } from '../../src/admission/change.ts';
import { introducedBy } from '../../src/admission/introduced.ts';
import { RULES } from '../../src/rules/index.ts';
import { kindOf, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';

const OF_REQUESTS = RULES.filter((rule) => !rule.lintOnly);

/** A way in which objects are evaluated. */
export interface Way {
  readonly title: string;
  /** Prepares everything that is there before, and returns the work itself. */
  prepare(objects: readonly KubeObject[]): () => void;
}

/** All objects arrive in one bundle, as for lint and the dry run. */
export const BUNDLE: Way = {
  title: 'as a bundle',
  prepare: (objects) => {
    const world = storeOf([]);
    const changes = objects.map((after): Change => ({ before: undefined, after }));
    return () => {
      introducedBy(world, changes, RULES);
    };
  },
};

/** Returns the ways in which the gate is asked about these objects: a request changes the first object of each kind. */
export function requestsFor(objects: readonly KubeObject[]): Way[] {
  return [...new Set(objects.map(kindOf))].map((kind): Way => ({
    title: `by a change of a ${kind ?? ''}`,
    prepare: (all) => {
      const world = storeOf(all);
      const before = all.find((object) => kindOf(object) === kind) as KubeObject;
      const { annotations: _, ...metadata } = before.metadata;
      const after = { ...structuredClone(before), metadata: { ...metadata, annotations: { changed: 'yes' } } };
      return () => {
        introducedBy(world, [{ before, after }], OF_REQUESTS);
      };
    },
  }));
}
