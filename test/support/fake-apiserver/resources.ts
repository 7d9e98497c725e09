import { KINDS, type KindId } from '../../../src/world/object.ts';
import type { JsonObject } from '../../../src/world/read.ts';

/** A kind that the server serves. */
export interface Resource {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** The first is the one that the group prefers. */
  readonly versions: readonly string[];
}

const BUILT_IN: readonly string[] = ['', 'apps', 'autoscaling', 'policy', 'networking.k8s.io', 'apiextensions.k8s.io'];

const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  autoscaling: ['v2', 'v1'],
  'argoproj.io': ['v1alpha1'],
  'networking.istio.io': ['v1', 'v1beta1', 'v1alpha3'],
  'keda.sh': ['v1alpha1'],
  'split.smi-spec.io': ['v1alpha2', 'v1alpha1'],
  'getambassador.io': ['v3alpha1', 'v2'],
  'traefik.io': ['v1alpha1'],
  'apisix.apache.org': ['v2'],
  'appmesh.k8s.aws': ['v1beta2'],
};

// Resources whose versions differ from those that their group prefers.
const ONLY_VERSIONS: Partial<Record<KindId, readonly string[]>> = {
  'HTTPRoute.gateway.networking.k8s.io': ['v1', 'v1beta1'],
  'GRPCRoute.gateway.networking.k8s.io': ['v1'],
  'TCPRoute.gateway.networking.k8s.io': ['v1alpha2'],
  'TLSRoute.gateway.networking.k8s.io': ['v1alpha2'],
};

/** The resource of CustomResourceDefinitions, which every server serves. */
export const DEFINITIONS: Resource = {
  group: 'apiextensions.k8s.io',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
  versions: ['v1'],
};

/** Returns a kind as a resource of a group, in the given versions or in those that real clusters serve. */
export function resourceOf(kind: KindId, group: string, versions: readonly string[] | undefined): Resource {
  const { plural, namespaced } = KINDS[kind];
  return {
    group,
    plural,
    kind: KINDS[kind].kind,
    namespaced,
    versions: versions ?? ONLY_VERSIONS[kind] ?? VERSIONS[group] ?? ['v1'],
  };
}

/** Returns whether the API server serves a group itself, without CustomResourceDefinitions. */
export function isBuiltIn(group: string): boolean {
  return BUILT_IN.includes(group);
}

/** Returns group and plural, as in `apps/deployments` and `/services`. */
export function titleOf({ group, plural }: Resource): string {
  return `${group}/${plural}`;
}

/** Returns the key of an object among those of its resource. */
export function keyIn(resource: Resource, namespace: string | undefined, name: string): string {
  return resource.namespaced ? `${namespace ?? ''}/${name}` : name;
}

/** Returns the discovery document at a path, or undefined if there is none. */
export function discoveryAt(path: string, resources: readonly Resource[]): JsonObject | undefined {
  if (path === '/apis') return groupList(resources);
  const match = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))$/.exec(path);
  if (match === null) return undefined;
  const group = match[2] ?? '';
  const version = match[1] ?? match[3] ?? '';
  const served = resources.filter((resource) => resource.group === group && resource.versions.includes(version));
  if (served.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: served.flatMap(({ plural, kind, namespaced }) => [
      { name: plural, kind, namespaced, verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'] },
      { name: `${plural}/status`, kind, namespaced, verbs: ['get', 'patch', 'update'] },
    ]),
  };
}

function groupList(resources: readonly Resource[]): JsonObject {
  const groups = Map.groupBy(
    resources.filter(({ group }) => group !== ''),
    ({ group }) => group,
  );
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: [...groups].map(([name, members]) => {
      const versions = [...new Set(members.flatMap((member) => member.versions))].map((version) => ({
        groupVersion: `${name}/${version}`,
        version,
      }));
      return { name, versions, preferredVersion: versions[0] };
    }),
  };
}
