import { describe, expect, it } from 'vitest';
import { CONVERSION_POLICY } from '../../src/migration/conversion-policy.ts';
import { ClusterPolicyGuard } from '../../src/migration/reconciler/policy-guard.ts';
import { recorder } from '../cluster/helpers.ts';

const NAME = 'rollgate-conversion';
const BINDING = { spec: { policyName: NAME, validationActions: ['Deny'] } };

describe('the guard of conversion', () => {
  it('asks once for creations that come together', async () => {
    let reads = 0;
    const read = (plural: string): Promise<unknown> => {
      reads++;
      return Promise.resolve(plural.endsWith('bindings') ? BINDING : { spec: CONVERSION_POLICY });
    };
    const guard = new ClusterPolicyGuard(NAME, read, recorder().logger);
    expect(guard.ok).toBeUndefined();
    expect(await Promise.all([guard.whyNotCreate(), guard.whyNotCreate()])).toEqual([undefined, undefined]);
    expect([reads, guard.ok]).toEqual([2, true]);
  });

  it('logs once that the policy is missing', async () => {
    const { lines, logger } = recorder();
    const guard = new ClusterPolicyGuard(NAME, () => Promise.resolve(undefined), logger);
    expect(await guard.whyNotCreate()).toBe(`ValidatingAdmissionPolicy "${NAME}" does not exist`);
    await guard.whyNotCreate();
    expect(guard.ok).toBe(false);
    expect(lines).toHaveLength(1);
  });

  it('allows nothing while the policy cannot be read', async () => {
    const guard = new ClusterPolicyGuard(NAME, () => Promise.reject(new Error('no answer')), recorder().logger);
    expect(await guard.whyNotCreate()).toContain('cannot be read (no answer)');
    expect(guard.ok).toBe(false);
  });
});
