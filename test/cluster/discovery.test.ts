import { describe, expect, it } from 'vitest';
import type { KindId } from '../../src/world/object.ts';
import { eventually, look, names, rollout, serve, synced } from './helpers.ts';

const ROLLOUT: KindId = 'Rollout.argoproj.io';
const TRAEFIK: KindId = 'TraefikService.traefik.io';
const NOT_SERVED = 'the cluster does not serve rollouts.argoproj.io';

const traefikService = (group: string, name: string) => ({
  apiVersion: `${group}/v1alpha1`,
  kind: 'TraefikService',
  metadata: { namespace: 'shop', name },
  spec: { group },
});

describe('the version of a kind', () => {
  it('is the preferred version of its group, or the version that serves it', async () => {
    const server = await serve();
    await synced(server);
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    const paths = new Set(server.requests.map(({ path }) => path));
    expect(paths).toContain('/apis/networking.istio.io/v1/virtualservices');
    expect(paths).toContain('/apis/gateway.networking.k8s.io/v1/httproutes');
    expect(paths).toContain('/apis/gateway.networking.k8s.io/v1alpha2/tcproutes');
    expect(paths).not.toContain('/apis/networking.istio.io/v1beta1/virtualservices');
  });

  it('is v2 for autoscalers, regardless of what their group prefers', async () => {
    const server = await serve();
    server.uninstall('HorizontalPodAutoscaler.autoscaling');
    server.install('HorizontalPodAutoscaler.autoscaling', { versions: ['v1', 'v2'] });
    server.put({
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { namespace: 'shop', name: 'a' },
    });
    const cluster = await synced(server);
    expect(look(cluster, 'HorizontalPodAutoscaler.autoscaling', 'shop', 'a')).toMatchObject({
      apiVersion: 'autoscaling/v2',
    });
  });

  it('may be an old version', async () => {
    const server = await serve();
    for (const kind of ['VirtualService.networking.istio.io', 'DestinationRule.networking.istio.io'] as const) {
      server.uninstall(kind);
      server.install(kind, { versions: ['v1alpha3'] });
    }
    server.put({
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'VirtualService',
      metadata: { namespace: 'shop', name: 'a' },
    });
    const cluster = await synced(server);
    expect(look(cluster, 'VirtualService.networking.istio.io', 'shop', 'a')).toMatchObject({
      apiVersion: 'networking.istio.io/v1alpha3',
    });
  });

  it('may change while it is watched', async () => {
    const server = await serve();
    server.uninstall('TLSRoute.gateway.networking.k8s.io');
    server.install('TLSRoute.gateway.networking.k8s.io', { versions: ['v1alpha2'] });
    const cluster = await synced(server);
    server.uninstall('TLSRoute.gateway.networking.k8s.io');
    server.install('TLSRoute.gateway.networking.k8s.io', { versions: ['v1alpha3'] });
    server.put({
      apiVersion: 'gateway.networking.k8s.io/v1alpha3',
      kind: 'TLSRoute',
      metadata: { namespace: 'shop', name: 'a' },
    });
    await eventually(() =>
      expect(look(cluster, 'TLSRoute.gateway.networking.k8s.io', 'shop', 'a')).toMatchObject({
        apiVersion: 'gateway.networking.k8s.io/v1alpha3',
      }),
    );
  });
});

describe('a kind that is not installed', () => {
  it('is unknown, and the gate is ready', async () => {
    const server = await serve();
    server.uninstall(ROLLOUT);
    const cluster = await synced(server);
    expect(look(cluster, ROLLOUT, 'shop', 'a')).toBe(NOT_SERVED);
    expect(names(cluster, ROLLOUT)).toBe(NOT_SERVED);
    expect(cluster.ready()).toEqual({ ok: true, reasons: [] });
    expect([...cluster.unknown().keys()]).toEqual([ROLLOUT]);
  });

  it('is watched as soon as its CustomResourceDefinition is applied', async () => {
    const server = await serve();
    server.uninstall(ROLLOUT);
    const cluster = await synced(server);
    server.install(ROLLOUT);
    server.put(rollout('a'));
    await eventually(() => expect(names(cluster, ROLLOUT)).toEqual(['a']));
    server.put(rollout('b'));
    await eventually(() => expect(names(cluster, ROLLOUT)).toEqual(['a', 'b']));
  });

  it('is searched from time to time if CustomResourceDefinitions may not be watched', async () => {
    const server = await serve();
    server.fail('apiextensions.k8s.io/customresourcedefinitions', 403);
    server.uninstall(ROLLOUT);
    const cluster = await synced(server);
    server.install(ROLLOUT);
    server.put(rollout('a'));
    await eventually(() => expect(names(cluster, ROLLOUT)).toEqual(['a']));
    server.uninstall(ROLLOUT);
    await eventually(() => expect(names(cluster, ROLLOUT)).toBe(NOT_SERVED));
  });

  it('is searched again if the API server serves it later than its CustomResourceDefinition appears', async () => {
    const server = await serve();
    server.uninstall(ROLLOUT);
    const cluster = await synced(server);
    server.put({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'rollouts.argoproj.io' },
    });
    const looks = () => server.requests.filter(({ path }) => path === '/apis').length;
    const before = looks();
    await eventually(() => expect(looks()).toBeGreaterThan(before + 1));
    expect(names(cluster, ROLLOUT)).toBe(NOT_SERVED);
  });
});

describe('a kind that is uninstalled', () => {
  it('is unknown again with all its objects, and known when it is installed again', async () => {
    const server = await serve();
    server.put(rollout('a', { spec: { strategy: { canary: { stableService: 'stable' } } } }));
    const cluster = await synced(server);
    server.uninstall(ROLLOUT);
    await eventually(() => expect(look(cluster, ROLLOUT, 'shop', 'a')).toBe(NOT_SERVED));
    expect(cluster.world.referrers('Service/shop/stable')).toEqual([]);
    expect(cluster.staleness().has(ROLLOUT)).toBe(false);
    await eventually(() => expect(cluster.ready()).toEqual({ ok: true, reasons: [] }));
    server.install(ROLLOUT);
    server.put(rollout('b'));
    await eventually(() => expect(names(cluster, ROLLOUT)).toEqual(['b']));
  });

  it('is kept if the API server omits it for a moment', async () => {
    const server = await serve();
    server.put(rollout('a'));
    const changes: string[] = [];
    const cluster = await synced(server, {
      onChange: (key) => changes.push(key),
      timing: { discoveryAfterChange: [20, 1_500], forgetAfter: 60_000 },
    });
    await eventually(() => expect(server.watching('apiextensions.k8s.io/customresourcedefinitions')).toBe(1));
    server.hidden.add('argoproj.io/rollouts');
    server.put({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'rollouts.argoproj.io' },
    });
    const looks = () => server.requests.filter(({ path }) => path === '/apis/argoproj.io/v1alpha1').length;
    const before = looks();
    await eventually(() => expect(looks()).toBeGreaterThan(before));
    server.hidden.clear();
    await eventually(() => expect(looks()).toBeGreaterThan(before + 1));
    server.put(rollout('b'));
    await eventually(() => expect(names(cluster, ROLLOUT)).toEqual(['a', 'b']));
    expect(changes).toEqual(['Rollout.argoproj.io/shop/a', 'Rollout.argoproj.io/shop/b']);
  });

  it('is not assumed when discovery fails', async () => {
    const server = await serve();
    server.put(rollout('a'));
    const cluster = await synced(server, { timing: { discovery: [20, 20], discoveryAfterChange: [20, 40] } });
    server.failDiscovery('/apis/argoproj.io/v1alpha1', 503);
    const looks = () => server.requests.filter(({ path }) => path === '/apis/argoproj.io/v1alpha1').length;
    const before = looks();
    await eventually(() => expect(looks()).toBeGreaterThan(before + 3));
    expect(names(cluster, ROLLOUT)).toEqual(['a']);
    server.failDiscovery('/apis', 500);
    await eventually(() =>
      expect(server.requests.filter(({ path }) => path === '/apis').length).toBeGreaterThan(before + 6),
    );
    expect(names(cluster, ROLLOUT)).toEqual(['a']);
    expect(cluster.ready().ok).toBe(true);
  });
});

describe('a kind that two groups serve', () => {
  it('is read from both', async () => {
    const server = await serve();
    server.install(TRAEFIK, { group: 'traefik.containo.us', versions: ['v1alpha1'] });
    server.put(traefikService('traefik.io', 'new'));
    server.put(traefikService('traefik.containo.us', 'old'));
    server.put(traefikService('traefik.io', 'both'));
    server.put(traefikService('traefik.containo.us', 'both'));
    const cluster = await synced(server);
    expect(names(cluster, TRAEFIK)).toEqual(['both', 'new', 'old']);
    server.removeFrom('traefik.containo.us', 'traefikservices', 'shop', 'both');
    server.removeFrom('traefik.containo.us', 'traefikservices', 'shop', 'old');
    await eventually(() => expect(names(cluster, TRAEFIK)).toEqual(['both', 'new']));
    expect(look(cluster, TRAEFIK, 'shop', 'both')).toMatchObject({ apiVersion: 'traefik.io/v1alpha1' });
    server.uninstall(TRAEFIK, 'traefik.io');
    await eventually(() => expect(names(cluster, TRAEFIK)).toEqual([]));
    expect(look(cluster, TRAEFIK, 'shop', 'new')).toBe('absent');
  });

  it('is known if only the older group exists', async () => {
    const server = await serve();
    server.uninstall(TRAEFIK);
    server.install(TRAEFIK, { group: 'traefik.containo.us', versions: ['v1alpha1'] });
    server.put(traefikService('traefik.containo.us', 'old'));
    const cluster = await synced(server);
    expect(look(cluster, TRAEFIK, 'shop', 'old')).toMatchObject({ apiVersion: 'traefik.containo.us/v1alpha1' });
  });
});
