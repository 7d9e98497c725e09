import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { asArray, asObject, dig, stringMap } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf, type Way } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { shop, virtualService } from './harness/shop.ts';
import { driftIn, NOTICED } from './support/drift.ts';
import { healthy, pausedAt, rolloutThat } from './support/rollouts.ts';
import { scan } from './support/trust.ts';

// Without the webhooks.
const OUTAGE = 'outage';
const MISSED = 'missed';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({
    rollgate: ['policy.mode=enforce', `webhooks.excludedNamespaces={kube-system,${OUTAGE},${MISSED}}`],
  });
});
afterAll(() => cluster?.stop());

const WAYS: readonly Way[] = ['client-side apply', 'server-side apply', 'replace'];
const LONGER_THAN_A_MINUTE = 100_000;

async function begin(namespace: string, objects: readonly KubeObject[], rollout = 'web'): Promise<void> {
  await cluster.admin.run(['create', 'namespace', namespace]);
  await cluster.podsAllowed(namespace);
  await cluster.argoCd.apply(objects);
  await healthy(cluster, namespace, rollout);
}

/** Returns the objects with another canary strategy in their Rollout. */
function withCanary(objects: readonly KubeObject[], change: (canary: Record<string, unknown>) => object): KubeObject[] {
  return objects.map((object) => {
    if (object.kind !== 'Rollout') return object;
    const canary = asObject(dig(object, 'spec', 'strategy', 'canary'));
    return { ...object, spec: { ...asObject(object['spec']), strategy: { canary: change(canary) } } };
  });
}

function rolloutsCommand(namespace: string, ...args: readonly string[]): Promise<unknown> {
  return cluster.developer.run(['argo', 'rollouts', ...args, '-n', namespace]);
}

async function updated(namespace: string, image: number, rollout = 'web', weight = 20): Promise<void> {
  await rolloutsCommand(namespace, 'set', 'image', rollout, `app=shop:${image}`);
  await pausedAt(cluster, namespace, rollout, weight);
}

/** Returns the weights in the first route of the VirtualService, by host. */
async function weightsIn(namespace: string): Promise<Record<string, unknown>> {
  const found = await cluster.controlPlane.admin.get('networking.istio.io/v1', 'VirtualService', namespace, 'web');
  const [route] = asArray(dig(found, 'spec', 'http'));
  return Object.fromEntries(
    asArray(dig(route, 'route')).map((to) => [String(dig(to, 'destination', 'host')), dig(to, 'weight') ?? 0]),
  );
}

describe('a commit that changes a label of the pods and the selector of their Service', () => {
  const services = (objects: readonly KubeObject[]): KubeObject[] => objects.filter(({ kind }) => kind === 'Service');
  const rollouts = (objects: readonly KubeObject[]): KubeObject[] => objects.filter(({ kind }) => kind === 'Rollout');

  function shopWith(namespace: string, pods: string, selected: string | undefined): KubeObject[] {
    return shop(namespace, 'web').map((object) => {
      const spec = asObject(object['spec']);
      if (object.kind === 'Service')
        return {
          ...object,
          spec: { ...spec, selector: { app: 'web', ...(selected === undefined ? {} : { version: selected }) } },
        };
      if (object.kind !== 'Rollout') return object;
      const template = asObject(spec['template']);
      return {
        ...object,
        spec: { ...spec, template: { ...template, metadata: { labels: { app: 'web', version: pods } } } },
      };
    });
  }

  /** Returns how many ready pods the stable Service selects. */
  async function served(namespace: string): Promise<number> {
    const { admin } = cluster.controlPlane;
    const selector = stringMap(dig(await admin.get('v1', 'Service', namespace, 'web-stable'), 'spec', 'selector'));
    return (await admin.list('v1', 'Pod', namespace)).filter(
      ({ metadata, ...pod }) =>
        [...selector].every(([label, value]) => dig(metadata, 'labels', label) === value) &&
        asArray(dig(pod, 'status', 'conditions')).some(
          (condition) => dig(condition, 'type') === 'Ready' && dig(condition, 'status') === 'True',
        ),
    ).length;
  }

  it('is an outage until the update is over without Rollgate', async () => {
    await begin(OUTAGE, shopWith(OUTAGE, 'v1', 'v1'));
    expect(await served(OUTAGE)).toBe(1);
    await cluster.argoCd.apply(shopWith(OUTAGE, 'v2', 'v2'));
    await pausedAt(cluster, OUTAGE, 'web', 20);
    expect(await served(OUTAGE)).toBe(0);
  });

  it('is denied with Rollgate in both orders, and arrives in three steps', async () => {
    const namespace = 'steps';
    await begin(namespace, shopWith(namespace, 'v1', 'v1'));
    const commit = shopWith(namespace, 'v2', 'v2');
    for (const way of [['apply'], ['apply', '--server-side', '--force-conflicts']]) {
      const { code, stderr } = await cluster.developer.try([...way, '-f', '-'], yamlOf(services(commit)));
      expect([code, stderr]).toEqual([1, expect.stringContaining('so it would select no pod')]);
    }
    const first = await cluster.developer.try(['apply', '-f', '-'], yamlOf(rollouts(commit)));
    expect([first.code, first.stderr]).toEqual([1, expect.stringContaining('[rollgate/service-selector]')]);
    expect(await served(namespace)).toBe(1);

    await cluster.developer.apply(services(shopWith(namespace, 'v1', undefined)));
    expect(await served(namespace)).toBe(1);
    await cluster.developer.apply(rollouts(commit));
    await pausedAt(cluster, namespace, 'web', 20);
    expect(await served(namespace)).toBe(1);
    await rolloutsCommand(namespace, 'promote', 'web');
    await healthy(cluster, namespace, 'web');
    await cluster.developer.apply(services(commit));
    expect(await served(namespace)).toBe(1);
  });
});

describe('what the controller has written', () => {
  const at20 = { 'web-stable': 80, 'web-canary': 20 };
  const withoutServices = (canary: Record<string, unknown>): object => {
    const { stableService: _, canaryService: __, ...rest } = canary;
    return rest;
  };

  /** Deletes the Rollout, and waits until it is gone. */
  async function removed(namespace: string): Promise<void> {
    await cluster.developer.run(['delete', 'rollout', 'web', '-n', namespace, '--wait=true']);
  }

  const CASES: Readonly<
    Record<string, (namespace: string) => Promise<{ objects: readonly KubeObject[]; weights: object }>>
  > = {
    'ping-pong': async (namespace) => {
      const objects = withCanary(shop(namespace, 'web'), (canary) => ({
        ...withoutServices(canary),
        pingPong: { pingService: 'web-stable', pongService: 'web-canary' },
      }));
      await begin(namespace, objects);
      await updated(namespace, 2);
      await rolloutsCommand(namespace, 'promote', 'web');
      await healthy(cluster, namespace, 'web');
      await updated(namespace, 3);
      // Pong is stable now.
      return { objects, weights: { 'web-stable': 20, 'web-canary': 80 } };
    },
    'abort-dynamic': async (namespace) => {
      const objects = withCanary(shop(namespace, 'web'), (canary) => ({ ...canary, dynamicStableScale: true }));
      await begin(namespace, objects);
      await updated(namespace, 2);
      await rolloutsCommand(namespace, 'abort', 'web');
      await rolloutThat(
        cluster,
        namespace,
        'web',
        'is aborted',
        (rollout) =>
          dig(rollout, 'status', 'phase') === 'Degraded' &&
          dig(rollout, 'status', 'canary', 'weights', 'canary', 'weight') === 0,
      );
      return { objects, weights: { 'web-stable': 100, 'web-canary': 0 } };
    },
    'made-again': async (namespace) => {
      const objects = shop(namespace, 'web');
      await begin(namespace, objects);
      await updated(namespace, 2);
      await removed(namespace);
      await cluster.argoCd.apply(objects);
      await healthy(cluster, namespace, 'web');
      await updated(namespace, 3);
      return { objects, weights: at20 };
    },
    'renamed-rollout': async (namespace) => {
      const objects = shop(namespace, 'web');
      await begin(namespace, objects);
      await removed(namespace);
      const renamed = objects.map((object) =>
        object.kind === 'Rollout' ? { ...object, metadata: { ...object.metadata, name: 'shop' } } : object,
      );
      await cluster.argoCd.apply(renamed);
      await healthy(cluster, namespace, 'shop');
      await updated(namespace, 2, 'shop');
      return { objects: renamed, weights: at20 };
    },
    'swapped-services': async (namespace) => {
      const objects = shop(namespace, 'web');
      await begin(namespace, objects);
      const swapped = withCanary(objects, (canary) => ({
        ...canary,
        stableService: 'web-canary',
        canaryService: 'web-stable',
      }));
      await cluster.argoCd.apply(swapped);
      await healthy(cluster, namespace, 'web');
      await updated(namespace, 2);
      return { objects: swapped, weights: { 'web-stable': 20, 'web-canary': 80 } };
    },
    experiment: async (namespace) => {
      const templates = [{ name: 'exp', specRef: 'canary', weight: 5 }];
      const objects = withCanary(shop(namespace, 'web'), (canary) => ({
        ...canary,
        steps: [{ setWeight: 20 }, { experiment: { duration: '10s', templates } }, { pause: {} }],
      }));
      await begin(namespace, objects);
      await updated(namespace, 2);
      return { objects, weights: at20 };
    },
  };

  let ready: readonly { namespace: string; objects: readonly KubeObject[]; weights: object }[];

  it('is no drift, and stays when the files are applied again', async () => {
    ready = await Promise.all(
      Object.entries(CASES).map(async ([namespace, make]) => ({ namespace, ...(await make(namespace)) })),
    );
    for (const { namespace, objects, weights } of ready) {
      expect(await weightsIn(namespace), namespace).toEqual(weights);
      // The image in the files is the old one: a Rollout that is applied again would be updated.
      const files = objects.filter(({ kind }) => kind !== 'Rollout');
      for (const way of WAYS) {
        await cluster.argoCd.apply(files, way);
        expect(await weightsIn(namespace), `${namespace}, ${way}`).toEqual(weights);
      }
    }
    await sleep(LONGER_THAN_A_MINUTE);
    for (const { namespace } of ready) expect([namespace, await driftIn(cluster, namespace)]).toEqual([namespace, []]);
  });

  it('shows as drift where somebody replaced it under break-glass, until the controller writes again', async () => {
    const none = (lines: readonly string[]): boolean => lines.length === 0;
    const seen = (): Promise<string[][]> => Promise.all(ready.map(({ namespace }) => driftIn(cluster, namespace)));
    await cluster.argo.program.stop('SIGKILL');
    const inForce = `${new Date(Date.now() + 3_600_000).toISOString()} the controller is dead`;
    for (const { namespace } of ready) {
      const route = virtualService(namespace, 'web');
      const [stable, canary] = ['web-stable', 'web-canary'].map((host) => ({ destination: { host }, weight: 50 }));
      await cluster.argoCd.apply([
        {
          ...route,
          metadata: { ...route.metadata, annotations: { 'rollgate.io/break-glass': inForce } },
          spec: { ...asObject(route['spec']), http: [{ name: 'primary', route: [stable, canary] }] },
        },
      ]);
      expect(await weightsIn(namespace), namespace).toEqual({ 'web-stable': 50, 'web-canary': 50 });
    }
    await until('the drift', async () => !(await seen()).some(none), NOTICED);
    expect(await seen()).toEqual(
      ready.map(({ namespace }) => [`rollgate_drift{what="weights",namespace="${namespace}"} 1`]),
    );
    await cluster.argo.start();
    await until('the drift to be gone', async () => (await seen()).every(none), NOTICED);
    for (const { namespace, weights } of ready) expect(await weightsIn(namespace), namespace).toEqual(weights);
  });
});

describe('a write that Rollgate missed', () => {
  it('shows as drift until the controller writes again', async () => {
    await begin(MISSED, shop(MISSED, 'web'));
    await updated(MISSED, 2);
    // A running controller may still have this Rollout in its queue, and write the hash again at once.
    await cluster.argo.program.stop('SIGKILL');
    const path = '/spec/selector/rollouts-pod-template-hash';
    const remove = JSON.stringify([{ op: 'remove', path }]);
    await cluster.developer.run(['patch', 'service', 'web-stable', '-n', MISSED, '--type=json', '-p', remove]);
    await until('the drift of the hash', async () => (await driftIn(cluster, MISSED)).length > 0, NOTICED);
    expect(await driftIn(cluster, MISSED)).toEqual([`rollgate_drift{what="selector",namespace="${MISSED}"} 1`]);
    expect(await scan(cluster, '-n', MISSED, '--no-color')).toContain('the selector has no hash');
    await cluster.argo.start();
    await until('the drift to be gone', async () => (await driftIn(cluster, MISSED)).length === 0, NOTICED);

    await cluster.argo.program.stop('SIGKILL');
    await cluster.developer.apply(shop(MISSED, 'web').filter(({ kind }) => kind === 'VirtualService'));
    expect(await weightsIn(MISSED)).toEqual({ 'web-stable': 100, 'web-canary': 0 });
    await until('the drift of the weights', async () => (await driftIn(cluster, MISSED)).length > 0, NOTICED);
    expect(await driftIn(cluster, MISSED)).toEqual([`rollgate_drift{what="weights",namespace="${MISSED}"} 1`]);
    await cluster.argo.start();
    await until('the drift to be gone again', async () => (await driftIn(cluster, MISSED)).length === 0, NOTICED);
    expect(await weightsIn(MISSED)).toEqual({ 'web-stable': 80, 'web-canary': 20 });
  });
});
