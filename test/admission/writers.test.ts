import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { CONTROLLER, gateOver, liveOf, NO_LIMITS, requestFor, validate } from '../support/gate.ts';
import { badRoute, goodRoute, midUpdate, services } from '../support/reviews-shop.ts';

const [unhashed] = services as [KubeObject];

const hashed: KubeObject = {
  ...unhashed,
  spec: { ...(unhashed['spec'] as object), selector: { app: 'reviews', 'rollouts-pod-template-hash': 'a' } },
};

const weighted: KubeObject = {
  ...midUpdate,
  metadata: {
    ...midUpdate.metadata,
    managedFields: [{ manager: 'rollouts-controller', operation: 'Update', subresource: 'status' }],
  },
};

describe('break-glass', () => {
  const annotated = (value: string): KubeObject => ({
    ...badRoute,
    metadata: { ...badRoute.metadata, annotations: { 'rollgate.io/break-glass': value } },
  });
  const world = [...services, midUpdate, goodRoute];
  const verdictOf = async (value: string, may: boolean): Promise<string> =>
    (
      await validate(
        gateOver(world, { mayBreakGlass: () => Promise.resolve(may) }),
        requestFor(annotated(value), goodRoute),
      )
    ).record.verdict;

  it('turns denials into warnings until it expires, for users with the right, and is recorded in the audit log', async () => {
    expect(await verdictOf('2026-01-01T01:00:00Z INC-1 controller is down', true)).toBe('warn');
    const { response } = await validate(
      gateOver(world, { mayBreakGlass: () => Promise.resolve(true) }),
      requestFor(annotated('2026-01-01T01:00:00Z INC-1'), goodRoute),
    );
    expect(response.auditAnnotations?.['break-glass']).toBe('dev@example.com: INC-1');
  });

  it.each([
    ['without the right', '2026-01-01T01:00:00Z INC-1', false],
    ['after it has expired', '2025-12-31T23:59:59Z INC-1', true],
    ['without a reason', '2026-01-01T01:00:00Z', true],
    ['with an invalid date', 'tomorrow INC-1', true],
  ])('has no effect %s', async (_, value, may) => {
    expect(await verdictOf(value, may)).toBe('deny');
  });

  it('suspends preservers', async () => {
    const kept = await gateOver([...services, weighted]).mutate(requestFor(unhashed, hashed), NO_LIMITS);
    expect(kept.record.kept).toEqual(['service-hash']);
    const open: KubeObject = {
      ...unhashed,
      metadata: { ...unhashed.metadata, annotations: { 'rollgate.io/break-glass': '2026-01-01T01:00:00Z INC-1' } },
    };
    const suspended = await gateOver([...services, weighted], { mayBreakGlass: () => Promise.resolve(true) }).mutate(
      requestFor(open, hashed),
      NO_LIMITS,
    );
    expect(suspended.response.patch).toBeUndefined();
    expect(suspended.record.breakGlass).toBe('dev@example.com: INC-1');
  });
});

describe('the controller', () => {
  const request = (more: Parameters<typeof requestFor>[2]): ReturnType<typeof requestFor> =>
    requestFor(unhashed, hashed, more);

  it('is never changed by preservers, under any known name', async () => {
    for (const username of [CONTROLLER, 'system:serviceaccount:x:argorollouts-release-argo-rollouts']) {
      const gate = gateOver([...services, weighted], {
        discovered: () => [CONTROLLER, 'system:serviceaccount:x:argorollouts-release-argo-rollouts'],
      });
      expect((await gate.mutate(request({ username }), NO_LIMITS)).response).toEqual({
        uid: request({}).uid,
        allowed: true,
      });
    }
  });

  it('is recognised by its field manager if its account is unknown', async () => {
    const written: KubeObject = {
      ...unhashed,
      metadata: {
        ...unhashed.metadata,
        managedFields: [
          { manager: 'kubectl', time: '2026-01-01T00:00:00Z' },
          { manager: 'rollouts-controller', time: '2026-01-01T00:00:01Z' },
        ],
      },
    };
    const { response, record } = await gateOver([...services, weighted]).mutate(
      requestFor(written, hashed, { username: 'system:serviceaccount:y:unknown' }),
      NO_LIMITS,
    );
    expect(response.patch).toBeUndefined();
    expect(record.tripwire).toContain('rollouts-controller');
  });

  it('is not confused with a user who writes in the same second', async () => {
    const managedFields = (person: string): unknown[] => [
      { manager: 'argocd-controller', time: person },
      { manager: 'rollouts-controller', time: '2026-01-01T00:00:01Z' },
    ];
    const at = (object: KubeObject, person: string): KubeObject => ({
      ...object,
      metadata: { ...object.metadata, managedFields: managedFields(person) },
    });
    const unknown = { username: 'system:serviceaccount:kube-system:argocd-manager' };
    const gate = gateOver([...services, weighted]);
    const renewed = await gate.mutate(
      requestFor(at(unhashed, '2026-01-01T00:00:01Z'), at(hashed, '2026-01-01T00:00:00Z'), unknown),
      NO_LIMITS,
    );
    expect(renewed.record).toMatchObject({ kept: ['service-hash'] });
    const named = await gate.mutate(
      requestFor(at(unhashed, '2026-01-01T00:00:01Z'), at(hashed, '2026-01-01T00:00:01Z'), {
        ...unknown,
        fieldManager: 'argocd-controller',
      }),
      NO_LIMITS,
    );
    expect(named.record).toMatchObject({ kept: ['service-hash'] });
  });

  it('disables all preservers if nothing about it is known', async () => {
    const { response, record } = await gateOver([...services, weighted], { discovered: () => [] }).mutate(
      request({}),
      NO_LIMITS,
    );
    expect(response.patch).toBeUndefined();
    expect(record.keepsOff).toBe(true);
  });

  it('has its Rollout read live before anything is preserved', async () => {
    const settled: KubeObject = { ...weighted, status: { currentPodHash: 'old', stableRS: 'old' } };
    const { response } = await gateOver([...services, settled], { live: liveOf(() => [weighted]) }).mutate(
      request({}),
      NO_LIMITS,
    );
    expect(Buffer.from(response.patch ?? '', 'base64').toString()).toContain('"a"');
  });
});
