import { namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, optionalString } from '../world/read.ts';
import { CONTROLLERS } from '../world/references.ts';
import type { World } from '../world/world.ts';

/**
 * In: a world, and the namespaces to look in (all by default). Out: the service accounts that Rollouts controllers run
 * as, as user names, sorted; none while Deployments are not known. A controller is a Deployment labelled
 * `app.kubernetes.io/name: argo-rollouts` (Argo Rollouts v1.9.1, `manifests/base`). Costs as much as there are such
 * Deployments.
 */
export function controllerAccounts(world: World, namespaces?: readonly string[]): readonly string[] {
  const accounts = (controllers(world, namespaces) ?? []).map((deployment) => {
    const account = optionalString(dig(deployment, 'spec', 'template', 'spec', 'serviceAccountName')) ?? 'default';
    return `system:serviceaccount:${namespaceOf(deployment)}:${account}`;
  });
  return [...new Set(accounts)].sort();
}

/** The same of the namespaces in which the controllers run; undefined while Deployments are not known. */
export function controllerNamespaces(world: World, namespaces?: readonly string[]): readonly string[] | undefined {
  const deployments = controllers(world, namespaces);
  return deployments === undefined ? undefined : [...new Set(deployments.map(namespaceOf))].sort();
}

function controllers(world: World, namespaces: readonly string[] | undefined): readonly KubeObject[] | undefined {
  // Whether Deployments are known is told by asking for one that cannot be: their list would be made of thousands.
  if ((namespaces ?? ['']).some((namespace) => world.get('Deployment.apps', namespace, '').state === 'unknown'))
    return undefined;
  const found = world.referrers(CONTROLLERS);
  return namespaces === undefined ? found : found.filter((deployment) => namespaces.includes(namespaceOf(deployment)));
}
