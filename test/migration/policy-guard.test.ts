import { afterEach, describe, expect, it, vi } from 'vitest';
import { CONVERSION_POLICY } from '../../src/migration/conversion-policy.ts';
import { ClusterPolicyGuard } from '../../src/migration/reconciler/policy-guard.ts';
import { recorder } from '../cluster/helpers.ts';

const NAME = 'rollgate-conversion';
const POLICY = { metadata: { uid: 'p-1' }, spec: CONVERSION_POLICY };
const BINDING = { metadata: { uid: 'b-1' }, spec: { policyName: NAME, validationActions: ['Deny'] } };

afterEach(() => vi.restoreAllMocks());

describe('the guard of conversion', () => {
  it('asks once for creations that come together', async () => {
    let reads = 0;
    const read = (plural: string): Promise<unknown> => {
      reads++;
      return Promise.resolve(plural.endsWith('bindings') ? BINDING : POLICY);
    };
    const guard = new ClusterPolicyGuard(NAME, read, recorder().logger);
    expect(guard.ok).toBeUndefined();
    const found = { uids: 'p-1/b-1' };
    expect(await Promise.all([guard.protection(), guard.protection()])).toEqual([found, found]);
    expect([reads, guard.ok]).toEqual([2, true]);
  });

  it('logs once that the policy is missing', async () => {
    const { lines, logger } = recorder();
    const guard = new ClusterPolicyGuard(NAME, () => Promise.resolve(undefined), logger);
    expect(await guard.protection()).toEqual({
      why: `ValidatingAdmissionPolicy "${NAME}" does not exist: install the chart again`,
    });
    await guard.protection();
    expect(guard.ok).toBe(false);
    expect(lines).toHaveLength(1);
  });

  it('allows nothing while the policy cannot be read', async () => {
    const guard = new ClusterPolicyGuard(NAME, () => Promise.reject(new Error('no answer')), recorder().logger);
    expect(await guard.protection()).toEqual({
      why: `ValidatingAdmissionPolicy "${NAME}" or its binding cannot be read (no answer)`,
    });
    expect([guard.ok, await guard.uids('p-1/b-1')]).toEqual([false, undefined]);
  });

  it('does not ask again about annotations that have the uids of its last answer', async () => {
    let reads = 0;
    const read = (plural: string): Promise<unknown> => {
      reads++;
      return Promise.resolve(plural.endsWith('bindings') ? BINDING : POLICY);
    };
    const guard = new ClusterPolicyGuard(NAME, read, recorder().logger);
    expect(await guard.uids('p-1/b-1')).toBe('p-1/b-1');
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
    expect([await guard.uids('p-1/b-1'), reads]).toEqual(['p-1/b-1', 2]);
    // Without them, or with others, the policy may have been installed again.
    expect([await guard.uids(undefined), reads]).toEqual(['p-1/b-1', 4]);
    expect([await guard.uids('p-0/b-1'), reads]).toEqual(['p-1/b-1', 4]);
    expect([await guard.protection(), reads]).toEqual([{ uids: 'p-1/b-1' }, 4]);
  });

  it('gives other uids when the policy or its binding was installed again', async () => {
    let [policy, binding] = [POLICY, BINDING];
    const guard = new ClusterPolicyGuard(
      NAME,
      (plural) => Promise.resolve(plural.endsWith('bindings') ? binding : policy),
      recorder().logger,
    );
    const first = await guard.uids(undefined);
    const clock = vi.spyOn(performance, 'now');
    clock.mockReturnValue(performance.now() + 10_000);
    binding = { ...BINDING, metadata: { uid: 'b-2' } };
    const second = await guard.uids(undefined);
    clock.mockReturnValue(performance.now() + 20_000);
    policy = { ...POLICY, metadata: { uid: 'p-2' } };
    expect([first, second, await guard.uids(undefined)]).toEqual(['p-1/b-1', 'p-1/b-2', 'p-2/b-2']);
  });
});
