import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './harness/cluster.ts';
import { yamlOf, type Kubectl, type Printed } from './harness/kubectl.ts';
import { namedTenant } from './harness/tenants.ts';
import { breakGlassRollout, inAudit } from './support/trust.ts';

const HOUR = 3_600_000;
const RULE = '[rollgate/rollout-steps]';
const TAG = '[rollgate/break-glass]';

let cluster: Cluster;
let namespace: string;
/** A user who may break the glass in the namespace, and one who may not. */
let breaker: Kubectl;
let developer: Kubectl;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.rollgate.policy((policy) => ({ ...policy, breakGlass: { maxDuration: '2h' } }));
  namespace = await cluster.namespace('glass');
  const rights = [{ apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['*'] }];
  const glass = { apiGroups: ['rollgate.io'], resources: ['overrides'], verbs: ['break-glass'] };
  breaker = (await namedTenant(cluster, namespace, 'breaker', [...rights, glass])).kubectl;
  developer = (await namedTenant(cluster, namespace, 'developer', rights)).kubectl;
});
afterAll(() => cluster?.stop());

/** Returns an annotation that ends after some milliseconds. */
function until(milliseconds: number, reason = ' INC-1 the controller is dead'): string {
  return `${new Date(Date.now() + milliseconds).toISOString()}${reason}`;
}

let count = 0;

/** Creates a Rollout, valid or not. */
function create(kubectl: Kubectl, value: string, isValid: boolean): Promise<Printed> {
  const object = breakGlassRollout(namespace, `web-${++count}`, value, isValid ? 20 : 120);
  return kubectl.try(['create', '-f', '-'], yamlOf([object]));
}

/** Returns the lines about the annotation. */
function about({ stderr }: Printed): readonly string[] {
  return stderr.split('\n').filter((line) => line.includes(TAG));
}

// Who writes it, the value, and the reason in the warning.
const NOT_IN_FORCE: readonly (readonly [string, () => Kubectl, () => string, string])[] = [
  ['without the right', () => developer, () => until(HOUR), 'has no right to break-glass on overrides.rollgate.io'],
  ['that has expired', () => breaker, () => until(-HOUR), 'it expired at'],
  [
    'without a reason',
    () => breaker,
    () => until(HOUR, ''),
    'its value is malformed: use "<RFC 3339 expiry> <reason>"',
  ],
  ['"true"', () => breaker, () => 'true', 'its value is malformed: use "<RFC 3339 expiry> <reason>"'],
  ['longer than allowed', () => breaker, () => until(3 * HOUR), 'it ends later than 2h from now'],
];

describe('a break-glass annotation', () => {
  it.each(NOT_IN_FORCE)('%s is not in force, and kubectl shows one warning', async (_, user, value, why) => {
    const warning = expect.stringMatching(`^Warning: .*break-glass is not in force: .*${escaped(why)}`) as string;
    const valid = await create(user(), value(), true);
    expect([valid.code, about(valid)]).toEqual([0, [warning]]);
    const invalid = await create(user(), value(), false);
    expect([invalid.code, about(invalid)]).toEqual([1, [warning]]);
    expect(invalid.stderr).toContain(RULE);
    await inAudit(cluster, async () => {
      const audited = await create(user(), value(), false);
      expect([audited.code, about(audited)]).toEqual([0, [warning]]);
      expect(audited.stderr).toContain(`${RULE}`);
    });
  });

  it('that is in force admits with one warning that says until when', async () => {
    const value = until(HOUR);
    const warning = `break-glass is in force until ${value.replace(' ', ' for ')} ${TAG}`;
    const works = async (isValid: boolean): Promise<void> => {
      const printed = await create(breaker, value, isValid);
      expect([printed.code, about(printed)]).toEqual([0, [expect.stringContaining(warning)]]);
    };
    await works(true);
    await works(false);
    await inAudit(cluster, () => works(false));
  });

  it('counts for the user who writes, not for the one who wrote it first', async () => {
    const name = `web-${count + 1}`;
    expect((await create(breaker, until(HOUR), false)).code).toBe(0);
    const path = ['patch', 'rollout', name, '-n', namespace, '--type=merge', '-p'];
    const other = '{"spec":{"strategy":{"canary":{"steps":[{"setWeight":130}]}}}}';
    const refused = await developer.try([...path, other]);
    expect([refused.code, about(refused)]).toEqual([1, [expect.stringContaining('has no right')]]);
    expect((await breaker.run([...path, other])).stderr).toContain('break-glass is in force');
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
