import type { KubeObject } from '../../../src/world/object.ts';
import { dig, asString } from '../../../src/world/read.ts';
import { Refused, type Api } from './api.ts';
import { pathOf } from './paths.ts';
import { until } from './program.ts';

const ISTIO = 'networking.istio.io/v1';

/** Returns a Rollout of one pod with host-level traffic splitting, and all objects that it refers to. */
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

/** Returns the VirtualService of a shop. */
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
 * Returns why the API server rejects a dry run that renames the route of a shop's Rollout, or an empty string if it
 * allows that.
 *
 * @throws Error - If the dry run fails for another reason.
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
 * Measures how fast Rollgate learns of changes: that a route must not be renamed follows only from the watch of
 * Rollouts, not from live reads. Returns the milliseconds until the verdict was right after a shop is created, and
 * after its Rollout is deleted.
 *
 * @param name - A name that was not used before.
 */
export async function learns(api: Api, namespace: string, name: string): Promise<{ came: number; went: number }> {
  const came = await timed(async () => {
    for (const object of shop(namespace, name))
      await until(`${object.kind} ${object.metadata.name}`, () => isCreated(api, object));
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

// Longer than any delay that is not a permanent failure.
const PATIENCE = { within: 180_000, every: 50 };

/** Creates an object. That it exists may be due to an attempt whose answer was lost. */
async function isCreated(api: Api, object: KubeObject): Promise<true> {
  try {
    await api.create(object);
  } catch (error) {
    if (!(error instanceof Refused && error.code === 409)) throw error;
  }
  return true;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began);
}
