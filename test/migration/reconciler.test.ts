import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/cluster/api-error.ts';
import { SUSPENDED } from '../../src/migration/annotations.ts';
import { keyOf, type KubeObject, type ObjectKey } from '../../src/world/object.ts';
import { dig, asObject } from '../../src/world/read.ts';
import { eventually } from '../cluster/helpers.ts';
import { D, Server, UIDS, old, start, web } from '../support/reconciled.ts';

const R: ObjectKey = 'Rollout.argoproj.io/shop/web';

describe('the reconciler', () => {
  it('creates the Rollout of an admitted Deployment, and records it at once', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    start(server);
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', 'rollgate.io/rollout-uid')).toBe('r-1'),
    );
    expect(dig(server.objects.get(R), 'spec', 'replicas')).toBe(3);
    expect(server.did).toEqual(['create', 'annotate']);
    expect(server.events.map(({ reason }) => reason)).toEqual(['RolloutCreated']);
  });

  it('sends no requests about objects that are as they should be', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    const reconciler = start(server);
    await eventually(() => expect(server.did).toHaveLength(2));
    let before: number;
    do {
      before = server.reads;
      await new Promise((resolve) => setTimeout(resolve, 400));
    } while (server.reads !== before);
    for (let time = 0; time < 20; time++) reconciler.changed(D);
    server.put({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'other', namespace: 'shop' }, spec: {} });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(server.reads).toBe(before);
  });

  const left = (ownerReferences: readonly object[]): KubeObject => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'r-1',
      generation: 1,
      annotations: { 'rollgate.io/converted-from': 'web', 'rollgate.io/replicas': '3' },
      ownerReferences,
    },
    spec: {
      replicas: 3,
      workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      strategy: { canary: {} },
    },
    status: { observedGeneration: '1', workloadObservedGeneration: '1' },
  });
  const OWNER = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true };

  it.each(['before it starts', 'while it runs'])(
    'reverts a Deployment that lost all its annotations %s',
    async (when) => {
      const server = new Server();
      server.put(left([OWNER]));
      if (when === 'while it runs') {
        server.put(web({ convert: 'canary', replicas: '3', 'rollout-uid': 'r-1' }, 0));
        start(server);
      }
      server.put(web({}, 0));
      if (when === 'before it starts') start(server);
      await eventually(() => expect(server.did).toContain('patch'));
      server.put({ ...left([OWNER]), spec: { ...asObject(server.objects.get(R)?.['spec']) } });
      await eventually(() => expect(server.did.at(-1)).toBe('scale Deployment 3'));
    },
  );

  it('leaves a Rollout alone that has no owner and whose Deployment asks for nothing', async () => {
    const server = new Server();
    server.put(left([]));
    server.put(web({}, 0));
    start(server).changed(R);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect([server.did, server.reads]).toEqual([[], 0]);
  });

  it('does not act on a stale cache', async () => {
    const server = new Server();
    const deployment = server.put(web({ convert: 'canary', replicas: '3', 'rollout-uid': 'r-9' }, 0));
    server.lagging = true;
    // The cache has not seen the Rollout yet; that does not mean it was deleted.
    server.put({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: {
        name: 'elsewhere',
        namespace: 'shop',
        uid: 'r-9',
        annotations: { 'rollgate.io/converted-from': 'web', 'rollgate.io/replicas': '3' },
        ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd-1' }],
      },
      spec: { replicas: 3 },
    });
    start(server).changed(keyOf(deployment));
    await eventually(() => expect(server.reads).toBeGreaterThan(1));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.did).not.toContain('scale Deployment 3');
    expect(server.did).not.toContain('create');
  });

  it('retries after a rejection, and reports it once', async () => {
    const server = new Server();
    server.refuse = new ApiError(403, 'exceeded quota');
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    start(server);
    await eventually(() => expect(server.did.filter((what) => what === 'create').length).toBeGreaterThan(1));
    expect(server.events.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      'RolloutRefused: cannot create Rollout "web": exceeded quota',
    ]);
    server.refuse = undefined;
    await eventually(() => expect(server.objects.has(R)).toBe(true));
  });

  it.each([
    ['was refused', new ApiError(403, 'exceeded quota')],
    ['was not answered', new Error('no answer within 5000 ms')],
  ])(
    'gives the pods back when it finds them waiting for longer than they may for a Rollout that %s',
    async (_, error) => {
      const server = new Server();
      server.refuse = error;
      server.put(old(web({ convert: 'canary', replicas: '3' }, 0)));
      start(server);
      await eventually(() =>
        expect(dig(server.objects.get(D)?.metadata, 'annotations', SUSPENDED)).toBe(`refused: ${error.message}`),
      );
      expect(dig(server.objects.get(D), 'spec', 'replicas')).toBe(3);
    },
  );

  it('creates no Rollout without the conversion policy, says so, and gives the pods back', async () => {
    const server = new Server();
    server.unprotected = 'ValidatingAdmissionPolicy "rollgate-conversion" does not exist: install the chart again';
    server.put(old(web({ convert: 'canary', replicas: '3' }, 0)));
    start(server);
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', SUSPENDED)).toContain(
        'refused: ValidatingAdmissionPolicy "rollgate-conversion" does not exist: install the chart again',
      ),
    );
    expect(dig(server.objects.get(D), 'spec', 'replicas')).toBe(3);
    expect(server.did).not.toContain('create');
    expect(server.events.map(({ reason }) => reason)).toContain('ConversionPolicyMissing');
  });

  it('makes no Rollout of annotations from before the conversion policy: pods, a reason, and an event', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary', replicas: '3', 'conversion-policy': 'p-0/b-1' }, 0));
    start(server);
    const annotation = (key: string): unknown =>
      dig(server.objects.get(D)?.metadata, 'annotations', `rollgate.io/${key}`);
    await eventually(() => expect(annotation('convert-suspended')).toMatch(/^not-proven: nothing shows that a user/));
    expect(server.did).toEqual(['scale Deployment 3', 'annotate']);
    expect(server.events.at(-1)).toMatchObject({ type: 'Warning', reason: 'ConversionSuspended' });
    // Removing what everybody may remove changes nothing.
    await server.annotate(server.objects.get(D) as KubeObject, { [SUSPENDED]: undefined });
    await eventually(() => expect(annotation('convert-suspended')).toContain('not-proven'));
    expect(server.did).not.toContain('create');
    // As admission does it for somebody who may create Rollouts.
    await server.annotate(server.objects.get(D) as KubeObject, { 'rollgate.io/conversion-policy': UIDS });
    await eventually(() => expect(annotation('rollout-uid')).toBe('r-1'));
    expect(annotation('convert-suspended')).toBeUndefined();
  });

  it('notes the uids of a policy that was installed again on Deployments that are converted', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    start(server);
    await eventually(() => expect(server.did).toEqual(['create', 'annotate']));
    server.uids = 'p-2/b-2';
    server.reconciler?.changed(D);
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', 'rollgate.io/conversion-policy')).toBe('p-2/b-2'),
    );
    expect(server.did).toEqual(['create', 'annotate', 'annotate']);
  });

  it('creates nothing if the policy is installed again between its observation and the creation', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    server.protection = () => {
      server.uids = 'p-2/b-2';
      return { uids: server.uids };
    };
    start(server);
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', SUSPENDED)).toContain('not-proven'),
    );
    expect(server.did).toEqual(['scale Deployment 3', 'annotate']);
  });

  it('creates the Rollout as soon as the conversion policy is back', async () => {
    const server = new Server();
    server.unprotected = 'ValidatingAdmissionPolicy "rollgate-conversion" does not exist';
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    start(server);
    await eventually(() => expect(server.events.map(({ reason }) => reason)).toEqual(['ConversionPolicyMissing']));
    server.unprotected = undefined;
    await eventually(() => expect(server.objects.has(R)).toBe(true));
  });

  it('does nothing for a Deployment that only asks for conversion and was not admitted', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary' }, 3));
    start(server);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(server.did).toEqual([]);
  });

  it('returns the replicas if the profile does not exist, and says so', async () => {
    const server = new Server();
    server.put(old(web({ convert: 'gone', replicas: '3' }, 0)));
    start(server);
    await eventually(() => expect(dig(server.objects.get(D), 'spec', 'replicas')).toBe(3));
    await eventually(() =>
      expect(server.events.map(({ message }) => message)).toEqual(['scaled to 3: conversion profile "gone" not found']),
    );
    expect(server.did).toEqual(['scale Deployment 3']);
  });

  it('finds and records a Rollout that was created by a profile that no longer exists', async () => {
    const server = new Server();
    const deployment = server.put(old(web({ convert: 'gone', replicas: '3' }, 0)));
    server.lagging = true;
    server.put({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'r-9',
        annotations: { 'rollgate.io/converted-from': 'web', 'rollgate.io/replicas': '3' },
        ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd-1' }],
      },
      spec: { replicas: 3 },
    });
    start(server).changed(keyOf(deployment));
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', 'rollgate.io/rollout-uid')).toBe('r-9'),
    );
    expect(server.did).not.toContain('scale Deployment 3');
  });

  it('detects that the Rollout was deleted', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    start(server);
    await eventually(() => expect(server.objects.has(R)).toBe(true));
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', 'rollgate.io/rollout-uid')).toBe('r-1'),
    );
    await server.remove(server.objects.get(R) as KubeObject);
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', SUSPENDED)).toContain('rollout-deleted'),
    );
    expect(dig(server.objects.get(D), 'spec', 'replicas')).toBe(3);
    expect(server.objects.has(R)).toBe(false);
  });

  it('does nothing while it is not the leader, and catches up once it is', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    let leading = false;
    start(server, () => leading);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(server.did).toEqual([]);
    leading = true;
    await eventually(() => expect(server.objects.has(R)).toBe(true));
  });

  it('writes nothing if it loses the lead after its reads, and catches up once it leads again', async () => {
    const server = new Server();
    server.put(web({ convert: 'off', replicas: '3', 'rollout-uid': 'r-0' }, 0));
    let leading = true;
    server.before = (what) => {
      if (what === 'read') leading = false;
    };
    start(server, () => leading);
    await eventually(() => expect(leading).toBe(false));
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect([server.did, server.events]).toEqual([[], []]);
    server.before = () => undefined;
    leading = true;
    await eventually(() => expect(server.did).toEqual(['scale Deployment 3', 'annotate']));
  });

  it('leaves the record of a created Rollout to the next leader if it loses the lead', async () => {
    const server = new Server();
    server.put(web({ convert: 'canary', replicas: '3' }, 0));
    let leading = true;
    server.before = (what) => {
      if (what === 'create') leading = false;
    };
    start(server, () => leading);
    await eventually(() => expect(server.objects.has(R)).toBe(true));
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(server.did).toEqual(['create']);
    leading = true;
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', 'rollgate.io/rollout-uid')).toBe('r-1'),
    );
    expect(server.did).toEqual(['create', 'annotate']);
  });
});
