import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/**
 * Returns the namespace and the name that an option gives as `NAMESPACE/NAME`.
 *
 * @throws Error with a sentence for the user if it is not of that form.
 */
export function namespacedName(option: string, given: string): [namespace: string, name: string] {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(given) ?? [];
  if (namespace === undefined || name === undefined)
    throw new Error(`${option}: use NAMESPACE/NAME instead of ${JSON.stringify(given)}`);
  return [namespace, name];
}

/**
 * Returns the name of this process as a holder of a Lease. Two processes of one pod in a row are two holders: requests
 * of the first may still be in progress.
 */
export function newHolder(): string {
  return `${hostname()}-${randomBytes(4).toString('hex')}`;
}
