import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LiveListRoom, MOST_IN_ALL, MOST_PER_NAMESPACE } from '../../src/cluster/live-list-room.ts';
import { listKey } from '../../src/world/object.ts';
import { core, eventually, serve, synced } from './helpers.ts';

const soon = (): number => Date.now() + 30_000;
const SERVICES = listKey('Service', 'shop');

describe('a live list', () => {
  it('has what the watch has not told yet', async () => {
    const server = await serve();
    server.put(core('Service', 'shop', 'old'));
    const cluster = await synced(server);
    await eventually(() => expect(server.watching('/services')).toBe(1));
    server.pause();
    server.put(core('Service', 'shop', 'new'));
    server.put(core('Service', 'other', 'abroad'));
    const names = async (key: string): Promise<readonly string[]> => {
      const listed = (await cluster.list([key], soon(), 'shop')).get(key) ?? 'unreadable';
      return listed === 'unreadable' ? [] : listed.map(({ metadata }) => metadata.name).sort();
    };
    expect(await names(SERVICES)).toEqual(['new', 'old']);
    expect(await names(listKey('Service', ''))).toEqual(['abroad', 'new', 'old']);
  });

  it('is of the names of Secrets, and of the ConfigMaps of controllers with their content', async () => {
    const server = await serve();
    server.put(core('Secret', 'shop', 'token', { data: { password: 'aGlkZGVu' } }));
    server.put(core('ConfigMap', 'shop', 'other'));
    server.put(core('ConfigMap', 'argo', 'argo-rollouts-config', { data: { key: 'value' } }));
    const cluster = await synced(server);
    const [secrets, configMaps] = [listKey('Secret', 'shop'), listKey('ConfigMap', '')];
    const answers = await cluster.list([secrets, configMaps], soon(), 'shop');
    expect(answers.get(secrets)).toEqual([
      { apiVersion: 'v1', kind: 'Secret', metadata: expect.objectContaining({ name: 'token' }) as unknown },
    ]);
    expect(answers.get(configMaps)).toMatchObject([{ data: { key: 'value' } }]);
  });

  it('is unreadable where it is too long, not served, one of too many, or late', async () => {
    const server = await serve();
    for (const name of ['a', 'b']) server.put(core('Service', 'shop', name));
    const cluster = await synced(server);
    server.pageSize = 1;
    expect((await cluster.list([SERVICES], soon(), 'shop')).get(SERVICES)).toBe('unreadable');
    server.pageSize = Infinity;
    const keys = Array.from({ length: 9 }, (_, index) => listKey('Service', `shop-${index}`));
    const answers = await cluster.list([...keys, keys[0] ?? ''], soon(), 'shop');
    expect([...answers].filter(([, listed]) => listed === 'unreadable')).toEqual([[keys[8], 'unreadable']]);
    expect((await cluster.list([SERVICES], Date.now() - 1, 'shop')).get(SERVICES)).toBe('unreadable');
    expect((await cluster.list(['list/Nothing/shop'], soon(), 'shop')).get('list/Nothing/shop')).toBe('unreadable');
    server.fail('/services', 403);
    expect((await cluster.list([SERVICES], soon(), 'shop')).get(SERVICES)).toBe('unreadable');
  });
});

describe('of too many live lists', () => {
  it('those of the namespace of the request are read first', async () => {
    const server = await serve();
    const cluster = await synced(server);
    const keys = Array.from({ length: 9 }, (_, index) => listKey('Service', `shop-${index}`));
    const answers = await cluster.list([...keys, SERVICES], soon(), 'shop');
    expect([...answers].filter(([, listed]) => listed === 'unreadable').map(([key]) => key)).toEqual(keys.slice(7));
  });
});

describe('live lists for one namespace', () => {
  it('have a share of the memory, and take none from those for others', async () => {
    const server = await serve();
    const dense = { data: Object.fromEntries(Array.from({ length: 40_000 }, (_, index) => [`k${index}`, ''])) };
    for (const name of ['a', 'b', 'c']) server.put({ ...core('Service', 'evil', name), spec: { ports: [dense] } });
    server.put(core('Service', 'shop', 'one'));
    const cluster = await synced(server);
    const evil = listKey('Service', 'evil');
    expect((await cluster.list([evil], soon(), 'evil')).get(evil)).toBe('unreadable');
    expect((await cluster.list([evil], soon(), 'evil')).get(evil)).toBe('unreadable');
    expect((await cluster.list([SERVICES], soon(), 'shop')).get(SERVICES)).toHaveLength(1);
  });
});

describe('the room of live lists', () => {
  it('is given back when the request is answered at the latest', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const room = new LiveListRoom();
    const until = Date.now() + 4_000;
    expect(room.take('a', MOST_PER_NAMESPACE, until)).toBe(true);
    expect(room.take('a', 1, until)).toBe(false);
    for (let taken = MOST_PER_NAMESPACE; taken < MOST_IN_ALL; taken += MOST_PER_NAMESPACE)
      expect(room.take(`b-${taken}`, MOST_PER_NAMESPACE, until)).toBe(true);
    expect(room.take('c', 1, until)).toBe(false);
    vi.advanceTimersByTime(4_000);
    expect(room.take('a', MOST_PER_NAMESPACE, until + 4_000)).toBe(true);
    expect(room.take('c', 1, until + 4_000)).toBe(true);
  });

  it('gives each namespace one turn at a time, and none to those who have gone', async () => {
    const room = new LiveListRoom();
    const done: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const gone = new AbortController();
    const work =
      (what: string, until = Promise.resolve()) =>
      async (): Promise<void> => {
        await until;
        done.push(what);
      };
    const { signal } = new AbortController();
    const first = room.inTurn('a', signal, work('a1', promise));
    const second = room.inTurn('a', gone.signal, work('a2'));
    const third = room.inTurn('a', signal, work('a3'));
    await room.inTurn('b', signal, work('b1'));
    expect(done).toEqual(['b1']);
    gone.abort();
    resolve();
    await Promise.all([first, second, third]);
    expect(done).toEqual(['b1', 'a1', 'a3']);
    const failing = room.inTurn('a', signal, () => Promise.reject(new Error('failed')));
    const next = room.inTurn('a', signal, work('a4'));
    await expect(failing).rejects.toThrow('failed');
    await next;
    expect(done.at(-1)).toBe('a4');
  });
});
