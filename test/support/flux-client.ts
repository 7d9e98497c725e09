import type { KubeObject } from '../../src/world/object.ts';

// In the order of Flux (fluxcd/pkg, ssa/sort.go): these kinds first, then all others by API group and kind.
const FIRST = [
  'CustomResourceDefinition',
  'Namespace',
  'ResourceQuota',
  'StorageClass',
  'ServiceAccount',
  'PodSecurityPolicy',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'ConfigMap',
  'Secret',
  'Service',
  'LimitRange',
  'PriorityClass',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
];

/** Returns objects in the order in which Flux writes them: a Rollout always comes before its VirtualService and routes. */
export function inFluxOrder(objects: readonly KubeObject[]): KubeObject[] {
  const index = ({ kind }: KubeObject): number => (FIRST.includes(kind) ? FIRST.indexOf(kind) - FIRST.length : 0);
  const group = ({ apiVersion }: KubeObject): string =>
    apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const rest = (object: KubeObject): string => `${group(object)}\n${object.kind}\n${object.metadata.name}`;
  return objects.toSorted((a, b) => index(a) - index(b) || (rest(a) < rest(b) ? -1 : rest(a) > rest(b) ? 1 : 0));
}

/** How a client applies one object. Returns the denial, or undefined if it was admitted. */
export type Apply = (object: KubeObject, dryRun: boolean) => Promise<string | undefined>;

/**
 * Applies objects as kustomize-controller does (fluxcd/pkg, ssa/manager_apply.go): a dry run of everything, then the
 * writes, and nothing more after the first error. Returns that error.
 */
export async function applyLikeFlux(objects: readonly KubeObject[], apply: Apply): Promise<string | undefined> {
  const ordered = inFluxOrder(objects);
  for (const dryRun of [true, false])
    for (const object of ordered) {
      const error = await apply(object, dryRun);
      if (error !== undefined) return error;
    }
  return undefined;
}
