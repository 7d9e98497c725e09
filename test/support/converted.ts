import type { KubeObject } from '../../src/world/object.ts';
import type { JsonObject } from '../../src/world/read.ts';

/**
 * Returns the Deployment "web" of namespace "shop".
 *
 * @param annotations - Those of Rollgate, by the part of their name after the slash.
 */
export function webDeployment(
  annotations: Readonly<Record<string, string>>,
  { replicas, image = 'web:1' }: { readonly replicas?: number | undefined; readonly image?: string } = {},
  metadata: JsonObject = {},
): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'd-1',
      annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`rollgate.io/${key}`, value])),
      ...metadata,
    },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
    },
  };
}

/** Returns the Rollout that was made from that Deployment, healthy and with all its pods. */
export function webRollout(replicas: number, strategy: JsonObject, status: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'r-1',
      annotations: { 'rollgate.io/converted-from': 'web', 'rollgate.io/replicas': String(replicas) },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true }],
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', scaleDown: 'onsuccess' },
      strategy,
    },
    status: { phase: 'Healthy', currentPodHash: 'a', stableRS: 'a', availableReplicas: replicas, ...status },
  };
}
