import { describe, expect, it } from 'vitest';
import { SUSPENDED } from '../../src/migration/annotations.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { keyOf } from '../../src/world/object.ts';
import { dig } from '../../src/world/read.ts';
import { eventually } from '../cluster/helpers.ts';
import { D, Server, old, start, web } from '../support/reconciled.ts';

describe('a Rollout that would refer to another namespace', () => {
  const foreign: Policy = {
    ...DEFAULT_POLICY,
    profiles: {
      mesh: {
        rollout: '{name}',
        metadata: { labels: {}, annotations: {} },
        strategy: { canary: { trafficRouting: { istio: { virtualService: { name: 'reviews.other' } } } } },
      },
    },
  };
  const why =
    'profile "mesh" makes the Rollout control VirtualService "other/reviews" of another namespace: use another profile, or add {rollouts: shop, objects: other} to trustedNamespaces of the policy';

  it('is not created: the Deployment gets its pods, and the conversion is suspended with the reason', async () => {
    const server = new Server();
    server.put(web({ convert: 'mesh', replicas: '3' }, 0));
    start(server, undefined, foreign);
    await eventually(() =>
      expect(dig(server.objects.get(D)?.metadata, 'annotations', SUSPENDED)).toBe(`refused: ${why}`),
    );
    expect(server.did).toEqual(['scale Deployment 3', 'annotate']);
    expect(server.events.at(-1)?.message).toContain(why);
  });

  it('is created once the policy trusts the pair', async () => {
    const server = new Server();
    server.put(web({ convert: 'mesh', replicas: '3', 'convert-suspended': `refused: ${why}` }, 3));
    const policy = { ...foreign, trustedNamespaces: [{ rollouts: 'shop', objects: 'other' }] };
    start(server, undefined, policy).changed(D);
    await eventually(() => expect(server.did).toContain('create'));
  });

  it('is not created for a name with a dot that would be read as a namespace', async () => {
    const server = new Server();
    const { metadata, ...rest } = web({ convert: 'mesh', replicas: '3' }, 0);
    const dotted = { ...rest, metadata: { ...metadata, name: 'payments.team-b' } };
    server.put(dotted);
    const strategy = { canary: { trafficRouting: { istio: { virtualService: { name: '{name}' } } } } };
    const mesh = { rollout: '{name}', metadata: { labels: {}, annotations: {} }, strategy };
    const trustedNamespaces = [{ rollouts: 'shop', objects: 'team-b' }];
    start(server, undefined, { ...foreign, profiles: { mesh }, trustedNamespaces });
    await eventually(() =>
      expect(dig(server.objects.get(keyOf(dotted))?.metadata, 'annotations', SUSPENDED)).toContain(
        'refused: profile "mesh" puts the name "payments.team-b" where',
      ),
    );
    expect(server.did).not.toContain('create');
  });

  it('is not applied to a Rollout that exists, and an event says why', async () => {
    const server = new Server();
    server.put({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'r-1',
        generation: 1,
        annotations: { 'rollgate.io/converted-from': 'web', 'rollgate.io/replicas': '3' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true }],
      },
      spec: { replicas: 3 },
      status: { phase: 'Healthy', observedGeneration: '1', currentPodHash: 'a', stableRS: 'a', availableReplicas: 3 },
    });
    server.put(web({ convert: 'mesh', replicas: '3', 'rollout-uid': 'r-1' }, 3));
    start(server, undefined, foreign);
    await eventually(() => expect(server.events.map(({ reason }) => reason)).toContain('ProfileNotApplied'));
    await eventually(() => expect(server.did).toContain('scale Deployment 0'));
    expect(server.events.find(({ reason }) => reason === 'ProfileNotApplied')?.message).toBe(
      `Rollout "web" stays as it is: ${why}`,
    );
    expect(server.did).not.toContain('apply');
  });
});

describe('a namespace that conversionNamespaces leaves out', () => {
  it('is not touched, whatever state its Deployments are in', async () => {
    const server = new Server();
    const inside = web({ convert: 'canary', replicas: '3' }, 0);
    const states = [
      { convert: 'canary', replicas: '3' },
      { convert: 'canary', replicas: '3', 'rollout-uid': 'gone' },
      { convert: 'no-such', replicas: '3' },
      { convert: 'off', replicas: '3', 'rollout-uid': 'gone' },
      { convert: 'canary', replicas: '3', 'convert-suspended': 'refused: quota' },
    ];
    states.forEach((notes, index) => {
      const { metadata, ...rest } = old(web(notes, 0));
      server.put({ ...rest, metadata: { ...metadata, name: `web-${index}`, namespace: 'outside' } });
    });
    // After them, so that what is done for it shows that they had their turn.
    server.put({ ...inside, metadata: { ...inside.metadata, namespace: 'inside' } });
    start(server, undefined, { ...DEFAULT_POLICY, conversionNamespaces: ['inside'] });
    await eventually(() => expect(server.events.map(({ reason }) => reason)).toEqual(['RolloutCreated']));
    expect(server.did).toEqual(['create', 'annotate']);
    expect(server.objects.get('Rollout.argoproj.io/inside/web')).toBeDefined();
  });

  it('is converted once the list names it, or is empty', async () => {
    for (const conversionNamespaces of [['shop'], []]) {
      const server = new Server();
      server.put(web({ convert: 'canary', replicas: '3' }, 0));
      start(server, undefined, { ...DEFAULT_POLICY, conversionNamespaces });
      await eventually(() => expect(server.did).toEqual(['create', 'annotate']));
    }
  });
});
