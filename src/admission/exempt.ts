import { matchesGlob, SYSTEM_ACCOUNTS, type Policy } from '../policy/policy.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import { dig } from '../world/read.ts';
import type { World } from '../world/world.ts';
import type { Request } from './review.ts';

/** Accounts whose requests are never evaluated or changed. */
export interface ExemptAccounts {
  readonly all: ReadonlySet<string>;
  /** Those of the Rollouts controllers. */
  readonly controllers: ReadonlySet<string>;
}

/**
 * Returns the accounts whose requests are never evaluated or changed.
 *
 * @param discovered - The controller accounts that were found in the cluster.
 * @param self - The account that Rollgate runs as, if it has one.
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

/** Returns why a request is neither evaluated nor changed, or undefined if it is. */
export function exemption(
  request: Request,
  policy: Policy,
  accounts: ReadonlySet<string>,
  world: World,
): string | undefined {
  if (request.kindId === undefined) return `Rollgate does not handle kind ${request.kind}`;
  if (request.subresource !== '') return `subresource ${request.subresource}`;
  if (request.operation === 'CONNECT') return 'operation CONNECT';
  if (accounts.has(request.user.username)) return 'exempt account';
  if (request.namespace !== '' && policy.exemptions.namespaces.some((glob) => matchesGlob(glob, request.namespace)))
    return 'exempt namespace';
  if (request.object !== undefined && isBeingDeleted(request.object)) return 'being deleted';
  if (isTerminating(world, request.namespace)) return 'terminating namespace';
  return undefined;
}

/** Returns whether a namespace is known to be terminating: nothing in it may be held up then. */
export function isTerminating(world: World, namespace: string): boolean {
  if (namespace === '') return false;
  const found = world.get('Namespace', '', namespace);
  return (
    found.state === 'present' &&
    (isBeingDeleted(found.object) || dig(found.object, 'status', 'phase') === 'Terminating')
  );
}
