import { namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, optionalString, stringMap } from '../world/read.ts';
import type { World } from '../world/world.ts';

const NAME = 'app.kubernetes.io/name';
const COMPONENT = 'app.kubernetes.io/component';

/**
 * In: a world, and the namespaces to look in (all by default). Out: the service accounts that Rollouts controllers run as, as user names, sorted; none while Deployments are not known. A
 * controller is a Deployment labelled `app.kubernetes.io/name: argo-rollouts` (Argo Rollouts v1.9.1, `manifests/base`). Costs a look at every Deployment.
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
  const found: KubeObject[] = [];
  for (const namespace of namespaces ?? [undefined]) {
    const listing = world.list('Deployment.apps', namespace);
    if (listing.state === 'unknown') return undefined;
    found.push(...listing.objects.filter(isController));
  }
  return found;
}

function isController(deployment: KubeObject): boolean {
  const labels = stringMap(deployment.metadata['labels']);
  // The Helm chart labels its dashboard with the same name; what people do through a dashboard is theirs, not the controller's.
  return labels.get(NAME) === 'argo-rollouts' && !(labels.get(COMPONENT) ?? '').includes('dashboard');
}
