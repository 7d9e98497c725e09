import { asArray, asString, dig, isObject } from '../world/read.ts';
import { keyOf, type KubeObject } from '../world/object.ts';
import type { Request } from './review.ts';

/**
 * Returns a sentence where a request seems to come from the Rollouts controller under an account that is not exempt: it
 * writes as the field manager that writes the status of a Rollout. To keep anything then would freeze every canary.
 *
 * @param drivers - The Rollouts that drive the object of the request.
 */
export function tripwire(request: Request, drivers: readonly KubeObject[]): string | undefined {
  const writer = writerOf(request);
  if (writer === undefined) return undefined;
  const tripped = drivers.find((rollout) => statusManagers(rollout).includes(writer));
  return tripped === undefined
    ? undefined
    : `${request.user.username} writes as ${writer}, the manager of the status of Rollout ${keyOf(tripped)}`;
}

/**
 * Returns the field manager that a request writes as: the one it names, else the entry of managedFields that the write
 * renewed, else the newest one. Undefined if that cannot be told. Times are whole seconds, so in the middle of an update
 * a person's and the controller's entries are often equally new (Kubernetes v1.34, apimachinery/pkg/util/managedfields).
 */
export function writerOf({
  fieldManager,
  object,
  oldObject,
}: Pick<Request, 'fieldManager' | 'object' | 'oldObject'>): string | undefined {
  if (fieldManager !== '') return fieldManager;
  const before = new Set(asArray(oldObject?.metadata['managedFields']).map(stampOf));
  const entries = asArray(object?.metadata['managedFields']);
  const renewed = entries.filter((entry) => !before.has(stampOf(entry)));
  let newest: { time: string; manager: string } | undefined;
  for (const entry of renewed.length === 0 ? entries : renewed) {
    const time = asString(dig(entry, 'time'));
    if (newest === undefined || time >= newest.time) newest = { time, manager: asString(dig(entry, 'manager')) };
  }
  return newest?.manager === '' ? undefined : newest?.manager;
}

function stampOf(entry: unknown): string {
  return JSON.stringify(
    ['manager', 'operation', 'subresource', 'apiVersion', 'time'].map((field) => asString(dig(entry, field))),
  );
}

/** Returns the field managers that write the status of a Rollout: the controller, whatever account it runs under. */
export function statusManagers(rollout: KubeObject): readonly string[] {
  return asArray(rollout.metadata['managedFields'])
    .filter((entry) => dig(entry, 'subresource') === 'status' || isObject(dig(entry, 'fieldsV1', 'f:status')))
    .map((entry) => asString(dig(entry, 'manager')))
    .filter((manager) => manager !== '');
}
