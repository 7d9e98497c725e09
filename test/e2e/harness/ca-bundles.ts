import { asArray, asString, dig } from '../../../src/world/read.ts';
import type { Api } from './api.ts';

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
  for (const plural of CONFIGURATIONS) {
    const patch = bundlesIn(await api.call('GET', pathOf(plural))).map((bundle, index) => ({
      op: 'add',
      path: `/webhooks/${index}/clientConfig/caBundle`,
      value: Buffer.from(change(bundle)).toString('base64'),
    }));
    await api.call('PATCH', pathOf(plural), patch, 'application/json-patch+json');
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
