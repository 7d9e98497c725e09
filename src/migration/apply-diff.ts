import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../world/object.ts';
import { asArray, dig, isObject, asObject, type JsonObject } from '../world/read.ts';

/** The field manager that applies Rollouts. */
export const MANAGER = 'rollgate';
/**
 * The field manager that creates them, count and all: a count in what is applied would be taken from whoever scales,
 * and one that is given up would be deleted.
 */
export const CREATOR = 'rollgate-create';

/**
 * In: a Rollout as it is and as it would be applied. Out: whether applying it would change anything: what is applied
 * differs, or something that was applied before is applied no longer. What others have added beside it is theirs.
 */
export function differs(live: KubeObject, applied: KubeObject): boolean {
  const [has, wants] = [asObject(live['spec']), asObject(applied['spec'])];
  if (Object.keys(wants).some((field) => !isDeepStrictEqual(has[field], wants[field]))) return true;
  if (ownedFields(live).some((field) => field !== 'replicas' && field in has && !(field in wants))) return true;
  const covers = (key: 'labels' | 'annotations'): boolean =>
    Object.entries(asObject(applied.metadata[key])).every(([name, value]) => dig(live.metadata, key, name) === value);
  return (
    !covers('labels') ||
    !covers('annotations') ||
    !asArray(applied.metadata['ownerReferences']).every((owner) =>
      asArray(live.metadata['ownerReferences']).some((known) => sameOwner(known, owner)),
    )
  );
}

/**
 * In: a Rollout. Out: its managedFields with all that Rollgate wrote in other ways than by applying made part of what
 * it applies, the count excepted: only then does a field that is applied no longer go away. Undefined where that has
 * been done.
 */
export function handedOver(live: KubeObject): readonly unknown[] | undefined {
  const entries = asArray(live.metadata['managedFields']);
  const own = entries.filter((entry) => dig(entry, 'subresource') === undefined && isOwn(entry));
  const written = own.filter((entry) => dig(entry, 'operation') !== 'Apply' && !isCountOnly(entry));
  const [first] = written;
  if (!isObject(first)) return undefined;
  const all = own.reduce<JsonObject>((fields, entry) => union(fields, asObject(dig(entry, 'fieldsV1'))), {});
  const { 'f:replicas': replicas, ...spec } = asObject(all['f:spec']);
  const applied = { ...first, manager: MANAGER, operation: 'Apply', fieldsV1: { ...all, 'f:spec': spec } };
  const count = { ...first, manager: CREATOR, operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': replicas } } };
  return [...entries.filter((entry) => !own.includes(entry)), applied, ...(replicas === undefined ? [] : [count])];
}

function isOwn(entry: unknown): boolean {
  const manager = dig(entry, 'manager');
  return manager === MANAGER || manager === CREATOR;
}

function isCountOnly(entry: unknown): boolean {
  const fields = asObject(dig(entry, 'fieldsV1'));
  return Object.keys(fields).length === 1 && Object.keys(asObject(fields['f:spec'])).join() === 'f:replicas';
}

function union(a: JsonObject, b: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) merged[key] = union(asObject(merged[key]), asObject(value));
  return merged;
}

function ownedFields(live: KubeObject): string[] {
  return asArray(live.metadata['managedFields'])
    .filter((entry) => isOwn(entry) && dig(entry, 'subresource') === undefined)
    .flatMap((entry) => Object.keys(asObject(dig(entry, 'fieldsV1', 'f:spec'))))
    .map((field) => field.replace(/^f:/, ''));
}

function sameOwner(known: unknown, owner: unknown): boolean {
  return dig(known, 'uid') === dig(owner, 'uid');
}
