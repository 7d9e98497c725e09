import { keyOf, kindOf, type KubeObject } from '../world/object.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';
import type { Request } from './review.ts';

/** A change of one object. `before` is undefined on CREATE, `after` on DELETE. */
export interface Change {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/**
 * Returns the change that a request asks for. The status of a Rollout is the stored one: the API server ignores what a
 * user submits there.
 */
export function changeOf({ object, oldObject }: Pick<Request, 'object' | 'oldObject'>): Change {
  if (object === undefined || kindOf(object) !== 'Rollout.argoproj.io') return { before: oldObject, after: object };
  const { status: _, ...rest } = object;
  const stored = oldObject?.['status'];
  return {
    before: oldObject,
    after: {
      ...rest,
      apiVersion: object.apiVersion,
      kind: object.kind,
      metadata: object.metadata,
      ...(stored === undefined ? {} : { status: stored }),
    },
  };
}

/** Returns the versions of the object that a change has, the one after it first. */
export function versionsOf({ before, after }: Change): KubeObject[] {
  return [after, before].filter((version) => version !== undefined);
}

/**
 * Returns the world before changes.
 *
 * @param base - May lag behind: where it differs from the old objects of the changes, those count.
 */
export function worldBefore(base: World, changes: readonly Change[]): World {
  const olds = changes.flatMap(({ before }) => before ?? []);
  const created = changes.flatMap(({ before, after }) =>
    before === undefined && after !== undefined ? [keyOf(after)] : [],
  );
  return new Overlay(base, olds, created);
}

/** Returns the world after changes. */
export function worldAfter(base: World, changes: readonly Change[]): World {
  const news = changes.flatMap(({ after }) => after ?? []);
  const deleted = changes.flatMap(({ before, after }) =>
    after === undefined && before !== undefined ? [keyOf(before)] : [],
  );
  return new Overlay(base, news, deleted);
}
