import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Limits } from '../../src/admission/gate.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { gateOver, NO_LIMITS, objectsOf, requestFor } from '../support/gate.ts';

const FEW: Limits = { ...NO_LIMITS, maxOperations: 20 };

const [ROLLOUT, SERVICE, VIRTUAL_SERVICE] = objectsOf(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: reviews, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews } }
  template:
    metadata: { labels: { app: reviews } }
    spec: { containers: [{ name: reviews, image: "reviews:1" }] }
  strategy:
    canary:
      stableService: reviews-stable
      canaryService: reviews-stable
      trafficRouting: { istio: { virtualService: { name: reviews } } }
      steps: [{ setWeight: 20 }]
---
apiVersion: v1
kind: Service
metadata: { name: reviews-stable, namespace: shop }
spec: { selector: { app: reviews }, ports: [{ port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http: [{ route: [{ destination: { host: reviews-stable } }, { destination: { host: reviews-canary } }] }]
`) as [KubeObject, KubeObject, KubeObject];

function users(count: number): KubeObject[] {
  return Array.from({ length: count }, (_, index) => ({
    ...ROLLOUT,
    metadata: { ...ROLLOUT.metadata, name: `reviews-${index}` },
  }));
}

// With an object of its own, because what is found in an object alone is kept with it.
async function answerTo(
  after: KubeObject | undefined,
  before: KubeObject | undefined,
  limits: Limits,
  policyChange: Partial<Policy> = {},
): Promise<{ denied: string | undefined; warnings: readonly string[]; rules: readonly string[]; skipped: number }> {
  const gate = gateOver([SERVICE, ...(before === undefined ? [] : [before])], { policyChange });
  const { response, record } = await gate.validate(requestFor(structuredClone(after), before), limits);
  return {
    denied: response.status?.message,
    warnings: response.warnings ?? [],
    rules: record.findings.map(({ rule, decision }) => `${rule} ${decision}`),
    skipped: record.skipped.length,
  };
}

describe('a request that is too large to be checked completely', () => {
  it('is admitted with a warning that says what was not checked', async () => {
    const { denied, warnings, rules, skipped } = await answerTo(ROLLOUT, undefined, FEW);
    expect(denied).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringMatching(
        /^Rollout "reviews": was not checked completely: .* \(not finished: .*; objects: .*\): make the object smaller, or let fewer objects refer to it \[rollgate\/too-large\]$/,
      ),
    ]);
    expect(rules).toEqual(['too-large warn']);
    expect(skipped).toBeGreaterThan(0);
    expect((await answerTo(ROLLOUT, undefined, NO_LIMITS)).denied).toContain('is invalid');
  });

  it('is denied where the policy says so, with what to do', async () => {
    const { denied, rules } = await answerTo(ROLLOUT, undefined, FEW, { onTooLarge: 'deny' });
    expect(denied).toMatch(
      /^Rollout "reviews" is invalid: spec: was not checked completely: .*: make the object smaller, or let fewer objects refer to it \[rollgate\/too-large\]$/,
    );
    expect(rules).toEqual(['too-large deny']);
  });

  it('is denied by an override of its namespace alone', async () => {
    const overrides: Policy['overrides'] = [{ name: 'strict', namespaces: ['sh*'], onTooLarge: 'deny' }];
    expect((await answerTo(ROLLOUT, undefined, FEW, { overrides })).denied).toBeDefined();
    expect(
      (await answerTo(ROLLOUT, undefined, FEW, { overrides: [{ ...overrides[0], name: 'a', namespaces: ['x'] }] }))
        .denied,
    ).toBeUndefined();
  });

  it('is not denied in audit mode', async () => {
    const { denied, rules } = await answerTo(ROLLOUT, undefined, FEW, { onTooLarge: 'deny', mode: 'audit' });
    expect(denied).toBeUndefined();
    expect(rules).toEqual(['too-large warn']);
  });

  it('may be deleted, unless the policy denies deletions as well', async () => {
    const policy: Partial<Policy> = { onTooLarge: 'deny' };
    const limits = { ...NO_LIMITS, maxOperations: 0 };
    expect((await answerTo(undefined, VIRTUAL_SERVICE, limits, policy)).rules).toEqual(['too-large warn']);
    expect((await answerTo(undefined, VIRTUAL_SERVICE, limits, { ...policy, onDelete: 'deny' })).rules).toEqual([
      'too-large deny',
    ]);
  });

  it('can still be denied for what was found within the budget', async () => {
    const full = (await answerTo(ROLLOUT, undefined, NO_LIMITS)).rules;
    let both = 0;
    for (let maxOperations = 0; maxOperations < 150; maxOperations++) {
      const { denied, rules } = await answerTo(ROLLOUT, undefined, { ...NO_LIMITS, maxOperations });
      expect(denied ?? '').not.toContain('too-large');
      expect([...full, 'too-large warn']).toEqual(expect.arrayContaining([...rules]));
      if (denied !== undefined && rules.includes('too-large warn')) both++;
    }
    expect(both).toBeGreaterThan(0);
  });

  it('is not read again from the API server for that reason', async () => {
    const asked = (): never => expect.fail('asked the API server');
    const live = { fetch: asked, list: asked };
    const gate = gateOver([SERVICE], { live, policyChange: { onTooLarge: 'deny' } });
    const { response } = await gate.validate(requestFor(ROLLOUT, undefined), { ...NO_LIMITS, maxOperations: 0 });
    expect(response.allowed).toBe(false);
  });
});

const CHANGED: KubeObject = { ...VIRTUAL_SERVICE, spec: { hosts: ['reviews'], http: [] } };

// Each look at it costs a millisecond.
function tickingClock(): () => number {
  let milliseconds = 0;
  return () => milliseconds++;
}

describe('the work on one request', () => {
  it('lets others have their turn', async () => {
    const world = [...users(300), SERVICE, VIRTUAL_SERVICE];
    const order: string[] = [];
    const gate = gateOver(world, {
      now: tickingClock(),
      pause: async () => {
        order.push('pause');
        await setImmediate();
      },
    });
    const large = gate.validate(requestFor(CHANGED, VIRTUAL_SERVICE), NO_LIMITS).then(() => order.push('large'));
    const small = gate.validate(requestFor(SERVICE, SERVICE), NO_LIMITS).then(() => order.push('small'));
    await Promise.all([large, small]);
    expect(order.filter((entry) => entry === 'pause').length).toBeGreaterThan(3);
    expect(order.indexOf('small')).toBeLessThan(3);
    expect(order.at(-1)).toBe('large');
  });

  it('ends when nobody waits for the answer any more', async () => {
    const world = [...users(300), SERVICE, VIRTUAL_SERVICE];
    const ended = new AbortController();
    let pauses = 0;
    const gate = gateOver(world, {
      now: tickingClock(),
      pause: () => {
        if (++pauses === 2) ended.abort(new Error('gone'));
        return Promise.resolve();
      },
    });
    const limits = { ...NO_LIMITS, signal: ended.signal };
    await expect(gate.validate(requestFor(CHANGED, VIRTUAL_SERVICE), limits)).rejects.toThrow('gone');
    expect(pauses).toBe(2);
  });
});
