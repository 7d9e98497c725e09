import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { asObject, dig } from '../../src/world/read.ts';
import { ArgoRollouts } from './harness/argo-rollouts.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { CANARIES, controllersPart, edited, type Canary } from './support/canaries.ts';
import { inAudit, scan } from './support/trust.ts';
import { begin, runUpdate } from './support/updates.ts';

const SECOND = { namespace: 'team-delivery', name: 'rollouts' };
const USER = `system:serviceaccount:${SECOND.namespace}:${SECOND.name}`;
const FIRST = 'system:serviceaccount:argo-rollouts:argo-rollouts';
const INSTANCE = 'argo-rollouts.argoproj.io/controller-instance-id';

// The first controller runs in argo-rollouts, which the policy of the chart names. A second one runs in a namespace that
// it does not name, and has the Rollouts with its instance id.
let cluster: Cluster;
let second: ArgoRollouts;
beforeAll(async () => {
  cluster = await Cluster.start();
  second = await ArgoRollouts.install(cluster.controlPlane, cluster.admin, {
    ...SECOND,
    args: [`--instance-id=${SECOND.namespace}`],
  });
  await until('the account to be found', async () =>
    (await cluster.rollgate.metrics()).includes('rollgate_untrusted_controllers 1\n'),
  );
});
afterAll(async () => {
  await second?.program.stop('SIGKILL');
  await cluster?.stop();
});

function ofSecond(object: KubeObject): KubeObject {
  if (object.kind !== 'Rollout') return object;
  const labels = { ...asObject(object.metadata['labels']), [INSTANCE]: SECOND.namespace };
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** Returns the decisions about requests of an account in a namespace. */
function decisionsOf(account: string, namespace: string): Record<string, unknown>[] {
  return cluster.rollgate.decisions().filter((line) => line['user'] === account && line['namespace'] === namespace);
}

/** Applies the manifest of a route again, and asserts that it keeps the weights of the controller. */
function applied(namespace: string): (weighed: KubeObject, weights: string) => Promise<void> {
  let edits = 0;
  return async (weighed, weights) => {
    await cluster.argoCd.apply([edited(weighed, ++edits)], 'client-side apply');
    const { apiVersion, kind, metadata } = weighed;
    const live = await cluster.controlPlane.admin.get(apiVersion, kind, namespace, metadata.name);
    expect(controllersPart(live as KubeObject)).toBe(weights);
  };
}

describe('a second controller outside the namespaces that the policy names', () => {
  it.each(CANARIES)('is never frozen, and its writes are stored as written: $name', async (canary) => {
    const running = await begin(cluster, canary, ofSecond);
    const { namespace } = running;
    await runUpdate(cluster, canary, running, applied(namespace));
    // A decision that keeps something is a patch. These are all that Rollgate changes in a request.
    await until('the decisions', () => decisionsOf(USER, namespace).length > 0);
    const decisions = decisionsOf(USER, namespace);
    expect(decisions.filter(({ kept }) => Array.isArray(kept) && kept.length > 0)).toEqual([]);
    expect(decisions.filter(({ verdict }) => verdict !== 'allow')).toEqual([]);
    // The account is known, so nothing depends on the names of field managers.
    expect(decisions.filter(({ tripwire }) => tripwire !== undefined)).toEqual([]);
    expect(decisionsOf(FIRST, namespace)).toEqual([]);
  });

  it.each(CANARIES)('does not freeze the first one: $name', async (canary) => {
    const running = await begin(cluster, canary);
    const { namespace } = running;
    await runUpdate(cluster, canary, running, applied(namespace));
    expect(decisionsOf(USER, namespace)).toEqual([]);
  });

  it('is named by scan, and is checked like any user, while the first one is exempt', async () => {
    expect(await scan(cluster)).toContain(USER);
    const [canary] = CANARIES as [Canary];
    const { objects } = await begin(cluster, canary, ofSecond);
    const rollout = objects.find(({ kind }) => kind === 'Rollout') as KubeObject;
    const invalid = (setWeight: number): string => {
      const of = asObject(dig(rollout, 'spec', 'strategy', 'canary'));
      const strategy = { canary: { ...of, steps: [{ setWeight }] } };
      return yamlOf([{ ...rollout, spec: { ...asObject(rollout['spec']), strategy } }]);
    };
    const account = await cluster.as(SECOND);
    const refused = await account.try(['replace', '-f', '-'], invalid(120));
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('[rollgate/rollout-steps]')]);
    await inAudit(cluster, async () => {
      const audited = await account.try(['replace', '-f', '-'], invalid(130));
      expect([audited.code, audited.stderr]).toEqual([0, expect.stringContaining('[rollgate/rollout-steps]')]);
    });
    const exempt = await cluster.as(cluster.argo.account);
    const printed = await exempt.try(['replace', '-f', '-'], invalid(140));
    expect([printed.code, printed.stderr]).toEqual([0, expect.not.stringContaining('[rollgate/')]);
  });
});
