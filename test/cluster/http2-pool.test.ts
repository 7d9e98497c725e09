import { afterEach, describe, expect, it } from 'vitest';
import { keyFor } from '../../src/world/object.ts';
import type { FakeApiServer } from '../support/fake-apiserver.ts';
import { Forwarder } from '../support/forwarder.ts';
import { core, eventually, FAR, look, names, rollout, serve, synced } from './helpers.ts';

const ROLLOUTS = 'argoproj.io/rollouts';
const started: Forwarder[] = [];

afterEach(async () => {
  for (const forwarder of started.splice(0)) await forwarder.stop();
});

async function between(server: FakeApiServer): Promise<Forwarder> {
  const forwarder = await Forwarder.start({ host: '127.0.0.1', port: 0 }, () => ({
    host: '127.0.0.1',
    port: server.port,
  }));
  started.push(forwarder);
  return forwarder;
}

describe('watches over HTTP/2', () => {
  it('share a connection', async () => {
    const server = await serve({ http2: true });
    server.put(rollout('before'));
    const cluster = await synced(server);
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    expect(server.sessions).toBe(1);
    server.put(rollout('after'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['after', 'before']));
  });

  it('use another connection when one would carry more streams than API servers allow', async () => {
    const server = await serve({ http2: true });
    const namespaces = ['a', 'b', 'c', 'd', 'e', 'f'];
    const cluster = await synced(server, { namespaces });
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(namespaces.length));
    for (const namespace of namespaces) server.put(rollout('new', { metadata: { namespace } }));
    await eventually(() =>
      expect(namespaces.map((namespace) => names(cluster, 'Rollout.argoproj.io', namespace))).toEqual(
        namespaces.map(() => ['new']),
      ),
    );
    expect(server.watching()).toBeGreaterThan(80);
    expect(server.sessions).toBeGreaterThan(1);
  });

  it('recover at once from a silently dropped connection, even before the first bookmark', async () => {
    const server = await serve({ http2: true });
    const forwarder = await between(server);
    const cluster = await synced(server, {
      kubeConfig: server.kubeConfig({ port: forwarder.port }),
      timing: { ping: 50 },
    });
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    forwarder.freeze();
    server.put(rollout('a'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
    expect(server.requestsFor(ROLLOUTS, 'list')).toHaveLength(1);
  });

  it('continue once the network works again', async () => {
    const server = await serve({ http2: true });
    const forwarder = await between(server);
    const cluster = await synced(server, {
      kubeConfig: server.kubeConfig({ port: forwarder.port }),
      timing: { ping: 50, request: 300 },
    });
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    forwarder.swallow(true);
    server.put(rollout('a'));
    await eventually(() => expect(cluster.staleness().get('Rollout.argoproj.io')).toBeGreaterThan(0.5));
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual([]);
    forwarder.swallow(false);
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
  });

  it('lose no events when the server restarts', async () => {
    const server = await serve({ http2: true });
    const cluster = await synced(server);
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    await server.stop();
    server.put(rollout('a'));
    await server.listen();
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
  });

  it('report a rejection as over HTTP/1.1', async () => {
    const server = await serve({ http2: true });
    const cluster = await synced(server);
    server.fail(`${ROLLOUTS} watch`, 410);
    server.cutWatches();
    server.put(rollout('new'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['new']));
    expect(server.requestsFor(ROLLOUTS, 'list').length).toBeGreaterThan(1);
  });

  it('use HTTP/1.1 if the server has no HTTP/2', async () => {
    const server = await serve({ tls: true });
    const cluster = await synced(server);
    await eventually(() => expect(server.watching(ROLLOUTS)).toBe(1));
    server.put(rollout('a'));
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
    expect(server.sessions).toBe(0);
  });
});

describe('live reads', () => {
  it('do not try one dropped connection after the other', async () => {
    const server = await serve({ http2: true });
    const forwarder = await between(server);
    const keys = ['a', 'b', 'c', 'd'].map((name) => keyFor('Service', 'shop', name));
    for (const name of ['a', 'b', 'c', 'd']) server.put(core('Service', 'shop', name));
    const cluster = await synced(server, {
      kubeConfig: server.kubeConfig({ port: forwarder.port }),
      timing: { ping: 60_000 },
    });
    await eventually(() => expect(look(cluster, 'Service', 'shop', 'd')).not.toBe('absent'));
    await cluster.fetch(keys, Date.now() + FAR);
    forwarder.freeze();
    const [key = keyFor('Service', 'shop', 'a')] = keys;
    expect((await cluster.fetch([key], Date.now() + 200)).get(key)).toBe('unreadable');
    expect((await cluster.fetch(keys, Date.now() + FAR)).get(key)).toMatchObject({ kind: 'Service' });
  });
});
