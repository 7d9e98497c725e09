import { describe, expect, it } from 'vitest';
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
      const listed = (await cluster.list([key], soon())).get(key) ?? 'unreadable';
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
    const answers = await cluster.list([secrets, configMaps], soon());
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
    expect((await cluster.list([SERVICES], soon())).get(SERVICES)).toBe('unreadable');
    server.pageSize = Infinity;
    const keys = Array.from({ length: 9 }, (_, index) => listKey('Service', `shop-${index}`));
    const answers = await cluster.list([...keys, keys[0] ?? ''], soon());
    expect([...answers].filter(([, listed]) => listed === 'unreadable')).toEqual([[keys[8], 'unreadable']]);
    expect((await cluster.list([SERVICES], Date.now() - 1)).get(SERVICES)).toBe('unreadable');
    expect((await cluster.list(['list/Nothing/shop'], soon())).get('list/Nothing/shop')).toBe('unreadable');
    server.fail('/services', 403);
    expect((await cluster.list([SERVICES], soon())).get(SERVICES)).toBe('unreadable');
  });
});
