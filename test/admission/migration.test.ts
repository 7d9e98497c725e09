import jsonpatch, { type Operation } from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import type { GateAnswer, Gate } from '../../src/admission/gate.ts';
import { dryRun, prepareDryRun } from '../../src/admission/dryrun.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { RULES } from '../../src/rules/index.ts';
import { storeOf } from '../../src/world/store.ts';
import { SHIPPED_PROFILES, type Profile } from '../../src/migration/profiles.ts';
import type { Protection } from '../../src/migration/conversion-policy.ts';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import { fallbackPolicy } from '../../src/policy/fallback.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { dig, asObject, type JsonObject } from '../../src/world/read.ts';
import type { World } from '../../src/world/world.ts';
import { LAST_APPLIED } from '../../src/world/writers.ts';
import { webRollout } from '../support/converted.ts';
import { gateOver, liveOf, NO_LIMITS, objectsOf, requestFor, validate } from '../support/gate.ts';

const MESH: Profile = {
  rollout: '{name}-rollout',
  metadata: { labels: {}, annotations: {} },
  strategy: {
    canary: {
      trafficRouting: {
        istio: {
          virtualService: { name: '{name}', routes: ['primary'] },
          destinationRule: { name: '{name}', canarySubsetName: 'canary', stableSubsetName: 'stable' },
        },
      },
    },
  },
};
const PROFILES = { ...DEFAULT_POLICY, profiles: { ...SHIPPED_PROFILES, mesh: MESH } };

interface Given {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  readonly metadata?: JsonObject;
  readonly spec?: JsonObject;
  readonly pod?: JsonObject;
}

function web({ annotations = {}, replicas, metadata = {}, spec = {}, pod = {} }: Given = {}): KubeObject {
  const keys = Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [key.includes('/') ? key : `rollgate.io/${key}`, value]),
  );
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'd-1', annotations: keys, ...metadata },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:1' }], ...pod },
      },
      ...spec,
    },
  };
}

function rolloutOf(more: { readonly metadata?: JsonObject; readonly spec?: JsonObject } = {}): KubeObject {
  const rollout = webRollout(5, PROFILE_SPEC.strategy);
  return {
    ...rollout,
    metadata: { ...rollout.metadata, ...more.metadata },
    spec: { ...asObject(rollout['spec']), ...more.spec },
  };
}
const PROFILE_SPEC = { strategy: asObject(SHIPPED_PROFILES['canary']?.strategy) };

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

const CONVERTED = { convert: 'canary', replicas: '5', 'rollout-uid': 'r-1' };

interface Said {
  readonly stored: KubeObject;
  readonly warnings: string;
  readonly denied: string | undefined;
  readonly replicas: unknown;
  readonly marks: Readonly<Record<string, unknown>>;
}

async function say(gate: Gate, after: KubeObject, before?: KubeObject, username?: string): Promise<Said> {
  const more = username === undefined ? {} : { username };
  const mutated: GateAnswer = await gate.mutate(requestFor(after, before, more), NO_LIMITS);
  const patch =
    mutated.response.patch === undefined
      ? []
      : (JSON.parse(Buffer.from(mutated.response.patch, 'base64').toString()) as Operation[]);
  const stored = jsonpatch.applyPatch(after, patch, true, false).newDocument;
  // A second pass over its own output and that of other webhooks must add nothing.
  const again = await gate.mutate(requestFor(stored, before, more), NO_LIMITS);
  expect(again.response.patch).toBeUndefined();
  const { response } = await validate(gate, requestFor(stored, before, more));
  const marks = Object.fromEntries(
    Object.entries(asObject(stored.metadata['annotations']))
      .filter(([key]) => key.startsWith('rollgate.io/'))
      .map(([key, value]) => [key.slice('rollgate.io/'.length), value]),
  );
  return {
    stored,
    warnings: [...(mutated.response.warnings ?? []), ...(response.warnings ?? [])].join('\n'),
    denied: response.status?.message,
    replicas: dig(stored, 'spec', 'replicas'),
    marks,
  };
}

const gate = (world: readonly KubeObject[] = [], parts: Parameters<typeof gateOver>[1] = {}): Gate =>
  gateOver(world, { policyChange: { profiles: PROFILES.profiles }, ...parts });

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

describe('a converted Deployment', () => {
  const before = web({ annotations: CONVERTED, replicas: 0 });
  const converted = gate([rolloutOf(), before]);
  it('stays at 0 through PUT and re-apply, with its recorded state', async () => {
    const said = await say(converted, web({ annotations: { convert: 'canary' }, replicas: 5 }), before);
    expect(said).toMatchObject({ denied: undefined, replicas: 0, marks: CONVERTED });
    expect(said.warnings).toContain(
      'Deployment "web": stays at 0 replicas and shows as Healthy even if its pods fail: Rollout "web" runs them',
    );
  });

  it('records a new count, but no count if the manifest has none', async () => {
    expect((await say(converted, web({ annotations: { convert: 'canary' }, replicas: 8 }), before)).marks).toEqual({
      ...CONVERTED,
      replicas: '8',
    });
    expect(await say(converted, web({ annotations: { convert: 'canary' }, replicas: 1 }), before)).toMatchObject({
      replicas: 0,
      marks: CONVERTED,
    });
  });

  it('gets its replicas back if conversion is off and its annotation or its Rollout is gone', async () => {
    const nobody = { converts: false };
    const observed = {
      ...rolloutOf(),
      status: { ...asObject(rolloutOf()['status']), workloadObservedGeneration: '3' },
    };
    const stored = { ...before, metadata: { ...before.metadata, generation: 3 } };
    const leaving = await say(gate([observed, stored], nobody), web({ replicas: 6 }), stored);
    expect(leaving).toMatchObject({ denied: undefined, replicas: 6, marks: { replicas: '6', 'rollout-uid': 'r-1' } });
    expect(leaving.warnings).toContain(
      'Deployment "web": conversion is off here, so the Deployment runs its own pods again; delete Rollout "web" yourself',
    );
    expect(
      await say(
        gate([before], nobody),
        web({ annotations: CONVERTED, replicas: 0, metadata: { labels: { a: 'b' } } }),
        before,
      ),
    ).toMatchObject({ replicas: 5, marks: CONVERTED });
    expect(
      await say(gate([rolloutOf(), before], nobody), web({ annotations: { convert: 'canary' }, replicas: 6 }), before),
    ).toMatchObject({ replicas: 0, marks: { ...CONVERTED, replicas: '6' } });
  });

  it('stays at 0 when the annotation is removed, until it can replace its Rollout', async () => {
    const said = await say(converted, web({ replicas: 5 }), before);
    expect(said).toMatchObject({ replicas: 0, marks: { replicas: '5', 'rollout-uid': 'r-1' } });
    expect(said.warnings).toContain(
      'Deployment "web": becomes a plain Deployment again: Rollout "web" is deleted once the pods of the Deployment serve traffic',
    );
  });

  it('is not changed while its conversion is suspended', async () => {
    const suspended = web({
      annotations: { convert: 'canary', replicas: '5', 'convert-suspended': 'refused: quota' },
      replicas: 5,
    });
    expect(
      await say(
        gate([suspended]),
        web({ annotations: { convert: 'canary', replicas: '5', 'convert-suspended': 'refused: quota' }, replicas: 7 }),
        suspended,
      ),
    ).toMatchObject({ replicas: 7, marks: { replicas: '7' } });
  });

  it('keeps its suspension if a manifest without annotations replaces it, and loses it if only that annotation is removed', async () => {
    const marks = { convert: 'canary', replicas: '5', 'convert-suspended': 'rollout-deleted: its Rollout was deleted' };
    const suspended = web({ annotations: marks, replicas: 5 });
    expect(
      await say(gate([suspended]), web({ annotations: { convert: 'canary' }, replicas: 5 }), suspended),
    ).toMatchObject({ replicas: 5, marks });
    expect(
      (await say(gate([suspended]), web({ annotations: { convert: 'canary' }, replicas: 7 }), suspended)).marks,
    ).toEqual({ ...marks, replicas: '7' });
    expect(
      (await say(gate([suspended]), web({ annotations: { convert: 'blue-green' }, replicas: 5 }), suspended)).marks,
    ).toEqual({ ...marks, convert: 'blue-green' });
    expect(
      await say(gate([suspended]), web({ annotations: { convert: 'canary', replicas: '5' }, replicas: 5 }), suspended),
    ).toMatchObject({ replicas: 5, marks: { convert: 'canary', replicas: '5' } });
    expect(
      (await say(gate([suspended]), web({ annotations: { convert: 'canary', replicas: '5' }, replicas: 5 }), suspended))
        .marks,
    ).not.toHaveProperty('convert-suspended');
    expect(
      (
        await say(
          gate([suspended]),
          web({ annotations: { ...marks, 'convert-suspended': 'refused: something else' }, replicas: 5 }),
          suspended,
        )
      ).marks,
    ).toEqual(marks);
  });

  it('can be suspended only by Rollgate', async () => {
    expect(
      (
        await say(
          converted,
          web({ annotations: { ...CONVERTED, 'convert-suspended': 'refused: quota' }, replicas: 0 }),
          before,
        )
      ).marks,
    ).toEqual(CONVERTED);
  });

  it('keeps the replicas that it had while suspended when the annotation is removed', async () => {
    const suspended = web({
      annotations: { convert: 'canary', replicas: '5', 'convert-suspended': 'refused: quota' },
      replicas: 2,
    });
    expect(
      await say(
        gate([suspended]),
        web({ annotations: { replicas: '5', 'convert-suspended': 'refused: quota' }, replicas: 2 }),
        suspended,
      ),
    ).toMatchObject({ replicas: 2 });
  });

  it('gets the recorded count when it goes back and its exported manifest says 0', async () => {
    const leaving = web({ annotations: { replicas: '5', 'rollout-uid': 'r-1' }, replicas: 5 });
    const exported = (manifest: JsonObject): KubeObject =>
      web({
        annotations: { replicas: '5', 'rollout-uid': 'r-1', [LAST_APPLIED]: JSON.stringify(manifest) },
        replicas: 0,
      });
    const said = await say(
      gate([rolloutOf(), leaving]),
      exported({ metadata: { annotations: { 'rollgate.io/replicas': '5' } }, spec: { replicas: 0 } }),
      leaving,
    );
    expect(said).toMatchObject({ replicas: 5, marks: { replicas: '5', 'rollout-uid': 'r-1' } });
    // If a manifest says 0 and has no annotation of Rollgate, 0 is what the user wants.
    expect(await say(gate([rolloutOf(), leaving]), exported({ spec: { replicas: 0 } }), leaving)).toMatchObject({
      replicas: 0,
      marks: { replicas: '0' },
    });
  });

  it('runs again at once if the annotation is removed before a Rollout was created', async () => {
    const fresh = web({ annotations: { convert: 'canary', replicas: '3' }, replicas: 0 });
    expect(await say(gate([fresh]), web({ annotations: { replicas: '3' }, replicas: 0 }), fresh)).toMatchObject({
      replicas: 3,
    });
  });

  it('keeps its profile if a change to another profile is rejected', async () => {
    const said = await say(
      gate([rolloutOf(), before], { policyChange: { mode: 'audit' } }),
      web({ annotations: { convert: 'no-such' }, replicas: 5 }),
      before,
    );
    expect(said).toMatchObject({ denied: undefined, marks: CONVERTED });
    expect(said.warnings).toContain('conversion profile "no-such" not found');
  });
});

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
      get: (kind, namespace, name) =>
        kind === 'Rollout.argoproj.io' ? { state: 'unknown', reason: 'not read' } : store.get(kind, namespace, name),
      list: (kind, namespace) => store.list(kind, namespace),
      referrers: (key) => store.referrers(key),
    };
    expect((await say(gateOver(unread, fallback), edited(waiting), before)).replicas).toBe(0);
  });
});

describe('a Deployment that was exported at 0 while converted', () => {
  const notes = { replicas: '5', 'rollout-uid': 'r-9', 'convert-suspended': 'refused: quota' };
  it.each<[string, KubeObject, Parameters<typeof gate>[1], KubeObject?]>([
    ['where nothing asks for a conversion', web({ annotations: notes, replicas: 0 }), {}],
    ['with "off"', web({ annotations: { ...notes, convert: 'off' }, replicas: 0 }), {}],
    [
      'where conversion is off',
      web({ annotations: { ...notes, convert: 'canary' }, replicas: 0 }),
      { policyChange: { conversion: 'off' } },
    ],
    [
      'where nobody runs Rollouts',
      web({ annotations: { ...notes, convert: 'canary' }, replicas: 0 }),
      { discovered: () => [] },
    ],
    [
      'where it is refused and that is only told',
      web({ annotations: { ...notes, convert: 'canry' }, replicas: 0 }),
      { policyChange: { mode: 'audit', profiles: PROFILES.profiles } },
    ],
    ['over one that runs and is not converted', web({ annotations: notes, replicas: 0 }), {}, web({ replicas: 3 })],
  ])('has as many pods as are noted: %s', async (_, exported, parts, before) => {
    const said = await say(gate([], parts), exported, before);
    expect(said).toMatchObject({ denied: undefined, replicas: 5 });
    expect(Object.keys(said.marks).filter((key) => key !== 'convert')).toEqual([]);
    expect(said.warnings).toContain(
      'Deployment "web": exported at 0 replicas while a Rollout ran its pods: it gets the 5 pods recorded in its annotations [rollgate/deployment-convert]',
    );
  });

  it('has no replicas if none are recorded, or if its manifest says 0 without an annotation of Rollgate', async () => {
    expect((await say(gate(), web({ annotations: { ...notes, replicas: '0' }, replicas: 0 }))).replicas).toBe(0);
    expect(
      (
        await say(
          gate(),
          web({ annotations: { ...notes, [LAST_APPLIED]: JSON.stringify({ spec: { replicas: 0 } }) }, replicas: 0 }),
        )
      ).replicas,
    ).toBe(0);
    expect(
      (
        await say(
          gate(),
          web({ annotations: { [LAST_APPLIED]: JSON.stringify({ spec: { replicas: 5 } }) }, replicas: 0 }),
        )
      ).replicas,
    ).toBe(0);
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
