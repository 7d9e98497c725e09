import { KINDS, type KindId } from '../world/object.ts';
import { asArray, dig, asString } from '../world/read.ts';
import { ApiError, type ApiClient } from './client.ts';

/** Where an API server serves a kind. */
export interface Served {
  readonly kind: KindId;
  /** As objects name it: `apps/v1`; the core group has no slash. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/**
 * Where each kind is served; a kind that is not served has an empty list, one that could not be asked about is not in
 * it.
 */
export type Discovered = ReadonlyMap<KindId, readonly Served[]>;

// Traefik's kinds moved between groups, and a cluster may hold objects of both at once; where `extensions` still served
// Ingresses they were the same objects.
const OTHER_GROUPS: Partial<Record<KindId, readonly string[]>> = {
  'TraefikService.traefik.io': ['traefik.containo.us'],
};

// What rules read of an autoscaler is the same in all versions; v1 alone hides the metrics in an annotation.
const PREFERRED: Readonly<Record<string, string>> = { autoscaling: 'v2' };

/** In: a kind. Out: the API groups in which its objects may be found. */
export function groupsOf(kind: KindId): readonly string[] {
  return [KINDS[kind].group, ...(OTHER_GROUPS[kind] ?? [])];
}

/** In: kinds. Out: the names that their CustomResourceDefinitions have. */
export function definitionsOf(kinds: Iterable<KindId>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const kind of kinds) for (const group of groupsOf(kind)) names.add(`${KINDS[kind].plural}.${group}`);
  return names;
}

/**
 * In: an API server, the kinds of interest, and a signal. Out: in which groups and versions it serves them. Of several
 * versions it is the one that the API server prefers (autoscaling: v2), and where that one lacks the kind, the first
 * that has it. Throws, as `client.get` does, when it cannot even tell its groups.
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

/** In: what `/apis` says. Out: the API versions of each group, the preferred one first. */
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

/** Out: the resources of a group and version; none if it is not there; undefined if that cannot be told. */
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

/**
 * In: where a kind is served, and optionally a namespace and a name, which must be valid ones. Out: the path of these
 * objects, or of this one.
 */
export function pathOf(served: Served, namespace?: string, name?: string): string {
  const parts: string[] = [];
  if (namespace !== undefined && served.namespaced) parts.push('namespaces', namespace);
  parts.push(served.plural);
  if (name !== undefined) parts.push(name);
  return `${basePath(served.apiVersion)}${parts.map((part) => `/${encodeURIComponent(part)}`).join('')}`;
}
