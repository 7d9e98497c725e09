import { CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node';
import { KINDS, namespaceOf, type KindId, type KubeObject } from '../world/object.ts';
import { messageOf } from '../world/error.ts';
import { answered } from './api-error.ts';
import { requestOptions } from './request-options.ts';

// Longer than the API server waits for a webhook.
const TIMEOUT = 40_000;
// The values of several headers of one name are joined. The API server writes the code 299, and "-" as the agent.
const WARNING = /299 - "((?:[^"\\]|\\.)*)"/g;

/**
 * Creates an object in a server-side dry run: the API server asks all webhooks, and stores nothing.
 *
 * @returns The warnings of the API server.
 * @throws ApiError if the API server rejects it, with what it says; another Error if it does not answer.
 */
export async function createDryRun(kubeConfig: KubeConfig, kind: KindId, object: KubeObject): Promise<string[]> {
  const api = kubeConfig.makeApiClient(CustomObjectsApi);
  const { group, plural } = KINDS[kind];
  const place = {
    group,
    plural,
    version: object.apiVersion.split('/').at(-1) ?? '',
    namespace: namespaceOf(object),
  };
  let warnings: string[] = [];
  await answered(
    api
      .createNamespacedCustomObjectWithHttpInfo(
        { ...place, body: object, dryRun: 'All' },
        requestOptions(TIMEOUT, () => performance.now()),
      )
      .then(({ headers }) => {
        warnings = [...(headers['warning'] ?? '').matchAll(WARNING)].map(([, text = '']) =>
          text.replaceAll(/\\(.)/g, '$1'),
        );
      })
      .catch((error: unknown) => {
        // All that fetch says is "fetch failed".
        if (!(error instanceof TypeError) || error.cause === undefined) throw error;
        throw new Error(`the API server cannot be reached: ${messageOf(error.cause)}`, { cause: error });
      }),
  );
  return warnings;
}
