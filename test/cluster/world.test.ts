import { describe, expect, it } from 'vitest';
import { CLUSTER_KINDS, keyFor, KINDS } from '../../src/world/object.ts';
import { controller, core, eventually, FAR, look, names, recorder, rollout, serve, synced, watch } from './helpers.ts';

describe('what is read', () => {
  it('is every kind that the cluster serves, with apiVersion and kind', async () => {
    const server = await serve();
    for (const kind of CLUSTER_KINDS) {
      const { group, namespaced } = KINDS[kind];
      const version = server.versionsOf(kind)[0] ?? '';
      const metadata = namespaced ? { namespace: 'shop', name: 'one' } : { name: 'one' };
      server.put({
        apiVersion: group === '' ? version : `${group}/${version}`,
        kind: KINDS[kind].kind,
        metadata,
        spec: {},
      });
    }
    const cluster = await synced(server);
    expect(cluster.unknown()).toEqual(new Map());
    expect(cluster.ready()).toEqual({ ok: true, reasons: [] });
    for (const kind of CLUSTER_KINDS) {
      const { group, kind: word } = KINDS[kind];
      const version = server.versionsOf(kind)[0] ?? '';
      expect(look(cluster, kind, 'shop', 'one'), kind).toMatchObject({
        apiVersion: group === '' ? version : `${group}/${version}`,
        kind: word,
      });
      expect(look(cluster, kind, 'shop', 'two'), kind).toBe('absent');
      expect(names(cluster, kind), kind).toEqual(['one']);
    }
  });

  it('follows objects that are created, changed and deleted, and reports each change', async () => {
    const server = await serve();
    server.put(rollout('a'));
    const changes: string[] = [];
    const cluster = await synced(server, { onChange: (key) => changes.push(key) });
    expect(changes).toEqual(['Rollout.argoproj.io/shop/a']);
    server.put(rollout('b'));
    server.put(rollout('a', { spec: { replicas: 7 } }));
    await eventually(() =>
      expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'a')).toMatchObject({ spec: { replicas: 7 } }),
    );
    server.remove('Rollout.argoproj.io', 'shop', 'a');
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['b']));
    expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'a')).toBe('absent');
    expect(changes.slice(1)).toEqual([
      'Rollout.argoproj.io/shop/b',
      'Rollout.argoproj.io/shop/a',
      'Rollout.argoproj.io/shop/a',
    ]);
  });

  it('is indexed by references', async () => {
    const server = await serve();
    const canary = { strategy: { canary: { stableService: 'stable' } } };
    for (const name of ['a', 'b', 'c']) server.put(rollout(name, { spec: canary }));
    const cluster = await synced(server);
    const referrers = () =>
      cluster.world
        .referrers(keyFor('Service', 'shop', 'stable'))
        .map(({ metadata }) => metadata.name)
        .sort();
    expect(referrers()).toEqual(['a', 'b', 'c']);
    server.remove('Rollout.argoproj.io', 'shop', 'a');
    await eventually(() => expect(referrers()).toEqual(['b', 'c']));
    server.put(rollout('b', { spec: { strategy: { canary: { stableService: 'other' } } } }));
    await eventually(() => expect(referrers()).toEqual(['c']));
    server.put(rollout('c', { spec: { ...canary, replicas: 5 } }));
    await eventually(() =>
      expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'c')).toMatchObject({ spec: { replicas: 5 } }),
    );
    expect(referrers()).toEqual(['c']);
    server.remove('Rollout.argoproj.io', 'shop', 'c');
    await eventually(() => expect(referrers()).toEqual([]));
  });

  it('contains only names of ConfigMaps, Secrets and ServiceAccounts; their content stays in the API server', async () => {
    const server = await serve();
    server.put(core('ConfigMap', 'shop', 'settings', { data: { password: 'hidden' } }));
    server.put(core('Secret', 'shop', 'token', { data: { password: 'aGlkZGVu' } }));
    server.put(core('ServiceAccount', 'shop', 'robot', { secrets: [{ name: 'token' }] }));
    const cluster = await synced(server);
    for (const [kind, name] of [
      ['ConfigMap', 'settings'],
      ['Secret', 'token'],
      ['ServiceAccount', 'robot'],
    ] as const) {
      const object = look(cluster, kind, 'shop', name);
      expect(object).toEqual({
        apiVersion: 'v1',
        kind,
        metadata: {
          name,
          namespace: 'shop',
          uid: expect.any(String) as string,
          resourceVersion: expect.any(String) as string,
        },
      });
    }
    server.put(core('Secret', 'shop', 'late'));
    await eventually(() => expect(look(cluster, 'Secret', 'shop', 'late')).toMatchObject({ kind: 'Secret' }));
    for (const resource of ['/secrets', '/serviceaccounts']) {
      for (const { accept } of server.requestsFor(resource)) expect(accept).toContain('as=PartialObjectMetadata');
    }
    for (const { accept, query } of server.requestsFor('/configmaps')) {
      if (query.get('fieldSelector') !== 'metadata.name=argo-rollouts-config')
        expect(accept).toContain('as=PartialObjectMetadata');
    }
  });

  it('contains the whole ConfigMap of the controller', async () => {
    const server = await serve();
    server.put(core('ConfigMap', 'argo-rollouts', 'argo-rollouts-config', { data: { trafficRouterPlugins: 'one' } }));
    const cluster = await synced(server);
    expect(look(cluster, 'ConfigMap', 'argo-rollouts', 'argo-rollouts-config')).toMatchObject({
      data: { trafficRouterPlugins: 'one' },
    });
    server.put(core('ConfigMap', 'argo-rollouts', 'argo-rollouts-config', { data: { trafficRouterPlugins: 'two' } }));
    await eventually(() =>
      expect(look(cluster, 'ConfigMap', 'argo-rollouts', 'argo-rollouts-config')).toMatchObject({
        data: { trafficRouterPlugins: 'two' },
      }),
    );
    server.put(core('ConfigMap', 'argo-rollouts', 'other', {}));
    await eventually(() => expect(names(cluster, 'ConfigMap')).toEqual(['argo-rollouts-config', 'other']));
    expect(look(cluster, 'ConfigMap', 'argo-rollouts', 'argo-rollouts-config')).toMatchObject({
      data: { trafficRouterPlugins: 'two' },
    });
  });

  it('contains ReplicaSets without a controller; other ReplicaSets are not reported as absent', async () => {
    const server = await serve();
    const replicaSet = (name: string, owners: readonly object[]) => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { namespace: 'shop', name, ownerReferences: owners },
      spec: {},
    });
    server.put(replicaSet('mine', []));
    server.put(replicaSet('web-5d4', [{ kind: 'Deployment', name: 'web', controller: true }]));
    const cluster = await synced(server);
    expect(look(cluster, 'ReplicaSet.apps', 'shop', 'mine')).toMatchObject({ kind: 'ReplicaSet' });
    expect(look(cluster, 'ReplicaSet.apps', 'shop', 'web-5d4')).toBe('ReplicaSets of a controller are not cached');
    expect(look(cluster, 'ReplicaSet.apps', 'shop', 'none')).toBe('absent');
    expect(names(cluster, 'ReplicaSet.apps', 'shop')).toBe('ReplicaSets of a controller are not cached');
    expect(names(cluster, 'ReplicaSet.apps')).toBe('ReplicaSets of a controller are not cached');
    expect(names(cluster, 'ReplicaSet.apps', 'elsewhere')).toEqual([]);
    expect(cluster.unknown()).toEqual(new Map());
    server.remove('ReplicaSet.apps', 'shop', 'web-5d4');
    await eventually(() => expect(names(cluster, 'ReplicaSet.apps', 'shop')).toEqual(['mine']));
    server.put(replicaSet('mine', [{ kind: 'Deployment', name: 'web', controller: true }]));
    await eventually(() => expect(look(cluster, 'ReplicaSet.apps', 'shop', 'mine')).toContain('not cached'));
  });

  it('is limited to the configured namespaces', async () => {
    const server = await serve();
    server.put(rollout('a'));
    server.put(rollout('b', { metadata: { namespace: 'bank' } }));
    server.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bank' } });
    const cluster = await synced(server, { namespaces: ['shop', 'empty'] });
    expect(names(cluster, 'Rollout.argoproj.io', 'shop')).toEqual(['a']);
    expect(names(cluster, 'Rollout.argoproj.io', 'empty')).toEqual([]);
    expect(look(cluster, 'Rollout.argoproj.io', 'bank', 'b')).toBe('namespace bank is not watched');
    expect(names(cluster, 'Rollout.argoproj.io')).toBe('rollouts.argoproj.io are watched only in some namespaces');
    expect(look(cluster, 'Namespace', '', 'bank')).toMatchObject({ kind: 'Namespace' });
    expect(cluster.ready().ok).toBe(true);
  });
});

describe('before the start and after the stop', () => {
  it('nothing is known before the start, with a reason', async () => {
    const server = await serve();
    server.stall('argoproj.io/rollouts list');
    const cluster = watch(server);
    expect(cluster.synced()).toBe(false);
    expect(look(cluster, 'Service', 'shop', 'any')).toBe('API discovery has not run yet');
    await eventually(() => expect(look(cluster, 'Service', 'shop', 'any')).toBe('absent'));
    expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'any')).toBe('rollouts.argoproj.io have not been read yet');
    await eventually(() => expect(cluster.ready()).toEqual({ ok: false, reasons: ['not read yet: rollouts'] }));
  });

  it('waits for the first lists, up to a limit', async () => {
    const server = await serve();
    expect(await watch(server).waitForSync(FAR)).toBe(true);
    server.stall('argoproj.io/rollouts list');
    expect(await watch(server).waitForSync(50)).toBe(false);
  });

  it('waits for an API server that is not up yet', async () => {
    const server = await serve();
    server.put(rollout('a'));
    await server.stop();
    const { lines, logger } = recorder();
    const cluster = watch(server, { logger });
    await eventually(() => expect(lines.map(({ message }) => message)).toContain('API discovery failed; trying again'));
    expect(cluster.ready().reasons.join()).toContain('ECONNREFUSED');
    expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'a')).toContain('ECONNREFUSED');
    await server.listen();
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
    await eventually(() => expect(cluster.ready().ok).toBe(true));
  });

  it('nothing happens after the stop, and no connection stays open', async () => {
    const server = await serve();
    const cluster = await synced(server);
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    await cluster.stop();
    await eventually(() => expect(server.watching()).toBe(0));
    const requests = server.requests.length;
    server.put(rollout('a'));
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual([]);
    expect(server.requests.length).toBe(requests);
  });

  it('a listener that throws has no effect on the world', async () => {
    const server = await serve();
    server.put(rollout('a'));
    const { lines, logger } = recorder();
    const cluster = await synced(server, {
      logger,
      onChange: () => {
        throw new Error('broken');
      },
    });
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']);
    expect(lines).toMatchObject([{ level: 'error', fields: { key: 'Rollout.argoproj.io/shop/a', error: 'broken' } }]);
  });
});

describe('TLS', () => {
  it('works, and is checked', async () => {
    const server = await serve({ tls: true });
    server.put(controller('argo-rollouts', 'argo-rollouts'));
    const cluster = await synced(server);
    expect(names(cluster, 'Deployment.apps')).toEqual(['argo-rollouts']);
    const other = await serve({ tls: true });
    const wrong = other.kubeConfig();
    wrong.clusters = wrong.clusters.map((each) => ({ ...each, server: server.url }));
    const distrustful = watch(server, { kubeConfig: wrong });
    await eventually(() => expect(distrustful.ready().reasons.join()).toMatch(/certificate/));
    expect(server.requests.length).toBeGreaterThan(0);
  });
});
