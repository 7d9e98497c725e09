import { namespaceOf, type KubeObject } from '../world/object.ts';
import { GATEWAY_PLUGIN } from '../world/gateway.ts';
import { routerPluginVersions } from '../world/plugins.ts';
import { asArray, asString, dig, optionalString } from '../world/read.ts';
import { CONTROLLERS } from '../world/references.ts';
import {
  parseVersion,
  supportedRange,
  type ReleaseRange,
  type SupportedRange,
  unionOf,
} from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import { CONTROLLER_CONFIG } from './trim.ts';

// Argo Rollouts v1.9.3 and v1.10.1, manifests/base, and the Helm chart of the Argo project.
const CONTROLLER_CONTAINER = 'argo-rollouts';

/** Service accounts as user names, sorted. */
export interface ControllerAccounts {
  /** The accounts of controllers in the namespaces that the policy names. */
  readonly trusted: readonly string[];
  /** The accounts elsewhere that look like those of a controller. Everybody who may create a Deployment can have one. */
  readonly untrusted: readonly string[];
}

/** No account of a controller. */
export const NO_CONTROLLERS: ControllerAccounts = { trusted: [], untrusted: [] };

/**
 * Returns the service accounts of the Rollouts controllers; none while Deployments are unknown. A controller is a
 * Deployment labelled `app.kubernetes.io/name: argo-rollouts` (Argo Rollouts v1.9.1, `manifests/base`). Takes time in
 * proportion to the number of such Deployments.
 *
 * @param trustedNamespaces - The namespaces in which a label is enough to be trusted, by exact name.
 */
export function controllerAccounts(world: World, trustedNamespaces: readonly string[]): ControllerAccounts {
  const deployments = controllers(world);
  const isTrusted = (deployment: KubeObject): boolean => trustedNamespaces.includes(namespaceOf(deployment));
  return {
    trusted: accountsOf(deployments.filter(isTrusted)),
    untrusted: accountsOf(deployments.filter((deployment) => !isTrusted(deployment))),
  };
}

/**
 * Returns the releases of Argo Rollouts in the images of the controllers in the namespaces that the policy names, from the
 * least to the greatest, within what is supported. All that are supported, if there is none, or an image has no version: a
 * digest, `latest`, a build of one's own. Controllers elsewhere do not count: everybody who may create a Deployment can
 * have one, and must not choose what is denied to others.
 *
 * @param trustedNamespaces - As of `controllerAccounts`.
 */
export function controllerVersions(world: World, trustedNamespaces: readonly string[]): SupportedRange {
  const trusted = controllers(world).filter((deployment) => trustedNamespaces.includes(namespaceOf(deployment)));
  const ranges = trusted.map(versionOf);
  const known = ranges.filter((range) => range !== undefined);
  return supportedRange(known.length < ranges.length ? [] : known);
}

/**
 * Returns the releases of the Gateway API plugin that the controllers in these namespaces load. Undefined if that is not
 * known: no controller, its ConfigMap is unknown or has no such plugin, or the location names no release.
 *
 * @param trustedNamespaces - As of `controllerAccounts`.
 */
export function gatewayPluginVersions(world: World, trustedNamespaces: readonly string[]): ReleaseRange | undefined {
  const trusted = controllers(world)
    .map(namespaceOf)
    .filter((namespace) => trustedNamespaces.includes(namespace));
  const ranges = [...new Set(trusted)].flatMap((namespace) => {
    const found = world.get('ConfigMap', namespace, CONTROLLER_CONFIG);
    return found.state === 'present' ? routerPluginVersions(found.object, GATEWAY_PLUGIN) : [undefined];
  });
  const known = ranges.filter((range) => range !== undefined);
  return known.length < ranges.length ? undefined : unionOf(known);
}

function versionOf(deployment: KubeObject): ReleaseRange | undefined {
  const containers = asArray(dig(deployment, 'spec', 'template', 'spec', 'containers'));
  // Next to the controller there may be sidecars, with versions of their own.
  const [first, second] = containers.filter((container) => dig(container, 'name') === CONTROLLER_CONTAINER);
  const only = containers.length === 1 ? containers[0] : second === undefined ? first : undefined;
  const image = asString(dig(only, 'image'));
  return image.includes('@') ? undefined : parseVersion(image.slice(image.lastIndexOf(':') + 1));
}

function accountsOf(deployments: readonly KubeObject[]): readonly string[] {
  const accounts = deployments.map((deployment) => {
    const account = optionalString(dig(deployment, 'spec', 'template', 'spec', 'serviceAccountName')) ?? 'default';
    return `system:serviceaccount:${namespaceOf(deployment)}:${account}`;
  });
  return [...new Set(accounts)].sort();
}

function controllers(world: World): readonly KubeObject[] {
  // Looks up a name that cannot exist, only to learn whether Deployments are known: listing them would copy thousands.
  return world.get('Deployment.apps', '', '').state === 'unknown' ? [] : world.referrers(CONTROLLERS);
}
