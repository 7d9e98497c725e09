import { describe, expect, it } from 'vitest';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import type { Protection } from '../../src/migration/conversion-policy.ts';
import { fallbackPolicy } from '../../src/policy/fallback.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import type { World } from '../../src/world/world.ts';
import { gateOver, liveOf } from '../support/gate.ts';
import { gate, rolloutOf, say, web } from '../support/migration-gate.ts';

describe('a Deployment whose conversion has only begun, while a fallback takes the place of the policy', () => {
  const waiting = { convert: 'canary', replicas: '5' };
  const before = web({ annotations: waiting, replicas: 0 });
  const fallback = { policyChange: fallbackPolicy('rules: [', POLICY_CATALOG) };
  const edited = (annotations: Readonly<Record<string, string>>): KubeObject =>
    web({ annotations, replicas: 0, metadata: { labels: { a: 'b' } } });

  it.each<[string, KubeObject, KubeObject?]>([
    ['with any write', edited(waiting)],
    ['with its manifest, which names no count', web({ annotations: { convert: 'canary' } })],
    [
      'with a profile that only the policy knows',
      edited({ ...waiting, convert: 'ours' }),
      edited({ ...waiting, convert: 'ours' }),
    ],
    [
      'with an old proof',
      edited({ ...waiting, 'conversion-policy': 'a/b' }),
      edited({ ...waiting, 'conversion-policy': 'a/b' }),
    ],
  ])('gets its pods: %s', async (_, after, stored = before) => {
    const protection = (): Promise<Protection> => Promise.resolve({ uids: 'p-1/p-2' });
    const said = await say(gate([stored], { ...fallback, protection }), after, stored);
    expect(said).toMatchObject({ denied: undefined, replicas: 5, marks: { replicas: '5' } });
    expect(said.warnings).toContain(
      'Deployment "web": Rollgate has no valid policy, so the Deployment runs its own pods again',
    );
    // Once the policy is valid, the conversion goes on.
    expect(said.marks).toHaveProperty('convert');
  });

  it('stays at 0 if its Rollout exists, also if only the API server knows it', async () => {
    const stored = web({ annotations: { ...waiting, 'rollout-uid': 'r-1' }, replicas: 0 });
    const after = edited({ ...waiting, 'rollout-uid': 'r-1' });
    const live = liveOf(() => [rolloutOf()]);
    for (const [world, parts] of [
      [[rolloutOf(), stored], {}],
      [[stored], { live }],
    ] as const) {
      const said = await say(gate([...world], { ...fallback, ...parts }), after, stored);
      expect(said).toMatchObject({ denied: undefined, replicas: 0, marks: { 'rollout-uid': 'r-1' } });
    }
  });

  it('stays at 0 if nobody wanted pods, or while Rollouts are not known', async () => {
    const none = web({ annotations: { ...waiting, replicas: '0' }, replicas: 0 });
    expect((await say(gate([none], fallback), edited({ ...waiting, replicas: '0' }), none)).replicas).toBe(0);
    const store = storeOf([before]);
    const unread: World = {
      versions: store.versions,
      fields: store.fields,
      get: (kind, namespace, name) =>
        kind === 'Rollout.argoproj.io' ? { state: 'unknown', reason: 'not read' } : store.get(kind, namespace, name),
      list: (kind, namespace) => store.list(kind, namespace),
      referrers: (key) => store.referrers(key),
    };
    expect((await say(gateOver(unread, fallback), edited(waiting), before)).replicas).toBe(0);
  });
});
