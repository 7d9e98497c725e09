import { describe, expect, it } from 'vitest';
import { controller, core, eventually, FAR, look, names, rollout, serve, synced, watch } from './helpers.ts';

const VS = 'VirtualService.networking.istio.io';
const ELSEWHERE = 'the Istio objects are in the primary cluster of the mesh, and Rollgate has no kubeconfig for it';

const virtualService = (name: string) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { namespace: 'shop', name },
});
const secret = (namespace: string) => ({
  ...core('Secret', namespace, 'primary'),
  metadata: { namespace, name: 'primary', labels: { 'istio.argoproj.io/primary-cluster': 'true' } },
});

describe('Istio objects', () => {
  it('are those of this cluster if no Secret says otherwise', async () => {
    const server = await serve();
    server.put(controller('argo-rollouts', 'argo-rollouts'));
    server.put(secret('elsewhere'));
    server.put(virtualService('a'));
    const cluster = await synced(server);
    expect(names(cluster, VS)).toEqual(['a']);
    const asked = server.requests.filter(({ query }) => query.has('labelSelector'));
    for (const { path, query, accept } of asked) {
      expect(path).toBe('/api/v1/namespaces/argo-rollouts/secrets');
      expect(query.get('labelSelector')).toBe('istio.argoproj.io/primary-cluster=true');
      expect(accept).toContain('as=PartialObjectMetadataList');
    }
  });

  it('are unknown if a controller takes them from another cluster', async () => {
    const server = await serve();
    server.put(controller('argo-rollouts', 'argo-rollouts'));
    server.put(secret('argo-rollouts'));
    server.put(virtualService('a'));
    server.put(rollout('r'));
    const cluster = await synced(server);
    expect(look(cluster, VS, 'shop', 'a')).toBe(ELSEWHERE);
    expect(names(cluster, 'DestinationRule.networking.istio.io')).toBe(ELSEWHERE);
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['r']);
    expect(cluster.ready()).toEqual({ ok: true, reasons: [] });
    expect(await cluster.fetch([`${VS}/shop/a`], Date.now() + FAR)).toEqual(new Map([[`${VS}/shop/a`, 'unreadable']]));
  });

  it('become unknown and known again when the Secret appears and disappears', async () => {
    const server = await serve();
    server.put(virtualService('a'));
    const cluster = await synced(server);
    expect(names(cluster, VS)).toEqual(['a']);
    server.put(secret('argo-rollouts'));
    await eventually(() => expect(look(cluster, VS, 'shop', 'a')).toBe(ELSEWHERE));
    server.remove('Secret', 'argo-rollouts', 'primary');
    await eventually(() => expect(names(cluster, VS)).toEqual(['a']));
  });

  it('are decided by Secrets in the namespaces that the policy names, as it names them now', async () => {
    const server = await serve();
    server.put(secret('rollouts'));
    server.put(virtualService('a'));
    let named = ['other', 'rollouts'];
    const cluster = await synced(server, { controllerNamespaces: () => named });
    expect(names(cluster, VS)).toBe(ELSEWHERE);
    named = ['other'];
    await eventually(() => expect(names(cluster, VS)).toEqual(['a']));
  });

  it('are not hidden by a user who makes a Deployment and a Secret that look like those of a controller', async () => {
    const server = await serve();
    server.put(controller('argo-rollouts', 'argo-rollouts'));
    server.put(controller('tenant', 'argo-rollouts'));
    server.put(secret('tenant'));
    server.put(virtualService('a'));
    const cluster = await synced(server);
    expect(names(cluster, VS)).toEqual(['a']);
    const asked = server.requests.filter(({ query }) => query.has('labelSelector'));
    expect(new Set(asked.map(({ path }) => path))).toEqual(new Set(['/api/v1/namespaces/argo-rollouts/secrets']));
  });

  it('are those of this cluster if the policy names no namespace', async () => {
    const server = await serve();
    server.put(controller('argo-rollouts', 'argo-rollouts'));
    server.put(secret('argo-rollouts'));
    server.put(virtualService('a'));
    const cluster = await synced(server, { controllerNamespaces: () => [] });
    expect(names(cluster, VS)).toEqual(['a']);
    expect(server.requests.filter(({ query }) => query.has('labelSelector'))).toEqual([]);
  });

  it('are those of this cluster if listing Secrets is forbidden', async () => {
    const server = await serve();
    server.put(controller('argo-rollouts', 'argo-rollouts'));
    server.fail('/secrets', 403);
    const cluster = await synced(server);
    expect(names(cluster, VS)).toEqual([]);
  });

  it('are unknown if listing Secrets fails, and the gate is ready anyway', async () => {
    const server = await serve();
    server.put(controller('argo-rollouts', 'argo-rollouts'));
    server.fail('/secrets', 500);
    const cluster = await synced(server, { timing: { giveUpWaiting: 200 } });
    expect(names(cluster, VS)).toBe('it is not known yet whether the Istio objects are in a primary cluster');
    expect(cluster.ready().ok).toBe(true);
  });

  it('do not depend on finding the controllers, nor on Secrets elsewhere', async () => {
    const server = await serve();
    server.fail('apps/deployments', 403);
    server.put(secret('anywhere'));
    const cluster = await synced(server);
    expect(names(cluster, VS)).toEqual([]);
    server.put(secret('argo-rollouts'));
    await eventually(() => expect(names(cluster, VS)).toBe(ELSEWHERE));
  });

  it('are read from the primary cluster if its kubeconfig is given', async () => {
    const server = await serve();
    const primary = await serve();
    server.put(controller('argo-rollouts', 'argo-rollouts'));
    server.put(secret('argo-rollouts'));
    server.put(virtualService('here'));
    server.put(rollout('r'));
    primary.put(virtualService('there'));
    primary.put(rollout('not-ours'));
    const cluster = await synced(server, { istioKubeConfig: primary.kubeConfig() });
    expect(names(cluster, VS)).toEqual(['there']);
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['r']);
    expect(server.requestsFor('networking.istio.io/virtualservices')).toEqual([]);
    expect(primary.requestsFor('argoproj.io/rollouts')).toEqual([]);
    const answers = await cluster.fetch([`${VS}/shop/there`, `${VS}/shop/here`], Date.now() + FAR);
    expect(answers.get(`${VS}/shop/there`)).toMatchObject({ kind: 'VirtualService' });
    expect(answers.get(`${VS}/shop/here`)).toBe(undefined);
  });

  it('are unknown if the primary cluster is down; the gate of this cluster is ready', async () => {
    const server = await serve();
    const primary = await serve();
    await primary.stop();
    server.put(rollout('r'));
    const cluster = watch(server, { istioKubeConfig: primary.kubeConfig(), timing: { giveUpWaiting: 200 } });
    await eventually(() => expect(cluster.ready().ok).toBe(true));
    expect(names(cluster, VS)).toContain('ECONNREFUSED');
    expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['r']);
    await primary.listen();
    primary.put(virtualService('there'));
    await eventually(() => expect(names(cluster, VS)).toEqual(['there']));
  });
});
