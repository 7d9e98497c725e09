import { describe, expect, it } from 'vitest';
import { dryRun, prepareDryRun } from '../../src/admission/dryrun.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { RULES } from '../../src/rules/index.ts';
import { storeOf } from '../../src/world/store.ts';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import { fallbackPolicy } from '../../src/policy/fallback.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { dig } from '../../src/world/read.ts';
import { LAST_APPLIED } from '../../src/world/writers.ts';
import { gateOver, objectsOf } from '../support/gate.ts';
import { CONVERTED, type Given, PROFILES, gate, rolloutOf, say, web } from '../support/migration-gate.ts';

// The objects that the profile `mesh` needs, except that the route has another name.
const WITHOUT_ROUTE = objectsOf(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { hosts: [web], http: [{ name: main, route: [{ destination: { host: web, subset: stable }, weight: 100 }, { destination: { host: web, subset: canary }, weight: 0 }] }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: web, namespace: shop }
spec: { host: web, subsets: [{ name: stable }, { name: canary }] }
`);

describe('a Deployment with the convert annotation', () => {
  it('is stored with 0 replicas if it is new, with the wanted count recorded, and the response names its Rollout', async () => {
    const said = await say(gate(), web({ annotations: { convert: 'canary' }, replicas: 3 }));
    expect(said).toMatchObject({ denied: undefined, replicas: 0, marks: { convert: 'canary', replicas: '3' } });
    expect(said.warnings).toContain(
      'Deployment "web" becomes Rollout "web" with 3 pods (profile canary) [rollgate/deployment-convert]',
    );
    expect(said.warnings).toContain(
      'Deployment "web": shows as Healthy at 0 replicas even if its pods fail: watch Rollout "web"',
    );
  });

  it('keeps its own replicas if its Rollout needs an object that does not exist yet', async () => {
    const said = await say(gate(), web({ annotations: { convert: 'blue-green' }, replicas: 3 }));
    expect(said).toMatchObject({ denied: undefined, replicas: 3, marks: { convert: 'blue-green', replicas: '3' } });
    expect(said.warnings).toContain(
      'Deployment "web": keeps its own pods until Rollout "web" is healthy, which needs objects that do not exist yet',
    );
    expect(said.warnings).not.toContain('as Healthy');
    const exported = web({ annotations: { convert: 'blue-green', replicas: '4' }, replicas: 0 });
    expect((await say(gate(), exported)).replicas).toBe(4);
  });

  it('gets the replicas of its existing Rollout if it was written while no webhook held its count', async () => {
    const before = web({ annotations: { convert: 'canary' }, replicas: 1 });
    expect(
      (
        await say(
          gate([rolloutOf(), before]),
          web({ annotations: { convert: 'canary', note: 'x' }, replicas: 1 }),
          before,
        )
      ).marks,
    ).toMatchObject({ replicas: '5' });
    const created = web({
      annotations: { convert: 'canary', [LAST_APPLIED]: JSON.stringify({ spec: {} }) },
      replicas: 1,
    });
    const orphan = rolloutOf({ metadata: { ownerReferences: [] } });
    expect((await say(gate([orphan]), created)).marks).toMatchObject({ replicas: '5' });
  });

  it('keeps its replicas if it already runs', async () => {
    const said = await say(gate(), web({ annotations: { convert: 'canary' }, replicas: 5 }), web({ replicas: 5 }));
    expect(said).toMatchObject({ denied: undefined, replicas: 5, marks: { convert: 'canary', replicas: '5' } });
  });

  it('keeps its replicas if it is replaced by a manifest without a count', async () => {
    const said = await say(gate(), web({ annotations: { convert: 'canary' }, replicas: 1 }), web({ replicas: 5 }));
    expect(said).toMatchObject({ replicas: 5, marks: { replicas: '5' } });
  });

  it("cannot set Rollgate's own annotations", async () => {
    const said = await say(
      gate(),
      web({ annotations: { convert: 'canary', 'rollout-uid': 'forged', 'convert-suspended': 'x' }, replicas: 2 }),
    );
    expect(said.marks).toEqual({ convert: 'canary', replicas: '2' });
    expect(
      (await say(gate(), web({ annotations: { 'rollout-uid': 'forged', replicas: '100' }, replicas: 2 }))).marks,
    ).toEqual({});
  });

  it('starts with at least the minimum of its autoscaler, and gets advice on what to write in the autoscaler', async () => {
    const [hpa, vpa] = objectsOf(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web, namespace: shop }
spec: { minReplicas: 4, maxReplicas: 9, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web } }
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: { name: web-vpa, namespace: shop }
spec: { targetRef: { apiVersion: apps/v1, kind: Deployment, name: web } }
`) as [KubeObject, KubeObject];
    const said = await say(gate([hpa, vpa]), web({ annotations: { convert: 'canary' }, replicas: 1 }));
    expect(said.marks['replicas']).toBe('4');
    expect(said.warnings).toContain(
      'VerticalPodAutoscaler "web-vpa" targets the Deployment: set targetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name web',
    );
    expect(said.warnings).toMatch(
      /HorizontalPodAutoscaler "web" scales Deployment "web".*set scaleTargetRef to apiVersion argoproj.io\/v1alpha1, kind Rollout, name web/,
    );
  });

  it('gets a warning that matchLabelKeys: pod-template-hash has no effect', async () => {
    const pod = {
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', matchLabelKeys: ['pod-template-hash'] }],
    };
    expect((await say(gate(), web({ annotations: { convert: 'canary' }, replicas: 1, pod }))).warnings).toContain(
      'matchLabelKeys: pod-template-hash in topologySpreadConstraints has no effect in a Rollout',
    );
  });
});

describe('a Deployment that is not converted, with the reason', () => {
  const pvc = (mode: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'shop' },
    spec: { accessModes: [mode] },
  });
  const mounting = { pod: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] } };
  const reference = rolloutOf({ metadata: { name: 'other', annotations: {}, ownerReferences: [] } });
  it.each<[string, Given, readonly KubeObject[], Parameters<typeof gateOver>[1], string]>([
    [
      'owned',
      { metadata: { ownerReferences: [{ kind: 'Kafka', name: 'k', controller: true }] } },
      [],
      {},
      'Kafka "k" owns the Deployment',
    ],
    ['Recreate', { spec: { strategy: { type: 'Recreate' } } }, [], {}, 'its strategy is Recreate'],
    [
      'a ReadWriteOnce volume',
      mounting,
      [pvc('ReadWriteOnce')],
      {},
      'PersistentVolumeClaim "data" has access mode ReadWriteOnce',
    ],
    ['a volume that does not exist', mounting, [], {}, 'PersistentVolumeClaim "data" does not exist'],
    ['named by another Rollout', {}, [reference], {}, 'Rollout "other" already refers to it'],
    [
      'the controller itself',
      { metadata: { labels: { 'app.kubernetes.io/name': 'argo-rollouts' } } },
      [],
      {},
      'it is the Argo Rollouts controller',
    ],
    ['Rollgate itself', { metadata: { labels: { 'app.kubernetes.io/name': 'rollgate' } } }, [], {}, 'it is Rollgate'],
    ['paused', { spec: { paused: true } }, [], {}, 'it is paused'],
    ['no controller to run the Rollout', {}, [], { discovered: () => [] }, 'no Argo Rollouts controller is known'],
    ['no Rollgate that converts', {}, [], { converts: false }, 'conversion is off here'],
    ['switched off by the policy', {}, [], { policyChange: { conversion: 'off' } }, 'conversion is off here'],
  ])('%s', async (_, given, world, parts, reason) => {
    const said = await say(gate(world, parts), web({ annotations: { convert: 'canary' }, replicas: 3, ...given }));
    expect(said).toMatchObject({ denied: undefined, replicas: 3, marks: { convert: 'canary' } });
    expect(said.marks).not.toHaveProperty('replicas');
    expect(said.warnings).toContain(`not converted (profile canary): ${reason}`);
  });

  it('while a fallback takes the place of the policy, which may have other profiles', async () => {
    const policyChange = fallbackPolicy('profiles: { ours: [', POLICY_CATALOG);
    for (const profile of ['canary', 'ours']) {
      const said = await say(gate([], { policyChange }), web({ annotations: { convert: profile }, replicas: 3 }));
      expect(said).toMatchObject({ denied: undefined, replicas: 3, marks: { convert: profile } });
      expect(said.marks).not.toHaveProperty('replicas');
      expect(said.warnings).toContain(`not converted (profile ${profile}): conversion is off here`);
    }
  });

  it('but not for a volume that several pods may mount', async () => {
    const said = await say(
      gate([pvc('ReadWriteMany')]),
      web({ annotations: { convert: 'canary' }, replicas: 3, ...mounting }),
    );
    expect(said.replicas).toBe(0);
  });
});

describe('a conversion is rejected', () => {
  it('if the profile does not exist', async () => {
    const said = await say(gate(), web({ annotations: { convert: 'canry' }, replicas: 3 }));
    expect(said.denied).toBe(
      'Deployment "web" is invalid: metadata.annotations["rollgate.io/convert"]: conversion profile "canry" not found (available: blue-green, canary, mesh): use "canary", or remove the annotation [rollgate/deployment-convert]',
    );
    expect(said.replicas).toBe(3);
  });

  it('if the name of the Rollout is taken, but not if an earlier Deployment of the same name left it', async () => {
    const foreign = rolloutOf({
      metadata: { annotations: {}, ownerReferences: [] },
      spec: { workloadRef: undefined, template: {} },
    });
    expect((await say(gate([foreign]), web({ annotations: { convert: 'canary' }, replicas: 3 }))).denied).toContain(
      'Rollout "web" already exists and was not created for this Deployment',
    );
    const predecessor = rolloutOf({
      metadata: {
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-0', controller: true }],
      },
    });
    expect(await say(gate([predecessor]), web({ annotations: { convert: 'canary' }, replicas: 3 }))).toMatchObject({
      denied: undefined,
      replicas: 0,
    });
  });

  it('if the Rollout would be invalid, naming the profile', async () => {
    const said = await say(gate(WITHOUT_ROUTE), web({ annotations: { convert: 'mesh' }, replicas: 3 }));
    expect(said.denied).toContain(
      'profile "mesh" makes Rollout "web-rollout": VirtualService "web" has no http route "primary" (it has "main")',
    );
    expect(said.denied).toContain('[rollgate/virtualservice-route-exists]');
    expect(said.replicas).toBe(3);
    const audit = await say(
      gate(WITHOUT_ROUTE, { policyChange: { mode: 'audit', profiles: PROFILES.profiles } }),
      web({ annotations: { convert: 'mesh' }, replicas: 3 }),
    );
    expect(audit).toMatchObject({ denied: undefined, replicas: 3, marks: { convert: 'mesh' } });
    expect(audit.warnings).toContain('profile "mesh" makes Rollout');
  });

  it('if the requester may not create Rollouts, but only when the conversion starts', async () => {
    const asked: string[] = [];
    const parts = {
      mayCreateRollouts: ({ username }: { username: string }, namespace: string) =>
        Promise.resolve(asked.push(`${username} ${namespace}`) === 0),
    };
    const said = await say(gate([], parts), web({ annotations: { convert: 'canary' }, replicas: 3 }));
    expect(said.denied).toContain('"dev@example.com" may not create rollouts.argoproj.io in namespace "shop"');
    expect(asked).toContain('dev@example.com shop');
    asked.length = 0;
    const before = web({ annotations: CONVERTED, replicas: 0 });
    expect(
      (
        await say(
          gate([rolloutOf(), before], parts),
          web({ annotations: CONVERTED, replicas: 0, pod: { containers: [{ name: 'web', image: 'web:2' }] } }),
          before,
        )
      ).denied,
    ).toBeUndefined();
    // It was rejected before under a policy that only warned; now another field changes.
    const waiting = web({ annotations: { convert: 'canary' }, replicas: 3 });
    const later = await say(gate([waiting], parts), web({ annotations: { convert: 'canary' }, replicas: 4 }), waiting);
    expect(later).toMatchObject({ denied: undefined, replicas: 4 });
    expect(later.marks).not.toHaveProperty('replicas');
  });

  it('but stays a Deployment if the rights of the requester are unknown', async () => {
    const said = await say(
      gate([], { mayCreateRollouts: () => Promise.resolve(undefined) }),
      web({ annotations: { convert: 'canary' }, replicas: 3 }),
    );
    expect(said).toMatchObject({ denied: undefined, replicas: 3, marks: { convert: 'canary' } });
    expect(said.warnings).toContain(
      'Deployment "web": not converted (profile canary): cannot check with the API server whether "dev@example.com" may create rollouts.argoproj.io in namespace "shop"',
    );
  });
});

describe('a labelled namespace', () => {
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { 'rollgate.io/convert': 'canary' } },
  };
  it('converts Deployments that are created in it, and no others', async () => {
    expect(await say(gate([namespace]), web({ replicas: 3 }))).toMatchObject({
      replicas: 0,
      marks: { convert: 'canary', replicas: '3' },
    });
    expect(await say(gate([namespace]), web({ replicas: 4 }), web({ replicas: 3 }))).toMatchObject({
      replicas: 4,
      marks: {},
    });
    expect(await say(gate([namespace]), web({ annotations: { convert: 'off' }, replicas: 3 }))).toMatchObject({
      replicas: 3,
    });
  });

  it('denies nothing to users who did not opt in, and says why their Deployment is not converted', async () => {
    const unprivileged = await say(
      gate([namespace], { mayCreateRollouts: () => Promise.resolve(false) }),
      web({ replicas: 3 }),
    );
    expect(unprivileged).toMatchObject({ denied: undefined, replicas: 3, marks: {} });
    expect(unprivileged.warnings).toContain(
      'Deployment "web": not converted (profile canary): "dev@example.com" may not create rollouts.argoproj.io in namespace "shop"',
    );

    const mesh = { ...namespace, metadata: { ...namespace.metadata, labels: { 'rollgate.io/convert': 'mesh' } } };
    const world = [mesh, ...WITHOUT_ROUTE];
    const invalid = await say(gate(world), web({ replicas: 3 }));
    expect(invalid).toMatchObject({ denied: undefined, replicas: 3, marks: {} });
    expect(invalid.warnings).toContain(
      'not converted: profile "mesh" makes Rollout "web-rollout": VirtualService "web" has no http route "primary" (it has "main")',
    );
    const input = {
      text: JSON.stringify(web({ replicas: 3 })),
      namespace: undefined,
      requireReferences: false,
      policy: PROFILES,
      candidate: undefined,
    };
    const foretold = dryRun(prepareDryRun(input), storeOf(world), { rules: RULES, keeps: PRESERVERS });
    expect([foretold.verdict, dig(foretold.results[0]?.patched, 'spec', 'replicas'), foretold.rollouts]).toEqual([
      'allow',
      3,
      [],
    ]);
  });

  it('keeps a Deployment converted if a manifest without annotations replaces it', async () => {
    const before = web({ annotations: CONVERTED, replicas: 0 });
    expect(await say(gate([namespace, rolloutOf(), before]), web({ replicas: 5 }), before)).toMatchObject({
      replicas: 0,
      marks: CONVERTED,
    });
    expect(
      (await say(gate([namespace, rolloutOf(), before]), web({ annotations: { convert: 'off' }, replicas: 5 }), before))
        .marks,
    ).toEqual({ convert: 'off', replicas: '5', 'rollout-uid': 'r-1' });
  });
});

describe('the result of a dry run', () => {
  it('is that of admission', () => {
    const input = {
      text: JSON.stringify(web({ annotations: { convert: 'canary' }, replicas: 3 })),
      namespace: undefined,
      requireReferences: false,
      policy: PROFILES,
      candidate: undefined,
    };
    const answer = dryRun(prepareDryRun(input), storeOf([]), { rules: RULES, keeps: PRESERVERS });
    expect(answer.verdict).toBe('allow');
    expect(answer.rollouts.map((rollout) => [keyOf(rollout), dig(rollout, 'spec', 'replicas')])).toEqual([
      ['Rollout.argoproj.io/shop/web', 3],
    ]);
    expect(dig(answer.results[0]?.patched, 'spec', 'replicas')).toBe(0);
    const refused = dryRun(prepareDryRun({ ...input, text: input.text.replace('canary', 'canry') }), storeOf([]), {
      rules: RULES,
      keeps: PRESERVERS,
    });
    expect(refused.verdict).toBe('deny');
    expect(refused.rollouts).toEqual([]);
  });
});
