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

/** How a request changes an object that the world has, or will have. */
const REQUESTS: readonly { readonly title: string; readonly changeOf: (object: KubeObject) => Change }[] = [
  {
    title: 'by a change of',
    changeOf: (before) => {
      const { annotations: _, ...metadata } = before.metadata;
      const after = { ...structuredClone(before), metadata: { ...metadata, annotations: { changed: 'yes' } } };
      return { before, after };
    },
  },
  { title: 'by the creation of', changeOf: (after) => ({ before: undefined, after: structuredClone(after) }) },
  { title: 'by the deletion of', changeOf: (before) => ({ before, after: undefined }) },
  // All that the object had is gone, so what depends on it is new; the world before is looked at too.
  { title: 'by what removes everything from', changeOf: (before) => ({ before, after: emptied(before) }) },
  {
    title: 'by what adds everything to',
    changeOf: (after) => ({ before: emptied(after), after: structuredClone(after) }),
  },
];

function emptied({ apiVersion, kind, metadata: { name, namespace = '' } }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace }, spec: {} };
}

/** Returns the ways in which the gate is asked about these objects: a request is about the first object of each kind. */
export function requestsFor(objects: readonly KubeObject[]): Way[] {
  return [...new Set(objects.map(kindOf))].flatMap((kind) =>
    REQUESTS.map(({ title, changeOf }): Way => ({
      title: `${title} a ${kind ?? ''}`,
      prepare: (all) => {
        const object = all.find((each) => kindOf(each) === kind) as KubeObject;
        const change = changeOf(object);
        const world = storeOf(all.flatMap((each) => (each === object ? (change.before ?? []) : each)));
        return () => {
          introducedBy(world, [change], OF_REQUESTS);
        };
      },
    })),
  );
}
