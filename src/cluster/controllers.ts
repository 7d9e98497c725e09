import { namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, optionalString } from '../world/read.ts';
import { CONTROLLERS } from '../world/references.ts';
import type { World } from '../world/world.ts';

/**
 * Returns the service accounts of the Rollouts controllers as user names, sorted; none while Deployments are unknown. A
 * controller is a Deployment labelled `app.kubernetes.io/name: argo-rollouts` (Argo Rollouts v1.9.1, `manifests/base`).
 * Takes time in proportion to the number of such Deployments.
 * @param namespaces - The namespaces to search; all by default.
 */
export function controllerAccounts(world: World, namespaces?: readonly string[]): readonly string[] {
  const accounts = (controllers(world, namespaces) ?? []).map((deployment) => {
    const account = optionalString(dig(deployment, 'spec', 'template', 'spec', 'serviceAccountName')) ?? 'default';
    return `system:serviceaccount:${namespaceOf(deployment)}:${account}`;
  });
  return [...new Set(accounts)].sort();
}

/** Returns the namespaces in which the controllers run, sorted; undefined while Deployments are unknown. */
export function controllerNamespaces(world: World, namespaces?: readonly string[]): readonly string[] | undefined {
  const deployments = controllers(world, namespaces);
  return deployments === undefined ? undefined : [...new Set(deployments.map(namespaceOf))].sort();
}

function controllers(world: World, namespaces: readonly string[] | undefined): readonly KubeObject[] | undefined {
  // Looks up a name that cannot exist, only to learn whether Deployments are known: listing them would copy thousands.
  if ((namespaces ?? ['']).some((namespace) => world.get('Deployment.apps', namespace, '').state === 'unknown'))
    return undefined;
  const found = world.referrers(CONTROLLERS);
  return namespaces === undefined ? found : found.filter((deployment) => namespaces.includes(namespaceOf(deployment)));
}
