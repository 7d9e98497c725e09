import { namespaceOf, type KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { dig, isObject, optionalString, asString } from './read.ts';

/** The path of the virtual router in an App Mesh VirtualService. */
export const VIRTUAL_ROUTER_PATH: Path = ['spec', 'provider', 'virtualRouter', 'virtualRouterRef'];

/**
 * Returns the virtual router of an App Mesh VirtualService, or undefined. Source: Argo Rollouts v1.9.1,
 * `rollout/trafficrouting/appmesh` (`GetVirtualRouterCRForVirtualService`).
 */
export function virtualRouterOf(
  virtualService: KubeObject,
): { readonly namespace: string; readonly name: string } | undefined {
  const ref = dig(virtualService, ...VIRTUAL_ROUTER_PATH.map(String));
  return isObject(ref)
    ? { namespace: optionalString(ref['namespace']) ?? namespaceOf(virtualService), name: asString(ref['name']) }
    : undefined;
}
