import { controllerVersions } from '../cluster/controllers.ts';
import { namedVersions, type Policy } from '../policy/policy.ts';
import { supportedRange, type SupportedRange } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';

/**
 * Returns the releases of Argo Rollouts that a world is judged for: those that the policy names, else those in the images
 * of the controllers, else all that are supported.
 */
export function judgedVersions(world: World, policy: Policy): SupportedRange {
  const { discover, namespaces } = policy.controllers;
  return namedVersions(policy) ?? (discover ? controllerVersions(world, namespaces) : supportedRange([]));
}
