import jsonpatch, { type Operation } from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { dryRun, prepareDryRun } from '../../src/admission/dryrun.ts';
import { foresee } from '../../src/admission/migration/forecast.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { asObject, dig, type JsonObject } from '../../src/world/read.ts';
import { storeOf } from '../../src/world/store.ts';
import { webDeployment, webRollout } from '../support/converted.ts';
import { gateOver, liveOf, NO_LIMITS, requestFor, validate } from '../support/gate.ts';

const LIST = { conversionNamespaces: ['other', 'third'] };
const WHY = 'Rollgate may not convert in namespace "shop", which conversion.namespaces does not name';

interface Given {
  readonly replicas?: number;
  readonly image?: string;
  readonly generation?: number;
}

function web(notes: Readonly<Record<string, string>>, { generation = 1, ...given }: Given = {}): KubeObject {
  return webDeployment(notes, given, { generation });
}

function rollout(status: JsonObject = {}): KubeObject {
  return webRollout(5, STRATEGY, { workloadObservedGeneration: '1', ...status });
}

const STRATEGY = { canary: { steps: [{ setWeight: 20 }, { pause: {} }] } };
const CONVERTED = { convert: 'canary', replicas: '5', 'rollout-uid': 'r-1' };
const LABELLED: KubeObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'shop', labels: { 'rollgate.io/convert': 'canary' } },
};

interface Said {
  readonly denied: string | undefined;
  readonly warnings: readonly string[];
  readonly replicas: unknown;
  readonly marks: Readonly<Record<string, unknown>>;
}

async function say(
  world: readonly KubeObject[],
  after: KubeObject,
  before?: KubeObject,
  parts: Parameters<typeof gateOver>[1] = {},
): Promise<Said> {
  const gate = gateOver(world, { policyChange: LIST, ...parts });
  const mutated = await gate.mutate(requestFor(after, before), NO_LIMITS);
  const patch =
    mutated.response.patch === undefined
      ? []
      : (JSON.parse(Buffer.from(mutated.response.patch, 'base64').toString()) as Operation[]);
  const stored = jsonpatch.applyPatch(after, patch, true, false).newDocument;
  const again = await gate.mutate(requestFor(stored, before), NO_LIMITS);
  expect(again.response.patch).toBeUndefined();
  const { response } = await validate(gate, requestFor(stored, before));
  return {
    denied: response.status?.message,
    warnings: [...(mutated.response.warnings ?? []), ...(response.warnings ?? [])],
    replicas: dig(stored, 'spec', 'replicas'),
    marks: Object.fromEntries(
      Object.entries(asObject(stored.metadata['annotations'])).map(([key, value]) => [
        key.slice('rollgate.io/'.length),
        value,
      ]),
    ),
  };
}

describe('a Deployment in a namespace that is not listed', () => {
  const unconverted = `Deployment "web": not converted (profile canary): ${WHY}: ask for it to be added, or set rollgate.io/convert: "off" [rollgate/deployment-convert]`;

  it('stays one with its own count, and one warning says why and what to do', async () => {
    expect(await say([], web({ convert: 'canary' }, { replicas: 3 }))).toEqual({
      denied: undefined,
      warnings: [unconverted],
      replicas: 3,
      marks: { convert: 'canary' },
    });
  });

  it('is converted as always if its namespace is listed, or no list is given', async () => {
    for (const conversionNamespaces of [['other', 'shop'], []])
      expect(
        await say([], web({ convert: 'canary' }, { replicas: 3 }), undefined, {
          policyChange: { conversionNamespaces },
        }),
      ).toMatchObject({ denied: undefined, replicas: 0, marks: { convert: 'canary', replicas: '3' } });
  });

  it('stays one if it asks later, or the label of its namespace asks', async () => {
    const running = web({}, { replicas: 3 });
    expect(await say([running], web({ convert: 'canary' }, { replicas: 4 }), running)).toMatchObject({
      warnings: [unconverted],
      replicas: 4,
    });
    expect(await say([LABELLED], web({}, { replicas: 3 }))).toEqual({
      denied: undefined,
      warnings: [unconverted],
      replicas: 3,
      marks: {},
    });
    expect((await say([LABELLED], web({ convert: 'off' }, { replicas: 3 }))).warnings).toEqual([]);
  });

  it('is not denied for what would prevent its conversion elsewhere, and gets no other warning', async () => {
    const foreign = { ...rollout(), metadata: { ...rollout().metadata, annotations: {}, ownerReferences: [] } };
    const mayCreateRollouts = (): Promise<boolean> => Promise.resolve(false);
    for (const said of [
      await say([], web({ convert: 'no-such' }, { replicas: 3 })),
      await say([], web({ convert: 'canary' }, { replicas: 3 }), undefined, {
        mayCreateRollouts,
        discovered: () => [],
      }),
    ]) {
      expect(said).toMatchObject({ denied: undefined, replicas: 3 });
      expect(said.warnings).toHaveLength(1);
    }
    const said = await say([foreign], web({ convert: 'canary' }, { replicas: 3 }));
    expect(said).toMatchObject({ denied: undefined, replicas: 3 });
  });

  it('gets the recorded count if it was exported at 0 where it was converted', async () => {
    expect(await say([], web(CONVERTED, { replicas: 0 }))).toMatchObject({
      denied: undefined,
      replicas: 5,
      marks: { convert: 'canary' },
    });
  });

  it.each([
    ['the annotation', [], { convert: 'canary' }],
    ['the label of the namespace', [LABELLED], {}],
  ])('is the same in a dry run: by %s', (_, world, notes) => {
    const answer = dryRun(
      prepareDryRun({
        text: JSON.stringify(web(notes, { replicas: 3 })),
        namespace: undefined,
        requireReferences: false,
        policy: { ...DEFAULT_POLICY, ...LIST },
        candidate: undefined,
      }),
      storeOf(world),
      { rules: RULES, keeps: PRESERVERS },
    );
    expect(answer).toMatchObject({ verdict: 'allow', rollouts: [] });
    expect(answer.results[0]).toMatchObject({ patch: [], kept: [unconverted] });
  });

  it('is planned as one that cannot be converted', () => {
    const policy: Policy = { ...DEFAULT_POLICY, ...LIST };
    const options = { world: storeOf([]), rules: RULES, policy, profile: 'canary', controllers: true, stored: true };
    expect(foresee(web({}, { replicas: 3 }), options).forecast).toMatchObject({
      verdict: 'no',
      reasons: [`${WHY}: ask for it to be added, or set rollgate.io/convert: "off"`],
    });
  });
});

describe('a Deployment that was converted before its namespace was left out', () => {
  const before = web(CONVERTED, { replicas: 0 });

  it('stays at 0 while its Rollout runs its pods, and a warning says that nobody changes the Rollout', async () => {
    expect(await say([rollout(), before], web({ convert: 'canary' }, { replicas: 8 }), before)).toEqual({
      denied: undefined,
      warnings: [
        `Deployment "web": ${WHY}: Rollout "web" runs its pods, and keeps its count and profile [rollgate/deployment-convert]`,
      ],
      replicas: 0,
      marks: { ...CONVERTED, replicas: '8' },
    });
  });

  it('stays at 0 with a new pod template: its Rollout makes a canary of it', async () => {
    expect(
      await say([rollout(), before], web({ convert: 'canary' }, { replicas: 5, image: 'web:2' }), before),
    ).toMatchObject({ denied: undefined, replicas: 0, marks: CONVERTED });
  });

  it('keeps its profile', async () => {
    const said = await say([rollout(), before], web({ convert: 'blue-green' }, { replicas: 5 }), before);
    expect(said).toMatchObject({ denied: undefined, replicas: 0, marks: CONVERTED });
    expect(said.warnings).toEqual([expect.stringContaining(`not converted (profile blue-green): ${WHY}`)]);
  });

  it('gets its pods back if its Rollout is gone, whatever profile it names', async () => {
    for (const convert of ['canary', 'blue-green']) {
      const said = await say([before], web({ convert }, { replicas: 6 }), before);
      expect(said).toEqual({
        denied: undefined,
        warnings: [`Deployment "web": ${WHY}, so the Deployment runs its own pods again [rollgate/deployment-convert]`],
        replicas: 6,
        marks: { ...CONVERTED, replicas: '6' },
      });
    }
    expect(await say([before], web(CONVERTED, { replicas: 0 }), before)).toMatchObject({ replicas: 5 });
  });

  it('gets its pods back if only the cache still has the Rollout', async () => {
    const live = liveOf(() => [before]);
    expect(await say([rollout(), before], web({ convert: 'canary' }, { replicas: 6 }), before, { live })).toMatchObject(
      {
        replicas: 6,
      },
    );
  });

  it('gets its pods back if no Rollout was made of it', async () => {
    const admitted = web({ convert: 'canary', replicas: '3' }, { replicas: 0 });
    expect(await say([admitted], web({ convert: 'canary', replicas: '3' }, { replicas: 0 }), admitted)).toMatchObject({
      replicas: 3,
    });
  });

  it('gets its pods back if it asks to be converted back', async () => {
    for (const notes of [{ convert: 'off' }, {}]) {
      const said = await say([rollout(), before], web(notes, { replicas: 6 }), before);
      expect(said).toMatchObject({ denied: undefined, replicas: 6, marks: { replicas: '6', 'rollout-uid': 'r-1' } });
      expect(said.warnings).toEqual([
        `Deployment "web": ${WHY}, so the Deployment runs its own pods again; delete Rollout "web" yourself [rollgate/deployment-convert]`,
      ]);
    }
  });

  it.each<[string, JsonObject, Given]>([
    ['an update of its Rollout is in progress', { currentPodHash: 'b' }, {}],
    ['the canary gets traffic', { canary: { weights: { canary: { weight: 20 } } } }, {}],
    ['the controller has not observed its pod template', { workloadObservedGeneration: '0' }, {}],
    ['its pod template changes too', {}, { image: 'web:2' }],
  ])('stays at 0 if it asks to be converted back while %s', async (_, status, given) => {
    const said = await say([rollout(status), before], web({ convert: 'off' }, { replicas: 5, ...given }), before);
    expect(said).toMatchObject({ denied: undefined, replicas: 0, marks: { convert: 'off', 'rollout-uid': 'r-1' } });
    expect(said.warnings).toEqual([
      `Deployment "web": ${WHY}: Rollout "web" still runs its pods: apply it again when no update of the Rollout is in progress [rollgate/deployment-convert]`,
    ]);
  });

  it('stays at 0 in a labelled namespace if a manifest without the annotation replaces it', async () => {
    expect(await say([LABELLED, rollout(), before], web({}, { replicas: 5 }), before)).toMatchObject({
      replicas: 0,
      marks: CONVERTED,
    });
    expect(await say([LABELLED, before], web({}, { replicas: 5 }), before)).toMatchObject({
      replicas: 5,
      marks: CONVERTED,
    });
  });
});

describe('the rights of Rollgate', () => {
  const asked = web({ convert: 'canary' }, { replicas: 3 });
  const listed = { policyChange: { conversionNamespaces: ['shop'] } };

  it.each([
    [
      false,
      'Rollgate may not create rollouts.argoproj.io in namespace "shop": try again in a minute, or check its rights',
    ],
    [
      undefined,
      'cannot check with the API server whether Rollgate may create rollouts.argoproj.io in namespace "shop"',
    ],
  ])('decide, even if the policy lists the namespace already or still: %s', async (may, reason) => {
    const mayConvert = (): Promise<boolean | undefined> => Promise.resolve(may);
    const mayCreateRollouts = (): Promise<boolean> => Promise.resolve(may === undefined);
    expect(await say([], asked, undefined, { ...listed, mayConvert, mayCreateRollouts })).toEqual({
      denied: undefined,
      warnings: [`Deployment "web": not converted (profile canary): ${reason} [rollgate/deployment-convert]`],
      replicas: 3,
      marks: { convert: 'canary' },
    });
  });

  it('are asked about only when a conversion begins', async () => {
    const namespaces: string[] = [];
    const mayConvert = (namespace: string): Promise<boolean> => {
      namespaces.push(namespace);
      return Promise.resolve(true);
    };
    const before = web(CONVERTED, { replicas: 0 });
    const parts = { ...listed, mayConvert };
    await say([rollout(), before], web({ convert: 'canary' }, { replicas: 5 }), before, parts);
    await say([], web({}, { replicas: 3 }), undefined, parts);
    await say([], asked, undefined, { mayConvert });
    expect(namespaces).toEqual([]);
    expect(await say([], asked, undefined, parts)).toMatchObject({ replicas: 0 });
    expect(new Set(namespaces)).toEqual(new Set(['shop']));
  });
});
