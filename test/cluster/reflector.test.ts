import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ClusterWorld } from '../../src/cluster/world.ts';
import { core, eventually, look, names, recorder, rollout, serve, synced, watch } from './helpers.ts';

const ROLLOUTS = 'argoproj.io/rollouts';

describe('lists', () => {
  it('are read in pages', async () => {
    const server = await serve();
    server.pageSize = 100;
    for (let index = 0; index < 250; index++) server.put(rollout(`r-${index}`));
    const cluster = await synced(server);
    expect(names(cluster, 'Rollout.argoproj.io')).toHaveLength(250);
    const lists = server.requestsFor(ROLLOUTS, 'list');
    expect(lists.map(({ query }) => query.get('limit'))).toEqual(['100', '500', '500']);
    expect(lists.map(({ query }) => query.has('continue'))).toEqual([false, true, true]);
  });

  it('start again when the continue token expires, and are read in one piece if it expires again', async () => {
    const server = await serve();
    server.pageSize = 2;
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(rollout(name));
    server.expiring = true;
    const cluster = await synced(server);
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a', 'b', 'c', 'd', 'e']);
    const lists = server.requestsFor(ROLLOUTS, 'list');
    expect(lists.map(({ query }) => [query.get('limit'), query.has('continue')])).toEqual([
      ['100', false],
      ['500', true],
      ['100', false],
      ['500', true],
      [null, false],
    ]);
  });

  it('that are read again replace the content in one step, and keep unchanged objects', async () => {
    const server = await serve();
    for (const name of ['kept', 'changed', 'gone']) server.put(rollout(name));
    const seen = new Set<string>();
    const cluster = await synced(server, { onChange: () => seen.add(String(names(cluster, 'Rollout.argoproj.io'))) });
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    const kept = look(cluster, 'Rollout.argoproj.io', 'shop', 'kept');
    seen.clear();
    server.pause();
    server.put(rollout('changed', { spec: { replicas: 9 } }));
    server.remove('Rollout.argoproj.io', 'shop', 'gone');
    server.put(rollout('new'));
    server.compact();
    server.cutWatches();
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['changed', 'kept', 'new']));
    expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'changed')).toMatchObject({ spec: { replicas: 9 } });
    expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'kept')).toBe(kept);
    expect([...seen].filter((list) => !list.includes('kept') || !list.includes('changed'))).toEqual([]);
  });
});

describe('watches', () => {
  it('ask for bookmarks, end after a while, and continue from the last version', async () => {
    const server = await serve();
    const cluster = await synced(server, { timing: { watch: [1_000, 1_000] } });
    const first = server.requestsFor(ROLLOUTS, 'watch')[0]?.query;
    expect(first?.get('allowWatchBookmarks')).toBe('true');
    expect(first?.get('timeoutSeconds')).toBe('1');
    const { metadata } = server.put(rollout('a'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
    await eventually(() =>
      expect(server.requestsFor(ROLLOUTS, 'watch').at(-1)?.query.get('resourceVersion')).toBe(
        metadata['resourceVersion'],
      ),
    );
    server.put(rollout('b'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a', 'b']));
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(1);
  });

  it('last between five and ten minutes, with random differences', async () => {
    const server = await serve();
    await synced(server, { timing: { watch: [300_000, 600_000] } });
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    const seconds = server.requests
      .filter(({ query }) => query.has('timeoutSeconds'))
      .map(({ query }) => Number(query.get('timeoutSeconds')));
    for (const each of seconds) expect(each >= 300 && each <= 600, String(each)).toBe(true);
    expect(new Set(seconds).size).toBeGreaterThan(5);
  });

  it('continue from the version of the last bookmark', async () => {
    const server = await serve();
    const cluster = await synced(server);
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    const { metadata } = server.put(core('Service', 'shop', 'elsewhere'));
    server.bookmark();
    await eventually(() => expect(look(cluster, 'Service', 'shop', 'elsewhere')).not.toBe('absent'));
    server.cutWatches();
    await eventually(() =>
      expect(server.requestsFor(ROLLOUTS, 'watch').at(-1)?.query.get('resourceVersion')).toBe(
        metadata['resourceVersion'],
      ),
    );
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(1);
  });

  it('that are cut lose no events', async () => {
    const server = await serve();
    const cluster = await synced(server);
    for (let round = 0; round < 5; round++) {
      server.put(rollout(`before-${round}`));
      server.cutWatches();
      server.put(rollout(`after-${round}`));
      await eventually(() => expect(look(cluster, 'Rollout.argoproj.io', 'shop', `after-${round}`)).not.toBe('absent'));
    }
    expect(names(cluster, 'Rollout.argoproj.io')).toHaveLength(10);
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(1);
  });

  it('with a version that is too old start with a new list', async () => {
    const server = await serve();
    server.put(rollout('gone'));
    const cluster = await synced(server);
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    server.pause();
    server.remove('Rollout.argoproj.io', 'shop', 'gone');
    server.put(rollout('new'));
    server.compact();
    server.cutWatches();
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['new']));
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(2);
  });

  it('with a version that is too old do the same if the HTTP status says so', async () => {
    const server = await serve();
    const cluster = await synced(server);
    server.fail(`${ROLLOUTS} watch`, 410);
    server.cutWatches();
    server.put(rollout('new'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['new']));
  });

  it('that fail for a long time are replaced by lists', async () => {
    const server = await serve();
    const cluster = await synced(server);
    server.fail(`${ROLLOUTS} watch`, 403);
    server.cutWatches();
    server.put(rollout('new'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['new']));
    expect(cluster.unknown()).toEqual(new Map());
  });

  it('that fall silent after bookmarks are detected', async () => {
    const server = await serve();
    server.bookmarkEvery = 20;
    const cluster = await synced(server, { timing: { watchSilence: 200 } });
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    // Longer ago than the list, so that a newer sign of life can only be a bookmark.
    await sleep(150);
    await eventually(() => expect(cluster.staleness().get('Rollout.argoproj.io')).toBeLessThan(0.1));
    server.silenceWatches();
    server.put(rollout('a'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(1);
  });

  it('that fall silent without bookmarks are detected once they should have ended', async () => {
    const server = await serve();
    const cluster = await synced(server, { timing: { watch: [1_000, 1_000], watchGrace: 100 } });
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    server.silenceWatches();
    server.put(rollout('a'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(1);
  });

  it('accept objects of any size, in chunks of any size', async () => {
    const server = await serve();
    server.chunk = 7;
    const cluster = await synced(server);
    server.put(rollout('ümläut', { metadata: { annotations: { note: 'größer als 7 Bytes, 日本語' } } }));
    await eventually(() =>
      expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'ümläut')).toMatchObject({
        metadata: { annotations: { note: 'größer als 7 Bytes, 日本語' } },
      }),
    );
    server.chunk = undefined;
    const long = 'x'.repeat(3 * 1024 * 1024);
    server.put(rollout('big', { metadata: { annotations: { long } } }));
    server.put(rollout('next'));
    await eventually(() => expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'next')).not.toBe('absent'));
    expect(look(cluster, 'Rollout.argoproj.io', 'shop', 'big')).toMatchObject({ metadata: { annotations: { long } } });
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(1);
  });

  it('that send an invalid event are opened again, and lose no events', async () => {
    const server = await serve();
    const cluster = await synced(server);
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    for (const nonsense of [
      '{"type":"ADDED","obj\n',
      'null\n',
      '{"type":"SOMETHING"}\n',
      '{"type":"ADDED","object":7}\n',
      '{"type":"ERROR","object":{"code":500}}\n',
      '\n\n',
    ]) {
      server.sendRaw(ROLLOUTS, nonsense);
      const name = `r-${server.requests.length}`;
      server.put(rollout(name));
      await eventually(() => expect(look(cluster, 'Rollout.argoproj.io', 'shop', name)).not.toBe('absent'));
      await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    }
  });
});

describe('an API server that fails', () => {
  it('is watched again after a restart, from the last version', async () => {
    const server = await serve();
    server.put(rollout('a'));
    const { lines, logger } = recorder();
    const cluster = await synced(server, { logger, timing: { backoff: [20, 60_000] } });
    const lists = server.requestsFor(ROLLOUTS, 'list').length;
    await server.stop();
    server.put(rollout('b'));
    await eventually(() =>
      expect(lines.some(({ message }) => message === 'cannot be watched; trying again')).toBe(true),
    );
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']);
    await server.listen();
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a', 'b']));
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(lists);
    await eventually(() =>
      expect(lines.filter(({ message }) => message === 'watched again').length).toBeGreaterThan(0),
    );
  });

  it('is reported as stale after a while, until it answers again', async () => {
    const server = await serve();
    const cluster = await synced(server, { timing: { stale: 300 } });
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    await server.stop();
    await eventually(() =>
      expect(cluster.ready().reasons.join('\n')).toMatch(/no data about rollouts from the API server for \d+ s/),
    );
    expect(cluster.staleness().get('Rollout.argoproj.io')).toBeGreaterThan(0.3);
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual([]);
    await server.listen();
    await eventually(() => expect(cluster.ready()).toEqual({ ok: true, reasons: [] }));
  });

  it('is not assumed because of a quiet watch without bookmarks, until the watch must have ended', async () => {
    const server = await serve();
    const cluster = await synced(server, { timing: { stale: 50 } });
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    await eventually(() => expect(cluster.staleness().get('Service')).toBeGreaterThan(0.1));
    expect(cluster.ready()).toEqual({ ok: true, reasons: [] });
  });

  it('with one kind does not affect the others or readiness; that kind is unknown', async () => {
    const server = await serve();
    server.put({
      apiVersion: 'traefik.io/v1alpha1',
      kind: 'TraefikService',
      metadata: { namespace: 'shop', name: 'a' },
    });
    const cluster = await synced(server, { timing: { giveUpWaiting: 200, forgetAfter: 400 } });
    await eventually(() => expect(server.watching('traefik.io/traefikservices')).toBe(1));
    server.fail('traefik.io/traefikservices', 500);
    server.cutWatches();
    expect(look(cluster, 'TraefikService.traefik.io', 'shop', 'a')).toMatchObject({ kind: 'TraefikService' });
    await eventually(() =>
      expect(look(cluster, 'TraefikService.traefik.io', 'shop', 'a')).toBe(
        'traefikservices.traefik.io cannot be read: 500 traefik.io/traefikservices failed',
      ),
    );
    expect(cluster.ready()).toEqual({ ok: true, reasons: [] });
    expect([...cluster.unknown().keys()]).toEqual(['TraefikService.traefik.io']);
    expect(cluster.staleness().has('TraefikService.traefik.io')).toBe(false);
    server.fail('traefik.io/traefikservices', undefined);
    await eventually(() =>
      expect(look(cluster, 'TraefikService.traefik.io', 'shop', 'a')).toMatchObject({ kind: 'TraefikService' }),
    );
  });

  it('with one kind from the start does not delay readiness, unless that kind is Rollouts', async () => {
    const server = await serve();
    server.fail('traefik.io/traefikservices', 500);
    const cluster = await synced(server, { timing: { giveUpWaiting: 200 } });
    expect(cluster.unknown().get('TraefikService.traefik.io')).toContain('cannot be read');
    expect(cluster.ready().ok).toBe(true);
    server.fail(ROLLOUTS, 500);
    const other = watch(server, { timing: { giveUpWaiting: 200 } });
    await eventually(() =>
      expect(other.ready().reasons).toEqual(['not read yet: rollouts (500 argoproj.io/rollouts failed)']),
    );
    server.fail(ROLLOUTS, undefined);
    await eventually(() => expect(other.ready().ok).toBe(true));
  });

  it('with 503 keeps the objects that were read', async () => {
    const server = await serve();
    server.put(rollout('a'));
    const cluster = await synced(server, { timing: { forgetAfter: 0 } });
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    server.fail(ROLLOUTS, 503);
    server.compact();
    server.cutWatches();
    await eventually(() => expect(server.requestsFor(ROLLOUTS, 'list').length).toBeGreaterThan(3));
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']);
    server.fail(ROLLOUTS, undefined);
    server.put(rollout('b'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a', 'b']));
  });
});

describe('a kind that may not be read', () => {
  it('is unknown with a reason, the others are not affected, and the log has one line', async () => {
    const server = await serve();
    server.fail('/secrets', 403);
    server.put(rollout('a'));
    const { lines, logger } = recorder();
    const cluster = await synced(server, { logger });
    expect(look(cluster, 'Secret', 'shop', 'a')).toBe('no permission to list and watch secrets');
    expect(names(cluster, 'Secret')).toBe('no permission to list and watch secrets');
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']);
    expect(cluster.ready()).toEqual({ ok: true, reasons: [] });
    expect(cluster.staleness().has('Secret')).toBe(false);
    const before = server.requestsFor('/secrets', 'list').length;
    await eventually(() => expect(server.requestsFor('/secrets', 'list').length).toBeGreaterThan(before + 4));
    expect(lines).toMatchObject([
      {
        level: 'warn',
        message: 'no permission to read; rules that need it are skipped',
        fields: { list: '/api/v1/secrets' },
      },
    ]);
    server.put(core('Secret', 'shop', 'a'));
    server.fail('/secrets', undefined);
    await eventually(() => expect(names(cluster, 'Secret')).toEqual(['a']));
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'can be read now' });
  });

  it('is requested at long intervals', async () => {
    const server = await serve();
    server.fail('/secrets', 403);
    await synced(server, { timing: { giveUpWaiting: 0, forbiddenPause: 3_600_000 } });
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    const before = server.requestsFor('/secrets', 'list').filter(({ query }) => !query.has('labelSelector')).length;
    server.put(rollout('a'));
    server.cutWatches();
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    expect(server.requestsFor('/secrets', 'list').filter(({ query }) => !query.has('labelSelector'))).toHaveLength(
      before,
    );
  });

  // Returns a world that has read a Service, after which Services may not be read.
  async function withoutServices(forgetAfter: number): Promise<ClusterWorld> {
    const server = await serve();
    server.put(core('Service', 'shop', 'a'));
    const cluster = await synced(server, { timing: { forgetAfter } });
    await eventually(() => expect(server.watching('/services')).toBe(1));
    server.fail('/services', 403);
    server.compact();
    server.cutWatches();
    await eventually(() => expect(server.requestsFor('/services', 'list').length).toBeGreaterThan(2));
    return cluster;
  }

  it('that was read before stays known for a while', async () => {
    expect(names(await withoutServices(3_600_000), 'Service')).toEqual(['a']);
  });

  it('that was read before is unknown after a while', async () => {
    const cluster = await withoutServices(50);
    await eventually(() =>
      expect(look(cluster, 'Service', 'shop', 'a')).toBe('no permission to list and watch services'),
    );
  });

  it('makes the gate not ready if it is Rollouts', async () => {
    const server = await serve();
    server.fail(ROLLOUTS, 403);
    const cluster = await synced(server);
    expect(cluster.ready()).toEqual({ ok: false, reasons: ['no permission to list and watch rollouts.argoproj.io'] });
  });

  it('may still be readable for the one ConfigMap whose content is needed', async () => {
    const server = await serve();
    server.put(core('ConfigMap', 'argo-rollouts', 'argo-rollouts-config', { data: { key: 'value' } }));
    server.fail('/configmaps', 403, { unless: 'fieldSelector' });
    const cluster = await synced(server);
    expect(look(cluster, 'ConfigMap', 'argo-rollouts', 'argo-rollouts-config')).toMatchObject({
      data: { key: 'value' },
    });
    expect(look(cluster, 'ConfigMap', 'argo-rollouts', 'other')).toContain('no permission');
    expect(look(cluster, 'ConfigMap', 'shop', 'argo-rollouts-config')).toBe('absent');
  });
});
