import { KINDS, type KindId } from '../world/object.ts';
import { asArray, dig, asString } from '../world/read.ts';
import { ApiError, type ApiClient } from './client.ts';

/** How an API server serves a kind. */
export interface Served {
  readonly kind: KindId;
  /** As in objects: `apps/v1`; the core group has no slash. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** How each kind is served. A kind that is not served has an empty list. A kind whose discovery failed is missing. */
export type Discovered = ReadonlyMap<KindId, readonly Served[]>;

// Traefik's kinds moved between groups, and a cluster may hold objects of both at once. Ingresses in `extensions` were
// the same objects as in the new group.
const OTHER_GROUPS: Partial<Record<KindId, readonly string[]>> = {
  'TraefikService.traefik.io': ['traefik.containo.us'],
};

// The fields of an autoscaler that rules read are the same in all versions, except that v1 keeps the metrics in an
// annotation.
const PREFERRED: Readonly<Record<string, string>> = { autoscaling: 'v2' };

/** Returns the API groups that may contain objects of a kind. */
export function groupsOf(kind: KindId): readonly string[] {
  return [KINDS[kind].group, ...(OTHER_GROUPS[kind] ?? [])];
}

/** Returns the names of the CustomResourceDefinitions of some kinds. */
export function definitionsOf(kinds: Iterable<KindId>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const kind of kinds) for (const group of groupsOf(kind)) names.add(`${KINDS[kind].plural}.${group}`);
  return names;
}

/**
 * Discovers in which groups and versions an API server serves some kinds. Of several versions it selects the one that
 * the API server prefers (autoscaling: v2) or, if that one lacks the kind, the first that has it. Throws as
 * `client.get` does if the groups cannot be read.
 */
export async function discover(client: ApiClient, kinds: readonly KindId[], signal: AbortSignal): Promise<Discovered> {
  const versions = groupVersions(await client.get({ path: '/apis', signal }));
  const resources = new Map<string, Promise<readonly unknown[] | undefined>>();
  const resourcesOf = (apiVersion: string): Promise<readonly unknown[] | undefined> => {
    let known = resources.get(apiVersion);
    if (known === undefined) {
      known = resourceList(client, apiVersion, signal);
      resources.set(apiVersion, known);
    }
    return known;
  };
  const found = new Map<KindId, readonly Served[]>();
  await Promise.all(
    kinds.map(async (kind) => {
      const places = await Promise.all(
        groupsOf(kind).map((group) => locate(kind, versions.get(group) ?? [], resourcesOf)),
      );
      const certain = places.filter((place) => place !== 'unreadable');
      if (certain.length === places.length)
        found.set(
          kind,
          certain.filter((place) => place !== undefined),
        );
    }),
  );
  return found;
}

async function locate(
  kind: KindId,
  apiVersions: readonly string[],
  resourcesOf: (apiVersion: string) => Promise<readonly unknown[] | undefined>,
): Promise<Served | undefined | 'unreadable'> {
  let readable = true;
  for (const apiVersion of apiVersions) {
    const resources = await resourcesOf(apiVersion);
    readable &&= resources !== undefined;
    const entry = resources?.find(
      (resource) => dig(resource, 'name') === KINDS[kind].plural && dig(resource, 'kind') === KINDS[kind].kind,
    );
    if (entry === undefined) continue;
    const verbs = asArray(dig(entry, 'verbs'));
    if (!verbs.includes('list') || !verbs.includes('watch')) continue;
    return { kind, apiVersion, plural: KINDS[kind].plural, namespaced: KINDS[kind].namespaced };
  }
  return readable ? undefined : 'unreadable';
}

/**
 * Returns the API versions of each group, the preferred one first.
 * @param list - The response of `/apis`.
 */
function groupVersions(list: unknown): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>([['', ['v1']]]);
  for (const group of asArray(dig(list, 'groups'))) {
    const name = asString(dig(group, 'name'));
    const served = asArray(dig(group, 'versions')).map((version) => asString(dig(version, 'groupVersion')));
    const preferred = [
      `${name}/${PREFERRED[name] ?? ''}`,
      asString(dig(group, 'preferredVersion', 'groupVersion')),
    ].filter((version) => served.includes(version));
    groups.set(
      name,
      [...new Set([...preferred, ...served])].filter((version) => version.startsWith(`${name}/`)),
    );
  }
  return groups;
}

/** Returns the resources of a group and version; none if it does not exist; undefined if that cannot be determined. */
async function resourceList(
  client: ApiClient,
  apiVersion: string,
  signal: AbortSignal,
): Promise<readonly unknown[] | undefined> {
  try {
    return asArray(dig(await client.get({ path: basePath(apiVersion), signal }), 'resources'));
  } catch (error) {
    return error instanceof ApiError && error.status === 404 ? [] : undefined;
  }
}

function basePath(apiVersion: string): string {
  return (apiVersion.includes('/') ? ['apis', ...apiVersion.split('/')] : ['api', apiVersion])
    .map((part) => `/${encodeURIComponent(part)}`)
    .join('');
}

/** Returns the path of the objects of a kind, or of one object. Namespace and name must be valid. */
export function pathOf(served: Served, namespace?: string, name?: string): string {
  const parts: string[] = [];
  if (namespace !== undefined && served.namespaced) parts.push('namespaces', namespace);
  parts.push(served.plural);
  if (name !== undefined) parts.push(name);
  return `${basePath(served.apiVersion)}${parts.map((part) => `/${encodeURIComponent(part)}`).join('')}`;
}
