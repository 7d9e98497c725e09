import type { KubeObject } from '../../../src/world/object.ts';
import { dig, asString } from '../../../src/world/read.ts';
import { Refused, type Api } from './api.ts';
import { pathOf } from './paths.ts';
import { until } from './program.ts';

const ISTIO = 'networking.istio.io/v1';

/** In: a namespace and a name. Out: a Rollout of one pod with host-level splitting, and all that it refers to. */
export function shop(namespace: string, name: string): KubeObject[] {
  const labels = { app: name };
  const service = (role: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: `${name}-${role}` },
    spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  });
  return [service('stable'), service('canary'), virtualService(namespace, name), rollout(namespace, name, labels)];
}

function rollout(namespace: string, name: string, labels: Readonly<Record<string, string>>): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { namespace, name },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'app', image: 'shop:1', ports: [{ containerPort: 8080 }] }] },
      },
      strategy: {
        canary: {
          stableService: `${name}-stable`,
          canaryService: `${name}-canary`,
          trafficRouting: { istio: { virtualService: { name, routes: ['primary'] } } },
          steps: [{ setWeight: 20 }, { pause: {} }],
        },
      },
    },
  };
}

/** In: a namespace, the name of a shop, and how its route is called. Out: its VirtualService. */
export function virtualService(namespace: string, name: string, route = 'primary'): KubeObject {
  const destination = (role: string, weight: number): unknown => ({ destination: { host: `${name}-${role}` }, weight });
  return {
    apiVersion: ISTIO,
    kind: 'VirtualService',
    metadata: { namespace, name },
    spec: { hosts: [name], http: [{ name: route, route: [destination('stable', 100), destination('canary', 0)] }] },
  };
}

/**
 * In: an API, and a shop. Out: what the API server says to renaming the route that its Rollout names, in a dry run;
 * empty if it would let that through. Throws what is no refusal of an admission.
 */
export async function whyNotRenamed(api: Api, namespace: string, name: string): Promise<string> {
  const path = `${pathOf({ apiVersion: ISTIO, kind: 'VirtualService', namespace, name })}?dryRun=All`;
  try {
    await api.call(
      'PATCH',
      path,
      { spec: virtualService(namespace, name, 'renamed')['spec'] },
      'application/merge-patch+json',
    );
    return '';
  } catch (error) {
    if (error instanceof Refused && error.code === 422) return asString(dig(error.body, 'message'));
    throw error;
  }
}

/**
 * Sees whether Rollgate knows what happens now. That a route may not be renamed because a Rollout names it, it can only
 * know of a Rollout it was told of by a watch: no live read helps. In: an API, a namespace, and a name not used before.
 * Out: after how many milliseconds the verdict was right on a Rollout that is created now, with all it refers to, and
 * on its deletion thereafter.
 */
export async function learns(api: Api, namespace: string, name: string): Promise<{ came: number; went: number }> {
  const came = await timed(async () => {
    for (const object of shop(namespace, name))
      await until(`${object.kind} ${object.metadata.name}`, () => api.create(object));
    await until(
      'the verdict that follows from a new Rollout',
      async () => (await whyNotRenamed(api, namespace, name)).includes(`Rollout "${name}"`),
      PATIENCE,
    );
  });
  await api.call('DELETE', pathOf({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', namespace, name }));
  const went = await timed(() =>
    until(
      'the verdict that follows from a Rollout that went',
      async () => (await whyNotRenamed(api, namespace, name)) === '',
      PATIENCE,
    ),
  );
  return { came, went };
}

// Longer than anything takes that is not lost for good.
const PATIENCE = { within: 60_000, every: 50 };

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began);
}
