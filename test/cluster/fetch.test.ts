import { describe, expect, it } from 'vitest';
import { fetchObjects } from '../../src/cluster/fetch.ts';
import { keyFor } from '../../src/world/object.ts';
import { core, eventually, look, rollout, serve, synced } from './helpers.ts';

const soon = (): number => Date.now() + 30_000;
// Of a read that never ends: so long that everything else is answered on a busy machine, too.
// Milliseconds until what is stalled counts as too late, while a busy machine answers all else.
const IN_TIME = 10_000;

describe('a live read', () => {
  it('sees what the watch has not told yet', async () => {
    const server = await serve();
    server.put(core('Service', 'shop', 'gone'));
    server.put(core('Service', 'shop', 'changed', { spec: { ports: [] } }));
    const cluster = await synced(server);
    await eventually(() => expect(server.watching('/services')).toBe(1));
    server.pause();
    server.remove('Service', 'shop', 'gone');
    server.put(core('Service', 'shop', 'changed', { spec: { ports: [{ port: 80 }] } }));
    server.put(core('Service', 'shop', 'new'));
    const keys = ['gone', 'changed', 'new', 'never'].map((name) => keyFor('Service', 'shop', name));
    const answers = await cluster.fetch(keys, soon());
    expect([...answers.keys()]).toEqual(keys);
    expect(answers.get(keys[0] ?? '')).toBe(undefined);
    expect(answers.get(keys[1] ?? '')).toMatchObject({
      apiVersion: 'v1',
      kind: 'Service',
      spec: { ports: [{ port: 80 }] },
    });
    expect(answers.get(keys[2] ?? '')).toMatchObject({ metadata: { name: 'new' } });
    expect(answers.get(keys[3] ?? '')).toBe(undefined);
    expect(look(cluster, 'Service', 'shop', 'gone')).toMatchObject({ kind: 'Service' });
  });

  it('is of the whole object, but of Secrets only of the name', async () => {
    const server = await serve();
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
    server.put(rollout('a', { metadata: { annotations, managedFields: [{ manager: 'kubectl' }] } }));
    server.put(core('Secret', 'shop', 'token', { data: { password: 'aGlkZGVu' } }));
    server.put(core('ConfigMap', 'argo-rollouts', 'argo-rollouts-config', { data: { key: 'value' } }));
    const cluster = await synced(server);
    const answers = await cluster.fetch(
      ['Rollout.argoproj.io/shop/a', 'Secret/shop/token', 'ConfigMap/argo-rollouts/argo-rollouts-config'],
      soon(),
    );
    expect(answers.get('Rollout.argoproj.io/shop/a')).toMatchObject({
      metadata: { annotations, managedFields: [{ manager: 'kubectl' }] },
    });
    expect(Object.keys(answers.get('Secret/shop/token') ?? {})).toEqual(['apiVersion', 'kind', 'metadata']);
    expect(answers.get('ConfigMap/argo-rollouts/argo-rollouts-config')).toMatchObject({ data: { key: 'value' } });
    expect(server.requestsFor('/secrets', 'get').map(({ accept }) => accept)).toEqual([
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    ]);
  });

  it('is made once for each key, few at a time', async () => {
    const server = await serve();
    const cluster = await synced(server);
    const keys = Array.from({ length: 100 }, (_, index) => keyFor('Service', 'shop', `s-${index}`));
    const answers = await cluster.fetch([...keys, ...keys], soon());
    expect(answers.size).toBe(100);
    expect(server.requestsFor('/services', 'get')).toHaveLength(100);
    server.stall('/services get');
    await cluster.fetch(keys, Date.now() + IN_TIME);
    expect(server.requestsFor('/services', 'get').length - 100).toBe(16);
  });

  it('is unreadable when it is refused, fails, or takes too long; the rest is answered', async () => {
    const server = await serve();
    server.put(rollout('a'));
    const cluster = await synced(server);
    server.fail('/services get', 403);
    server.fail('apps/deployments get', 500);
    server.stall('networking.k8s.io/ingresses get');
    const answers = await cluster.fetch(
      ['Service/shop/a', 'Deployment.apps/shop/a', 'Ingress.networking.k8s.io/shop/a', 'Rollout.argoproj.io/shop/a'],
      Date.now() + IN_TIME,
    );
    expect(answers.get('Service/shop/a')).toBe('unreadable');
    expect(answers.get('Deployment.apps/shop/a')).toBe('unreadable');
    expect(answers.get('Ingress.networking.k8s.io/shop/a')).toBe('unreadable');
    expect(answers.get('Rollout.argoproj.io/shop/a')).toMatchObject({ kind: 'Rollout' });
    expect(await cluster.fetch(['Rollout.argoproj.io/shop/a'], Date.now() - 1)).toEqual(
      new Map([['Rollout.argoproj.io/shop/a', 'unreadable']]),
    );
    await server.stop();
    expect(await cluster.fetch(['Rollout.argoproj.io/shop/a'], soon())).toEqual(
      new Map([['Rollout.argoproj.io/shop/a', 'unreadable']]),
    );
  });

  it('sends nothing when its deadline has passed or its signal is aborted already', async () => {
    const located: string[] = [];
    const locate = (kind: string): readonly [] => {
      located.push(kind);
      return [];
    };
    const key = keyFor('Service', 'shop', 'a');
    const unread = new Map([[key, 'unreadable']]);
    expect(await fetchObjects([key], locate, Date.now() - 1, new AbortController().signal)).toEqual(unread);
    expect(await fetchObjects([key], locate, soon(), AbortSignal.abort())).toEqual(unread);
    expect(located).toEqual([]);
    await fetchObjects([key], locate, soon(), new AbortController().signal);
    expect(located).toEqual(['Service']);
  });

  it('of a kind that is not served, or served no more, is unreadable rather than absent', async () => {
    const server = await serve();
    server.uninstall('ScaledObject.keda.sh');
    const cluster = await synced(server, { timing: { discoveryAfterChange: [60_000], forgetAfter: 60_000 } });
    expect(await cluster.fetch(['ScaledObject.keda.sh/shop/a'], soon())).toEqual(
      new Map([['ScaledObject.keda.sh/shop/a', 'unreadable']]),
    );
    server.uninstall('Rollout.argoproj.io');
    expect(await cluster.fetch(['Rollout.argoproj.io/shop/a'], soon())).toEqual(
      new Map([['Rollout.argoproj.io/shop/a', 'unreadable']]),
    );
  });

  it('sends nothing to where a name might lead', async () => {
    const server = await serve();
    const cluster = await synced(server);
    const before = server.requests.length;
    const impossible = [
      'Service/shop/',
      'Service/shop/..',
      'Service/../a',
      'Service/shop/a/b',
      'Service//a',
      'Service/shop/a?b',
      'Service/shop/a%2fb',
      'Service/shop/a b',
      `Service/shop/${'x'.repeat(300)}`,
    ];
    const answers = await cluster.fetch(impossible, soon());
    for (const key of impossible) expect([key, answers.get(key)]).toEqual([key, undefined]);
    const meaningless = ['Service/shop/*', 'Pod/shop/a', 'selector/shop/[]', '', 'toString/a/b'];
    const others = await cluster.fetch(meaningless, soon());
    for (const key of meaningless) expect([key, others.get(key)]).toEqual([key, 'unreadable']);
    expect(server.requests).toHaveLength(before);
  });

  it('looks in every group that serves the kind', async () => {
    const server = await serve();
    server.install('TraefikService.traefik.io', { group: 'traefik.containo.us', versions: ['v1alpha1'] });
    server.put({
      apiVersion: 'traefik.containo.us/v1alpha1',
      kind: 'TraefikService',
      metadata: { namespace: 'shop', name: 'old' },
    });
    const cluster = await synced(server);
    const answers = await cluster.fetch(
      ['TraefikService.traefik.io/shop/old', 'TraefikService.traefik.io/shop/none'],
      soon(),
    );
    expect(answers.get('TraefikService.traefik.io/shop/old')).toMatchObject({
      apiVersion: 'traefik.containo.us/v1alpha1',
    });
    expect(answers.get('TraefikService.traefik.io/shop/none')).toBe(undefined);
    server.fail('traefik.io/traefikservices get', 500);
    const half = await cluster.fetch(
      ['TraefikService.traefik.io/shop/old', 'TraefikService.traefik.io/shop/none'],
      soon(),
    );
    expect(half.get('TraefikService.traefik.io/shop/old')).toMatchObject({
      apiVersion: 'traefik.containo.us/v1alpha1',
    });
    expect(half.get('TraefikService.traefik.io/shop/none')).toBe('unreadable');
  });
});
