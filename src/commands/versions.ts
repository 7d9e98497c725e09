import { controllerVersions, gatewayPluginVersions } from '../cluster/controllers.ts';
import { namedPluginVersions, namedVersions, type Policy } from '../policy/policy.ts';
import { supportedRange, type SupportedRange } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';

/**
 * Returns the releases of Argo Rollouts that a world is judged for: those that the policy names, else those in the images
 * of the controllers, else all that are supported. With it are the releases of the Gateway API plugin, from the policy or
 * from the ConfigMaps of the controllers.
 */
export function judgedVersions(world: World, policy: Policy): SupportedRange {
  const { discover, namespaces } = policy.controllers;
  const range = namedVersions(policy) ?? (discover ? controllerVersions(world, namespaces) : supportedRange([]));
  const plugin = namedPluginVersions(policy) ?? (discover ? gatewayPluginVersions(world, namespaces) : undefined);
  return plugin === undefined ? range : { ...range, versions: { ...range.versions, gatewayPlugin: plugin } };
}
