import { asArray, asString, dig } from '../../../src/world/read.ts';
import { Refused, type Api } from './api.ts';
import { until } from './program.ts';

const CONFIGURATIONS = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];

/** Returns the `caBundle` of each webhook of Rollgate, in PEM; empty where it is not set. */
export async function caBundles(api: Api): Promise<string[]> {
  const found = await Promise.all(CONFIGURATIONS.map((plural) => api.call('GET', pathOf(plural))));
  return found.flatMap(bundlesIn);
}

/**
 * Sets the `caBundle` of each webhook. The API server then opens new connections, and checks the certificates again.
 *
 * @param change - Returns the new bundle for the one that is there.
 */
export async function setCaBundles(api: Api, change: (bundle: string) => string): Promise<void> {
  for (const plural of CONFIGURATIONS)
    await until(`the bundles of ${plural}`, async () => {
      const configuration = await api.call('GET', pathOf(plural));
      const patch = bundlesIn(configuration).map((bundle, index) => ({
        op: 'add',
        path: `/webhooks/${index}/clientConfig/caBundle`,
        value: Buffer.from(change(bundle)).toString('base64'),
      }));
      return isPatched(api, plural, [versionOf(configuration), ...patch]);
    });
}

// Who keeps the bundles may write between the look and the patch, which would bring an older bundle back.
function versionOf(configuration: unknown): object {
  return { op: 'test', path: '/metadata/resourceVersion', value: dig(configuration, 'metadata', 'resourceVersion') };
}

async function isPatched(api: Api, plural: string, patch: readonly object[]): Promise<boolean> {
  try {
    await api.call('PATCH', pathOf(plural), patch, 'application/json-patch+json');
    return true;
  } catch (error) {
    // A patch whose test fails is invalid, and one that comes second a conflict.
    if (error instanceof Refused && [409, 422].includes(error.code)) return false;
    throw error;
  }
}

function pathOf(plural: string): string {
  return `/apis/admissionregistration.k8s.io/v1/${plural}/rollgate`;
}

function bundlesIn(configuration: unknown): string[] {
  return asArray(dig(configuration, 'webhooks')).map((webhook) =>
    Buffer.from(asString(dig(webhook, 'clientConfig', 'caBundle')), 'base64').toString(),
  );
}
