import { matchesGlob, SYSTEM_ACCOUNTS, type Policy } from '../policy/policy.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import { asArray, dig, isObject, asString } from '../world/read.ts';
import type { KubeObject } from '../world/object.ts';
import type { World } from '../world/world.ts';
import type { Request } from './review.ts';

/** Accounts that are never judged or touched. */
export interface ExemptAccounts {
  readonly all: ReadonlySet<string>;
  /** The Rollouts controllers' among them. */
  readonly controllers: ReadonlySet<string>;
}

/**
 * In: the policy, the controller accounts that were discovered, and the account Rollgate runs as. Out: all accounts
 * that are never judged or touched, and the controllers' among them.
 */
export function exemptAccounts(
  policy: Policy,
  discovered: readonly string[],
  self: string | undefined,
): ExemptAccounts {
  const controllers = new Set([...policy.controllers.accounts, ...discovered]);
  return {
    controllers,
    all: new Set([
      ...controllers,
      ...SYSTEM_ACCOUNTS,
      ...policy.exemptions.accounts,
      ...(self === undefined ? [] : [self]),
    ]),
  };
}

/**
 * In: a request, the policy, the exempt accounts, and the world. Out: why the request is neither judged nor touched, or
 * undefined if it is.
 */
export function exemption(
  request: Request,
  policy: Policy,
  accounts: ReadonlySet<string>,
  world: World,
): string | undefined {
  if (request.kindId === undefined) return `kind ${request.kind} is none of Rollgate's`;
  if (request.subresource !== '') return `subresource ${request.subresource}`;
  if (request.operation === 'CONNECT') return 'operation CONNECT';
  if (accounts.has(request.user.username)) return 'exempt account';
  if (request.namespace !== '' && policy.exemptions.namespaces.some((glob) => matchesGlob(glob, request.namespace)))
    return 'exempt namespace';
  if (request.object !== undefined && isBeingDeleted(request.object)) return 'being deleted';
  if (isTerminating(world, request.namespace)) return 'terminating namespace';
  return undefined;
}

/**
 * In: a world and a namespace. Out: whether the namespace is known to be going away; then nothing in it may be held up.
 */
export function isTerminating(world: World, namespace: string): boolean {
  if (namespace === '') return false;
  const found = world.get('Namespace', '', namespace);
  return (
    found.state === 'present' &&
    (isBeingDeleted(found.object) || dig(found.object, 'status', 'phase') === 'Terminating')
  );
}

/**
 * In: a request. Out: the field manager it writes as, or undefined if that cannot be told: the one it names, else the
 * entry of managedFields that the write renewed, else the newest one. Times are whole seconds, so in the middle of an
 * update a person's and the controller's entries are often equally new (Kubernetes v1.34,
 * apimachinery/pkg/util/managedfields).
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

/** In: a Rollout. Out: the field managers that write its status: the controller, whatever account it runs under. */
export function statusManagers(rollout: KubeObject): readonly string[] {
  return asArray(rollout.metadata['managedFields'])
    .filter((entry) => dig(entry, 'subresource') === 'status' || isObject(dig(entry, 'fieldsV1', 'f:status')))
    .map((entry) => asString(dig(entry, 'manager')))
    .filter((manager) => manager !== '');
}

/** The annotation by which a person with the right to do so suspends Rollgate for one object until a moment. */
export const BREAK_GLASS = 'rollgate.io/break-glass';

/**
 * In: an object and the time now, in milliseconds. Out: the reason given in its `rollgate.io/break-glass`, while that
 * holds; undefined if there is none, it is over, or it is malformed.
 */
export function breakGlassReason(object: KubeObject, now: number): string | undefined {
  const value = asString(dig(object.metadata, 'annotations', BREAK_GLASS)).trim();
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))\s+(\S.*)$/.exec(value);
  const [, expiry = '', reason = ''] = match ?? [];
  const until = Date.parse(expiry);
  return Number.isFinite(until) && until > now ? reason : undefined;
}
