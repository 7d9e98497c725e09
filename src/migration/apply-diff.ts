import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../world/object.ts';
import { asArray, dig, isObject, asObject, type JsonObject } from '../world/read.ts';

/** The field manager that applies Rollouts. */
export const MANAGER = 'rollgate';
/**
 * The field manager that creates Rollouts, with their count. A count in what is applied would be taken from an
 * autoscaler or user, and one that is no longer applied would be deleted.
 */
export const CREATOR = 'rollgate-create';

/**
 * Returns whether applying a Rollout would change the live one: an applied value differs, or a field that was applied
 * before is no longer applied. What others have added belongs to them.
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
 * Returns the managedFields of a Rollout with everything that Rollgate wrote by other means than applying moved to what
 * it applies, except the count. Only then does a field disappear when it is no longer applied. Undefined where this was
 * done before.
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
