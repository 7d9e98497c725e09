import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { asObject, dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { CANARIES, controllersPart, edited, type Canary } from './support/canaries.ts';
import { begin, runUpdate } from './support/updates.ts';

const CONTROLLER = 'system:serviceaccount:argo-rollouts:argo-rollouts';

// The real controller runs in the namespace argo-rollouts, which this policy does not name.
let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: ['controllers.namespaces={delivery}'] });
});
afterAll(() => cluster?.stop());

/** Returns the decisions about requests of the controller, from the n-th on. */
function ofController(from = 0): Record<string, unknown>[] {
  return cluster.rollgate
    .decisions()
    .slice(from)
    .filter(({ user }) => user === CONTROLLER);
}

describe('a controller outside the namespaces that the policy names', () => {
  it('is logged and counted, and Rollgate is ready', async () => {
    await until('the account to be found', async () =>
      (await cluster.rollgate.metrics()).includes('rollgate_untrusted_controllers 1\n'),
    );
    expect(await cluster.rollgate.metrics()).toContain('rollgate_keeps_off 0\n');
    const logged = (): string[] =>
      cluster.rollgate.program.lines().filter((line) => line.includes(`"account":"${CONTROLLER}"`));
    await until('the account to be logged', () => logged().length > 0);
    expect(logged()).toHaveLength(1);
    await cluster.rollgate.ready();
  });

  it.each(CANARIES)('is never frozen or denied, while keeps are on for others: $name', async (canary) => {
    const running = await begin(cluster, canary);
    const { namespace } = running;
    let edits = 0;
    await runUpdate(cluster, canary, running, async (weighed, weights) => {
      await cluster.argoCd.apply([edited(weighed, ++edits)], 'client-side apply');
      const { apiVersion, kind, metadata } = weighed;
      const live = await cluster.controlPlane.admin.get(apiVersion, kind, namespace, metadata.name);
      expect(controllersPart(live as KubeObject)).toBe(weights);
    });
    const decisions = ofController();
    expect(decisions.length).toBeGreaterThan(0);
    expect(decisions.filter(({ verdict }) => verdict === 'deny')).toEqual([]);
    expect(decisions.filter(({ kept }) => Array.isArray(kept) && kept.length > 0)).toEqual([]);
    expect(decisions.filter(({ tripwire }) => tripwire !== undefined)).toEqual([]);
  });

  it('cannot write an invalid Rollout', async () => {
    const [canary] = CANARIES as [Canary];
    const { objects } = await begin(cluster, canary);
    const rollout = objects.find(({ kind }) => kind === 'Rollout') as KubeObject;
    const strategy = {
      canary: { ...asObject(dig(rollout, 'spec', 'strategy', 'canary')), steps: [{ setWeight: 120 }] },
    };
    const invalid = { ...rollout, spec: { ...asObject(rollout['spec']), strategy } };
    const controller = await cluster.as({ namespace: 'argo-rollouts', name: 'argo-rollouts' });
    const refused = await controller.try(['replace', '-f', '-'], yamlOf([invalid]));
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('[rollgate/rollout-steps]')]);
    // The same account is exempt where the policy names its namespace.
    await cluster.rollgate.policy((policy) => ({
      ...policy,
      controllers: { ...asObject(policy['controllers']), namespaces: ['argo-rollouts'] },
    }));
    await until('the account to be trusted', async () =>
      (await cluster.rollgate.metrics()).includes('rollgate_untrusted_controllers 0\n'),
    );
    const replaced = await controller.try(['replace', '-f', '-'], yamlOf([invalid]));
    expect(replaced.code, replaced.stderr).toBe(0);
  });
});

// Nothing tells Rollgate that this account is a controller's, and keeps are on because it knows another one.
describe('a controller under an account that is not known', () => {
  beforeAll(() =>
    cluster.rollgate.policy((policy) => ({
      ...policy,
      controllers: { discover: false, accounts: ['system:serviceaccount:delivery:argo-rollouts'] },
    })),
  );

  it.each(CANARIES)('is never frozen, neither by Istio nor by a plugin process: $name', async (canary) => {
    const running = await begin(cluster, canary);
    const before = cluster.rollgate.decisions().length;
    await runUpdate(cluster, canary, running);
    const decisions = ofController(before);
    expect(decisions.filter(({ kept }) => Array.isArray(kept) && kept.length > 0)).toEqual([]);
    // The controller writes Services and VirtualServices itself, and the plugin writes the HTTPRoute.
    const routes = decisions.filter(({ kind }) => /^(VirtualService|HTTPRoute)\./.test(String(kind)));
    expect(routes.some(({ tripwire }) => tripwire !== undefined)).toBe(true);
  });
});
