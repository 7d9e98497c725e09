import { namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, optionalString } from '../world/read.ts';
import { CONTROLLERS } from '../world/references.ts';
import type { World } from '../world/world.ts';

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
