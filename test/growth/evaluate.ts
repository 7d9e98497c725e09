import type { Change } from '../../src/admission/change.ts';
import { introducedBy } from '../../src/admission/introduced.ts';
import { RULES } from '../../src/rules/index.ts';
import { kindOf, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';

const OF_REQUESTS = RULES.filter((rule) => !rule.lintOnly);

/** Prepares everything that is there before objects are evaluated, and returns the work itself. */
export type Prepare = (objects: readonly KubeObject[]) => () => void;

/** Ways in which objects are evaluated, by what a failed assertion calls them. */
export interface Ways {
  readonly title: string;
  readonly ways: Readonly<Record<string, Prepare>>;
}

/** All objects arrive in one bundle, as for lint and the dry run. */
export const BUNDLE: Ways = {
  title: 'as a bundle',
  ways: {
    bundle: (objects) => {
      const world = storeOf([]);
      const changes = objects.map((after): Change => ({ before: undefined, after }));
      return () => {
        introducedBy(world, changes, RULES);
      };
    },
  },
};

/** How requests change an object that the world has, or will have. */
const REQUESTS: Readonly<Record<string, (object: KubeObject) => Change>> = {
  change: (before) => {
    const { annotations: _, ...metadata } = before.metadata;
    const after = { ...structuredClone(before), metadata: { ...metadata, annotations: { changed: 'yes' } } };
    return { before, after };
  },
  creation: (after) => ({ before: undefined, after: structuredClone(after) }),
  deletion: (before) => ({ before, after: undefined }),
  // All that the object had is gone, so what depends on it is new; the world before is looked at too.
  'everything removed': (before) => ({ before, after: emptied(before) }),
  'everything added': (after) => ({ before: emptied(after), after: structuredClone(after) }),
};

function emptied({ apiVersion, kind, metadata: { name, namespace = '' } }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace }, spec: {} };
}

/** Returns the ways in which the gate is asked about these objects: requests are about the first object of each kind. */
export function requestsFor(objects: readonly KubeObject[]): Ways[] {
  return [...new Set(objects.map(kindOf))].map((kind) => ({
    title: `by requests for a ${kind ?? ''}`,
    ways: Object.fromEntries(
      Object.entries(REQUESTS).map(([title, changeOf]): [string, Prepare] => [
        title,
        (all) => {
          const object = all.find((each) => kindOf(each) === kind) as KubeObject;
          const change = changeOf(object);
          const world = storeOf(all.flatMap((each) => (each === object ? (change.before ?? []) : each)));
          return () => {
            introducedBy(world, [change], OF_REQUESTS);
          };
        },
      ]),
    ),
  }));
}
