import jsonpatch from 'fast-json-patch';
import { matchesGlob } from '../policy/glob.ts';
import { SYSTEM_ACCOUNTS, type Policy } from '../policy/policy.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import { dig } from '../world/read.ts';
import type { World } from '../world/world.ts';
import type { Request } from './review.ts';

/** The accounts that are not treated like those of ordinary users. */
export interface KnownAccounts {
  /** Accounts whose requests are never evaluated or changed. */
  readonly exempt: ReadonlySet<string>;
  /** The accounts of the Rollouts controllers that the policy trusts. */
  readonly controllers: ReadonlySet<string>;
  /**
   * All accounts that may be those of a controller: nothing is kept in their requests, since that could freeze a canary.
   * Those that are not trusted have no other right.
   */
  readonly notKeptAgainst: ReadonlySet<string>;
}

/**
 * Returns the accounts that are not treated like those of ordinary users.
 *
 * @param discovered - The controller accounts that were found in the namespaces that the policy names.
 * @param untrusted - Those that were found elsewhere.
 * @param self - The account that Rollgate runs as, if it has one.
 */
export function knownAccounts(
  policy: Policy,
  discovered: readonly string[],
  untrusted: readonly string[],
  self: string | undefined,
): KnownAccounts {
  const controllers = new Set([...policy.controllers.accounts, ...discovered]);
  return {
    controllers,
    notKeptAgainst: new Set([...controllers, ...untrusted]),
    exempt: new Set([
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
  exempt: ReadonlySet<string>,
  world: World,
): string | undefined {
  if (request.kindId === undefined) return `Rollgate does not handle kind ${request.kind}`;
  if (request.subresource !== '') return `subresource ${request.subresource}`;
  if (request.operation === 'CONNECT') return 'operation CONNECT';
  if (exempt.has(request.user.username)) return 'exempt account';
  if (request.namespace !== '' && policy.exemptions.namespaces.some((glob) => matchesGlob(glob, request.namespace)))
    return 'exempt namespace';
  if (request.object !== undefined && isBeingDeleted(request.object)) return 'being deleted';
  if (isTerminating(world, request.namespace)) return 'terminating namespace';
  return undefined;
}

// What the API server writes by itself, and what a controller writes when it scales a Deployment.
const COUNT = /^\/(spec\/replicas|metadata\/(managedFields|resourceVersion|generation)(\/.*)?)$/;

/**
 * Returns whether a request changes nothing but the replica count of a Deployment, as Argo Rollouts does (v1.9.1,
 * `rollout/scale_utils.go`).
 */
export function onlyScales({ kindId, object, oldObject }: Request): boolean {
  if (kindId !== 'Deployment.apps' || object === undefined || oldObject === undefined) return false;
  return jsonpatch.compare(oldObject, object).every(({ path }) => COUNT.test(path));
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
