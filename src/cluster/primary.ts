import type { KindId } from '../world/object.ts';
import { asArray, dig } from '../world/read.ts';
import { ApiError, type ApiClient } from './client.ts';

/** The kinds that are stored in the primary cluster of a mesh. */
export const MESH_KINDS: readonly KindId[] = [
  'VirtualService.networking.istio.io',
  'DestinationRule.networking.istio.io',
];

/**
 * Reports whether a controller reads its VirtualServices and DestinationRules from another cluster: then a Secret
 * labelled for it exists in its namespace (Argo Rollouts v1.9.1, `utils/istio`). Only the metadata of Secrets is read.
 * Without permission to list them the result is false. Throws all other errors as `client.get` does.
 * @param namespaces - The namespaces of the Rollouts controllers.
 */
export async function hasPrimaryCluster(
  client: ApiClient,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const paths = namespaces.map((namespace) => `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`);
  const answers = await Promise.all(paths.map((path) => hasSecret(client, path, signal)));
  return answers.includes(true);
}

async function hasSecret(client: ApiClient, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const list = await client.get({
      path,
      query: { labelSelector: 'istio.argoproj.io/primary-cluster=true', limit: '1' },
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      signal,
    });
    return asArray(dig(list, 'items')).length > 0;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return false;
    throw error;
  }
}
