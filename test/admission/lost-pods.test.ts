import { describe, expect, it } from 'vitest';
import type { ApiReader } from '../../src/admission/live-reads.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { asObject } from '../../src/world/read.ts';
import { gateOver, liveOf, requestFor, UNREADABLE, validate } from '../support/gate.ts';

const HASH = 'rollouts-pod-template-hash';
type Labels = Readonly<Record<string, string>>;

function service(selector: Labels, spec: object = {}): KubeObject {
  const ports = [{ port: 80, targetPort: 80 }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector, ports, ...spec },
  };
}

function template(labels: Labels): object {
  return {
    metadata: { labels },
    spec: { containers: [{ name: 'web', image: 'web:1', ports: [{ containerPort: 80 }] }] },
  };
}

/** The Rollout, whose template has a version; `old` is its stable hash. */
function rollout(version: string, strategy: object = {}, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop', uid: 'r-1', ...metadata },
    spec: {
      strategy: { canary: { stableService: 'web', canaryService: 'web-canary', ...strategy } },
      selector: { matchLabels: { app: 'web' } },
      template: template({ app: 'web', version }),
    },
    status: { currentPodHash: version === 'v1' ? 'old' : 'new', stableRS: 'old', availableReplicas: 3 },
  };
}

interface Pods {
  readonly available?: number;
  readonly labels?: Labels;
  readonly owner?: string;
}

function replicaSet({ available = 3, labels = { app: 'web', version: 'v1' }, owner = 'r-1' }: Pods = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web-old', namespace: 'shop', ownerReferences: [{ uid: owner, controller: true }] },
    spec: { template: template({ ...labels, [HASH]: 'old' }) },
    status: { availableReplicas: available },
  };
}

const canary: KubeObject = { ...service({ app: 'web' }), metadata: { name: 'web-canary', namespace: 'shop' } };
const v1 = service({ app: 'web', version: 'v1', [HASH]: 'old' });
const v2 = service({ app: 'web', version: 'v2', [HASH]: 'old' });

interface Given {
  readonly before?: KubeObject;
  readonly after?: KubeObject;
  /** What the API server has. */
  readonly stored?: readonly KubeObject[];
  /** What the cache has, if that is something else. */
  readonly cached?: readonly KubeObject[];
  readonly live?: ApiReader;
  readonly policyChange?: Partial<Policy>;
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

async function answer({ before = v1, after = v2, policyChange = {}, ...given }: Given = {}): Promise<{
  readonly allowed: boolean;
  readonly text: string;
}> {
  const { stored = [rollout('v2'), canary, replicaSet()], fieldManager = '', dryRun = false } = given;
  // The cache of a cluster has no ReplicaSets of Rollouts.
  const cached = given.cached ?? stored.filter(({ kind }) => kind !== 'ReplicaSet');
  const live = given.live ?? liveOf(() => [...stored, before]);
  const gate = gateOver([...cached, before], { live, policyChange });
  const { response } = await validate(gate, requestFor(after, before, { fieldManager, dryRun }));
  const { allowed } = response;
  return { allowed, text: [allowed ? '' : response.status?.message, ...(response.warnings ?? [])].join('\n') };
}

const LOSES =
  'Service "web" selects version: v2, but the pods of Rollout "web" that it selects now have version: v1, so it would select no pod';

describe('a Service that would select none of the pods that serve', () => {
  it('is denied with the three steps', async () => {
    const { allowed, text } = await answer();
    expect(allowed).toBe(false);
    expect(text).toContain(
      `${LOSES}: select only labels that old and new pods share, roll the new pods out, then select version: v2 [rollgate/service-selector]`,
    );
    expect(text).not.toContain('no pod that it selects now');
  });

  it.each<[string, Given]>([
    ['before the Rollout is changed', { stored: [rollout('v1'), canary, replicaSet()] }],
    ['by a label that the selector did not have', { before: service({ app: 'web', [HASH]: 'old' }) }],
    [
      'of a blue-green Rollout',
      {
        stored: [
          {
            ...rollout('v2'),
            spec: { ...asObject(rollout('v2')['spec']), strategy: { blueGreen: { activeService: 'web' } } },
          },
          replicaSet(),
        ],
      },
    ],
    [
      'that is the canary Service of an update',
      {
        stored: [
          {
            ...rollout('v2', { stableService: 'web-canary', canaryService: 'web' }),
            status: { currentPodHash: 'old', stableRS: 'older', availableReplicas: 3 },
          },
          canary,
          replicaSet(),
        ],
      },
    ],
    ['by Flux', { fieldManager: 'kustomize-controller' }],
    ['by Argo CD', { fieldManager: 'argocd-controller' }],
    ['by a dry run of a person', { dryRun: true }],
  ])('is denied %s, and nothing else is said about that label', async (_, given) => {
    const { allowed, text } = await answer(given);
    expect(allowed).toBe(false);
    expect(text).toContain('so it would select no pod');
    expect(text).not.toContain('use the same value in both');
    expect(text).not.toContain('sync wave');
  });

  it.each<[string, Given]>([
    ['no pod is available', { stored: [rollout('v2'), canary, replicaSet({ available: 0 })] }],
    ['the ReplicaSet is gone', { stored: [rollout('v2'), canary] }],
    [
      'the ReplicaSet is of another Rollout of that name',
      { stored: [rollout('v2'), canary, replicaSet({ owner: 'r-0' })] },
    ],
    [
      'the pods have no such label: something may add it to them',
      {
        stored: [rollout('v1'), canary, replicaSet()],
        before: service({ app: 'web', [HASH]: 'old' }),
        after: service({ app: 'web', track: 'x', [HASH]: 'old' }),
      },
    ],
    [
      'it is not certain that it selects a pod now',
      {
        before: service({ app: 'web', version: 'v1', track: 'x', [HASH]: 'old' }),
        after: service({ app: 'web', version: 'v2', track: 'x', [HASH]: 'old' }),
      },
    ],
    [
      'the pods have the new value',
      { stored: [rollout('v2'), canary, replicaSet({ labels: { app: 'web', version: 'v2' } })] },
    ],
    ['a label is left out', { after: service({ app: 'web', [HASH]: 'old' }) }],
    ['the hash is another one', { after: service({ app: 'web', version: 'v2', [HASH]: 'new' }) }],
    [
      'there is no hash',
      { before: service({ app: 'web', version: 'v1' }), after: service({ app: 'web', version: 'v2' }) },
    ],
    ['there is no selector any more', { after: service({}) }],
    [
      'it becomes an ExternalName',
      {
        after: service(
          { app: 'web', version: 'v2', [HASH]: 'old' },
          { type: 'ExternalName', externalName: 'x.example.com' },
        ),
      },
    ],
    [
      'the label changes with the role of the pods',
      { stored: [rollout('v2', { stableMetadata: { labels: { version: 'v1' } } }), canary, replicaSet()] },
    ],
    [
      'the Rollout has other Services by now',
      { stored: [rollout('v2', { stableService: 'other' }), canary, replicaSet()], cached: [rollout('v2'), canary] },
    ],
    [
      'the Rollout is being deleted',
      {
        stored: [rollout('v2', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), canary, replicaSet()],
        cached: [rollout('v2'), canary],
      },
    ],
    [
      'it is the canary Service, and selects the stable pods',
      {
        stored: [rollout('v2', { stableService: 'web-canary', canaryService: 'web' }), canary, replicaSet()],
      },
    ],
    [
      'it is the preview Service, and selects the pods of the active one',
      {
        stored: [
          {
            ...rollout('v2'),
            spec: {
              ...asObject(rollout('v2')['spec']),
              strategy: { blueGreen: { activeService: 'web-canary', previewService: 'web' } },
            },
          },
          canary,
          replicaSet(),
        ],
      },
    ],
    ['nothing can be read', { live: UNREADABLE }],
    ['the Rollout cannot be read', { live: partly('Rollout') }],
    ['the ReplicaSet cannot be read', { live: partly('ReplicaSet') }],
    ['a reconciler asks for a dry run', { fieldManager: 'kustomize-controller', dryRun: true }],
    [
      'another reconciler asks for a dry run',
      {
        fieldManager: 'mine',
        dryRun: true,
        policyChange: { reconcilers: { mine: { dryRun: 'deny', writes: 'deny' } } },
      },
    ],
    ['the policy has switched the rule off', { policyChange: { rules: { 'service-selector': 'off' } } }],
  ])('is not denied where %s', async (_, given) => {
    const { allowed, text } = await answer(given);
    expect(text).not.toContain('so it would select no pod');
    expect(allowed).toBe(true);
  });

  it.each<[string, Partial<Policy>]>([
    ['in audit mode', { mode: 'audit' }],
    ['where the rule warns', { rules: { 'service-selector': 'warn' } }],
  ])('draws a warning %s', async (_, policyChange) => {
    const { allowed, text } = await answer({ policyChange });
    expect([allowed, text.includes(LOSES)]).toEqual([true, true]);
  });

  it('can be created', async () => {
    const stored = [rollout('v2'), canary, replicaSet()];
    const { response } = await validate(gateOver(stored, { live: liveOf(() => stored) }), requestFor(v2, undefined));
    expect(response.allowed).toBe(true);
  });

  it('passes in three steps', async () => {
    const shared = service({ app: 'web', [HASH]: 'old' });
    expect(await answer({ after: shared, stored: [rollout('v1'), canary, replicaSet()] })).toEqual({
      allowed: true,
      text: '',
    });
    const { response } = await validate(
      gateOver([rollout('v1'), canary, shared], { live: liveOf(() => [rollout('v1'), canary, shared, replicaSet()]) }),
      requestFor(rollout('v2'), rollout('v1')),
    );
    expect(response.allowed).toBe(true);
    const promoted: KubeObject = {
      ...rollout('v2'),
      status: { currentPodHash: 'old', stableRS: 'old', availableReplicas: 3 },
    };
    const pods = replicaSet({ labels: { app: 'web', version: 'v2' } });
    expect(await answer({ before: shared, stored: [promoted, canary, pods] })).toEqual({ allowed: true, text: '' });
  });

  it('costs no read where no label changes', async () => {
    const reads: string[] = [];
    const live: ApiReader = {
      ...UNREADABLE,
      fetch: (keys, deadline) => {
        reads.push(...keys);
        return UNREADABLE.fetch(keys, deadline);
      },
    };
    await answer({
      live,
      after: service({ app: 'web', version: 'v1', [HASH]: 'old' }, { sessionAffinity: 'ClientIP' }),
    });
    expect(reads).toEqual([]);
    await answer({ live });
    expect(reads).toEqual(expect.arrayContaining([keyOf(rollout('v2')), 'ReplicaSet.apps/shop/web-old']));
  });
});

/** Live reads of what is stored, except one kind. */
function partly(kind: string): ApiReader {
  const live = liveOf(() => [rollout('v2'), canary, v1, replicaSet()]);
  return {
    ...live,
    fetch: async (keys, deadline) => {
      const found = await live.fetch(keys, deadline);
      return new Map([...found].map(([key, value]) => [key, key.startsWith(`${kind}.`) ? 'unreadable' : value]));
    },
  };
}
