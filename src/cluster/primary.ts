import type { KindId } from '../world/object.ts';
import { asArray, dig } from '../world/read.ts';
import { ApiError, type ApiClient } from './client.ts';

/** The kinds that live in the primary cluster of a mesh. */
export const MESH_KINDS: readonly KindId[] = [
  'VirtualService.networking.istio.io',
  'DestinationRule.networking.istio.io',
];

/**
 * In: an API server, the namespaces in which Rollouts controllers run (undefined: not known, any), and a signal. Out:
 * whether a controller there takes its VirtualServices and DestinationRules from another cluster: a Secret labelled for
 * it exists beside it (Argo Rollouts v1.9.1, `utils/istio`). Of the Secrets only metadata is read; where they may not
 * be listed, it is taken that there is none. Throws, as `client.get` does, what is no refusal.
 */
export async function hasPrimaryCluster(
  client: ApiClient,
  namespaces: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const paths = namespaces?.map((namespace) => `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`) ?? [
    '/api/v1/secrets',
  ];
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
