import { namespaceOf, type KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { asArray, asString, dig, isObject, optionalString } from './read.ts';
import { HASH_LABEL } from './rollout.ts';
import { routerConfig } from './routers.ts';

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

/** What a Rollout says about the routes of a virtual router. */
export interface AppMeshRef {
  /** The names of the routes; empty for all. */
  readonly routes: readonly string[];
  /** The virtual nodes, in the namespace of the Rollout. */
  readonly stable: string;
  readonly canary: string;
}

/** Returns what a Rollout says about its routes, or undefined if it does not use App Mesh. */
export function appMeshRefOf(rollout: KubeObject): AppMeshRef | undefined {
  const config = routerConfig(rollout, 'appMesh');
  if (config === undefined) return undefined;
  const nodes = config['virtualNodeGroup'];
  return {
    routes: asArray(dig(config, 'virtualService', 'routes')).map(asString),
    stable: asString(dig(nodes, 'stableVirtualNodeRef', 'name')),
    canary: asString(dig(nodes, 'canaryVirtualNodeRef', 'name')),
  };
}

/** The path of the hash in a virtual node. */
export const NODE_HASH_PATH: Path = ['spec', 'podSelector', 'matchLabels', HASH_LABEL];

// Argo Rollouts v1.9.1, rollout/trafficrouting/appmesh (defaultCanaryHash).
const NO_CANARY = 'canary-hash';

/**
 * Returns the hash that the controller wrote last into a virtual node, by the status; undefined if the status does not
 * say. The canary node never has the hash of the stable one: without a canary it gets a text that no pod has. Source:
 * Argo Rollouts v1.9.1, `rollout/trafficrouting/appmesh` (`UpdateHash`).
 */
export function recordedNodeHash(rollout: KubeObject, role: NodeRole): string | undefined {
  const hashOf = (each: NodeRole): string | undefined =>
    optionalString(dig(rollout, 'status', 'canary', 'weights', each, 'podTemplateHash'));
  const [stable, canary] = [hashOf('stable'), hashOf('canary')];
  if (role === 'stable' || stable === undefined) return stable;
  return canary === undefined || canary === stable ? NO_CANARY : canary;
}

/** Reports whether a hash is the one of a canary node without a canary. */
export function isNoCanary(hash: string | undefined): boolean {
  return hash === NO_CANARY;
}

/** The role of a virtual node for a Rollout. */
export type NodeRole = 'stable' | 'canary';

/** A route of a virtual router. */
export interface MeshRoute {
  readonly name: string;
  readonly targets: readonly MeshTarget[];
  /** The path of the targets. */
  readonly path: Path;
}

/** A virtual node to which a route sends a part of the traffic. */
export interface MeshTarget {
  readonly name: string;
  /** Empty for the namespace of the Rollout. */
  readonly namespace: string;
  readonly weight: unknown;
}

// Argo Rollouts v1.9.1, rollout/trafficrouting/appmesh (supportedRouteTypes): the first one in a route counts.
const ROUTE_TYPES = ['httpRoute', 'tcpRoute', 'http2Route', 'grpcRoute'];

/** Returns the routes of a virtual router that send traffic to virtual nodes by weight. */
export function meshRoutes(router: KubeObject): readonly MeshRoute[] {
  return asArray(dig(router, 'spec', 'routes')).flatMap((route, index): MeshRoute[] => {
    const type = ROUTE_TYPES.find((field) => isObject(dig(route, field)));
    const targets = type === undefined ? undefined : dig(route, type, 'action', 'weightedTargets');
    if (type === undefined || !Array.isArray(targets)) return [];
    return [
      {
        name: asString(dig(route, 'name')),
        path: ['spec', 'routes', index, type, 'action', 'weightedTargets'],
        targets: asArray(targets).map((target) => ({
          name: asString(dig(target, 'virtualNodeRef', 'name')),
          namespace: asString(dig(target, 'virtualNodeRef', 'namespace')),
          weight: dig(target, 'weight'),
        })),
      },
    ];
  });
}
