import { controllerAccounts, NO_CONTROLLERS, type ControllerAccounts } from '../../cluster/controllers.ts';
import type { Policy } from '../../policy/policy.ts';
import { areSameVersions, supportedRange, type SupportedRange } from '../../world/rollouts-versions.ts';
import type { World } from '../../world/world.ts';
import { judgedVersions } from '../versions.ts';

// Which Deployments are controllers hardly ever changes: once a second is often enough.
const INTERVAL = 1_000;

/** Returns a function that returns the accounts of controllers in a world, as the policy in effect has them discovered. */
export function discoveryIn(world: World, policy: () => Policy): () => ControllerAccounts {
  let found = NO_CONTROLLERS;
  let foundBy: Policy | undefined;
  let foundAt = Number.NEGATIVE_INFINITY;
  return () => {
    const current = policy();
    // That none was found is not remembered: a cache that is read an instant later knows them.
    const isKnown = found.trusted.length + found.untrusted.length > 0;
    if (!isKnown || current !== foundBy || performance.now() - foundAt > INTERVAL) {
      const { discover, namespaces } = current.controllers;
      found = discover ? controllerAccounts(world, namespaces) : NO_CONTROLLERS;
      foundBy = current;
      foundAt = performance.now();
    }
    return found;
  };
}

/**
 * Returns a function that returns the releases of Argo Rollouts that a world is judged for. It returns the same range as
 * long as that has not changed.
 */
export function versionsIn(policy: () => Policy): (world: World) => SupportedRange {
  let range = supportedRange([]);
  let foundBy: Policy | undefined;
  let foundAt = Number.NEGATIVE_INFINITY;
  return (world) => {
    const current = policy();
    if (current === foundBy && performance.now() - foundAt < INTERVAL) return range;
    const found = judgedVersions(world, current);
    if (!areSameVersions(found.versions, range.versions) || found.isClamped !== range.isClamped) range = found;
    foundBy = current;
    foundAt = performance.now();
    return range;
  };
}
