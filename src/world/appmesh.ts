import { namespaceOf, type KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { dig, isObject, optionalString, asString } from './read.ts';

/** Where a VirtualService of App Mesh names its virtual router. */
export const VIRTUAL_ROUTER_PATH: Path = ['spec', 'provider', 'virtualRouter', 'virtualRouterRef'];

/**
 * In: a VirtualService of App Mesh. Out: the virtual router behind it; undefined where it has none. Source: Argo
 * Rollouts v1.9.1, `rollout/trafficrouting/appmesh` (`GetVirtualRouterCRForVirtualService`).
 */
export function virtualRouterOf(
  virtualService: KubeObject,
): { readonly namespace: string; readonly name: string } | undefined {
  const ref = dig(virtualService, ...VIRTUAL_ROUTER_PATH.map(String));
  return isObject(ref)
    ? { namespace: optionalString(ref['namespace']) ?? namespaceOf(virtualService), name: asString(ref['name']) }
    : undefined;
}
