import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/rules/engine.ts';
import { renderMessage } from '../../src/rules/finding.ts';
import { RULES } from '../../src/rules/index.ts';
import { keyFor, type KubeObject } from '../../src/world/object.ts';
import type { JsonObject } from '../../src/world/read.ts';
import { core, eventually, FAR, look, names, rollout, serve, synced } from './helpers.ts';

const MIB = 1024 * 1024;
const REPLICA_SETS = 'apps/replicasets';

function replicaSet(namespace: string, name: string, annotation: string): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { namespace, name, annotations: { annotation } },
    spec: {},
  };
}

function service(namespace: string, name: string, annotation = ''): JsonObject {
  return core('Service', namespace, name, { metadata: { namespace, name, annotations: { annotation } }, spec: {} });
}

describe('a cache with a limit', () => {
  const full = 'the cache is full, and namespace greedy uses the most: it has no room for some ReplicaSet objects';

  it('drops what a tenant fills it with, when it lists and when it watches, and nothing of the others', async () => {
    const server = await serve();
    for (let index = 0; index < 40; index++) server.put(replicaSet('greedy', `list-${index}`, 'x'.repeat(MIB / 4)));
    server.put(rollout('web', { metadata: { namespace: 'shop' } }));
    server.put(service('shop', 'web', 'y'.repeat(1_000)));
    server.put(service('greedy', 'small'));
    const cluster = await synced(server, { maxBytes: 4 * MIB });
    expect(cluster.cacheBytes).toBeLessThan(4 * MIB);
    const dropped = cluster.nameOnly().get('ReplicaSet.apps') ?? 0;
    expect(dropped).toBeGreaterThan(20);
    expect(dropped).toBeLessThan(40);

    for (let index = 0; index < 40; index++) server.put(replicaSet('greedy', `watch-${index}`, 'x'.repeat(MIB / 4)));
    await eventually(() => expect(cluster.nameOnly().get('ReplicaSet.apps')).toBeGreaterThan(60));
    expect(cluster.cacheBytes).toBeLessThan(4 * MIB);
    const reasons = Array.from({ length: 40 }, (_, index) =>
      look(cluster, 'ReplicaSet.apps', 'greedy', `list-${index}`),
    );
    expect(reasons).toContain(full);
    expect(reasons).not.toContain('absent');
    expect(names(cluster, 'ReplicaSet.apps', 'greedy')).toBe(full);
    expect(look(cluster, 'ReplicaSet.apps', 'greedy', 'list-40')).toBe('absent');
    expect(look(cluster, 'Service', 'shop', 'web')).toMatchObject({ metadata: { name: 'web' } });
    expect(look(cluster, 'Service', 'greedy', 'small')).toMatchObject({ metadata: { name: 'small' } });
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['web']);
    expect(names(cluster, 'Service', 'shop')).toEqual(['web']);
  });

  it('reads again what it dropped, once there is room', async () => {
    const server = await serve();
    for (let index = 0; index < 32; index++) server.put(replicaSet('greedy', `r-${index}`, 'x'.repeat(MIB / 4)));
    const cluster = await synced(server, { maxBytes: 4 * MIB, timing: { refill: 20 } });
    await eventually(() => expect(server.watching(REPLICA_SETS)).toBe(1));
    expect(cluster.nameOnly().get('ReplicaSet.apps')).toBeGreaterThan(0);
    for (let index = 2; index < 32; index++) server.remove('ReplicaSet.apps', 'greedy', `r-${index}`);
    await eventually(() => expect(names(cluster, 'ReplicaSet.apps', 'greedy')).toEqual(['r-0', 'r-1']));
    expect(cluster.nameOnly().get('ReplicaSet.apps')).toBe(0);
  });

  it('counts nothing of a kind that it has forgotten', async () => {
    const server = await serve();
    server.put(service('shop', 'web'));
    const cluster = await synced(server);
    const before = cluster.cacheBytes;
    expect(before).toBeGreaterThan(0);
    server.put(service('shop', 'web', 'changed'));
    server.put(service('shop', 'more'));
    await eventually(() => expect(names(cluster, 'Service', 'shop')).toEqual(['more', 'web']));
    server.remove('Service', 'shop', 'more');
    server.put(service('shop', 'web'));
    await eventually(() => expect(cluster.cacheBytes).toBe(before));
  });

  it('asks for smaller pages where objects are large', async () => {
    const server = await serve();
    for (let index = 0; index < 120; index++) server.put(replicaSet('greedy', `r-${index}`, 'x'.repeat(MIB / 2)));
    await synced(server, { maxBytes: 4 * MIB });
    const limits = server.requestsFor(REPLICA_SETS, 'list').map(({ query }) => Number(query.get('limit')));
    expect(limits[0]).toBe(100);
    expect(limits[1]).toBeGreaterThan(20);
    expect(limits[1]).toBeLessThan(32);
  });
});

describe('an object that is too large for the cache', () => {
  const heavy = { rules: Array.from({ length: 300_000 }, () => ({})) };
  const wide = { rules: Array.from({ length: 50_000 }, (_, index) => ({ [`key-${index}`]: index })) };

  it.each([
    ['too heavy to parse', heavy],
    ['too large once it is parsed', wide],
  ])('is known by name, and unknown: %s', async (_, spec) => {
    const server = await serve();
    server.put(core('Service', 'shop', 'huge', { spec }));
    server.put(core('Service', 'other', 'small'));
    const cluster = await synced(server);
    const reason = 'Service "huge" is too large for the cache';
    expect(look(cluster, 'Service', 'shop', 'huge')).toBe(reason);
    expect(names(cluster, 'Service', 'shop')).toBe('a Service in namespace shop is too large for the cache');
    expect(names(cluster, 'Service', 'other')).toEqual(['small']);
    expect(names(cluster, 'Service')).toEqual(['small']);
    expect(cluster.nameOnly().get('Service')).toBe(1);
    expect(cluster.cacheBytes).toBeLessThan(10_000);

    server.put(core('Service', 'shop', 'huge'));
    await eventually(() => expect(names(cluster, 'Service', 'shop')).toEqual(['huge']));
    server.put(core('Service', 'shop', 'huge', { spec }));
    await eventually(() => expect(look(cluster, 'Service', 'shop', 'huge')).toBe(reason));
    server.remove('Service', 'shop', 'huge');
    await eventually(() => expect(look(cluster, 'Service', 'shop', 'huge')).toBe('absent'));
    expect(cluster.nameOnly().get('Service')).toBe(0);
  });

  it('is never missing: rules that need it are skipped', async () => {
    const server = await serve();
    server.put(core('Service', 'shop', 'huge', { spec: heavy }));
    const spec = { strategy: { canary: { stableService: 'huge', canaryService: 'absent' } } };
    server.put(rollout('web', { spec }));
    const cluster = await synced(server);
    const subject = look(cluster, 'Rollout.argoproj.io', 'shop', 'web') as KubeObject;
    const rules = RULES.filter(({ id }) => id === 'reference-exists');
    const report = evaluate(cluster.world, [subject], rules);
    expect(report.findings.map(renderMessage).join()).toContain('"absent"');
    expect(report.findings.map(renderMessage).join()).not.toContain('"huge"');
    expect(report.skipped.map(({ reason }) => reason).join()).toContain('Service "huge" is too large for the cache');
  });

  it('can be read live, within the memory of a request', async () => {
    const server = await serve();
    const large = { text: 'x'.repeat(MIB), rules: Array.from({ length: 100_000 }, () => 0) };
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
      server.put(core('Service', 'shop', name, { spec: large }));
    server.put(core('Service', 'shop', 'heavy', { spec: heavy }));
    const cluster = await synced(server);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => keyFor('Service', 'shop', name));
    const one = await cluster.fetch(keys.slice(0, 1), Date.now() + FAR);
    expect(one.get(keys[0] ?? '')).toMatchObject({ spec: large });
    const all = [...(await cluster.fetch(keys, Date.now() + FAR)).values()];
    expect(all.filter((found) => found === 'unreadable')).toHaveLength(4);
    const key = keyFor('Service', 'shop', 'heavy');
    expect((await cluster.fetch([key], Date.now() + FAR)).get(key)).toBe('unreadable');
  });
});
