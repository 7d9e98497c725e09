import { asArray, asObject, asString, dig, isObject } from '../world/read.ts';
import { keyOf, type KubeObject } from '../world/object.ts';
import { trafficRoutingOf } from '../world/rollout.ts';
import type { Request } from './review.ts';

/**
 * Returns a sentence where a request seems to come from the Rollouts controller under an account that is not known: it
 * writes as the field manager that writes the status of a Rollout, or as one of its router plugins. To keep anything
 * then would freeze every canary.
 *
 * @param drivers - The Rollouts that drive the object of the request.
 */
export function tripwire(request: Request, drivers: readonly KubeObject[]): string | undefined {
  const writer = writerOf(request);
  if (writer === undefined) return undefined;
  const by = `${request.user.username} writes as ${writer}`;
  for (const rollout of drivers) {
    if (statusManagers(rollout).includes(writer))
      return `${by}, the manager of the status of Rollout ${keyOf(rollout)}`;
    if (pluginManagers(rollout).includes(writer)) return `${by}, a router plugin of Rollout ${keyOf(rollout)}`;
  }
  return undefined;
}

/**
 * Returns the field managers of the router plugins of a Rollout. The controller runs the plugin `NAMESPACE/NAME` as the
 * program `plugin-bin/NAMESPACE/NAME` (Argo Rollouts v1.9.1, `utils/plugin`), and a client that names no field manager
 * writes as the name of its program (client-go, `rest.DefaultKubernetesUserAgent`). The Gateway API plugin v0.15.0 names
 * none. Who owns the weights proves nothing: a user who has applied the manifest owns them too.
 */
function pluginManagers(rollout: KubeObject): readonly string[] {
  return Object.keys(asObject(trafficRoutingOf(rollout)?.['plugins'])).map((plugin) =>
    plugin.slice(plugin.lastIndexOf('/') + 1),
  );
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
