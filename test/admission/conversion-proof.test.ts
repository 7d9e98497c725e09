import jsonpatch, { type Operation } from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import type { GateParts } from '../../src/admission/gate.ts';
import type { Protection } from '../../src/migration/conversion-policy.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { asObject, dig } from '../../src/world/read.ts';
import { webDeployment, webRollout } from '../support/converted.ts';
import { gateOver, NO_LIMITS, requestFor, validate } from '../support/gate.ts';

const NOW = 'p-2/b-2';
const BEFORE = 'p-1/b-1';
const OWNER = 'owner@example.com';

function web(annotations: Readonly<Record<string, string>>, replicas: number, image?: string): KubeObject {
  return webDeployment(annotations, { replicas, ...(image === undefined ? {} : { image }) });
}

const ROLLOUT = webRollout(3, { canary: {} });

interface Given {
  readonly before?: KubeObject;
  readonly world?: readonly KubeObject[];
  readonly protection?: Protection;
  readonly parts?: Partial<GateParts>;
  readonly username?: string;
}

/** Writes a Deployment as the owner, who alone may create Rollouts. Returns what is stored and what is said. */
async function write(
  after: KubeObject,
  { before, world = [], protection = { uids: NOW }, parts = {}, username = OWNER }: Given = {},
): Promise<{
  annotations: Record<string, unknown>;
  replicas: unknown;
  warnings: string;
  denied: string | undefined;
  asked: number;
}> {
  let asked = 0;
  const gate = gateOver(before === undefined ? world : [...world, before], {
    mayCreateRollouts: (user) => Promise.resolve(user.username === OWNER),
    protection: () => {
      asked++;
      return Promise.resolve(protection);
    },
    ...parts,
  });
  const { response } = await gate.mutate(requestFor(after, before, { username }), NO_LIMITS);
  const patch = JSON.parse(Buffer.from(response.patch ?? 'W10=', 'base64').toString()) as Operation[];
  const stored = jsonpatch.applyPatch(after, patch, true, false).newDocument;
  const validated = (await validate(gate, requestFor(stored, before, { username }))).response;
  const annotations = Object.entries(asObject(stored.metadata['annotations'])).map(
    ([key, value]) => [key.slice('rollgate.io/'.length), value] as const,
  );
  return {
    annotations: Object.fromEntries(annotations),
    replicas: dig(stored, 'spec', 'replicas'),
    warnings: [...(response.warnings ?? []), ...(validated.warnings ?? [])].join('\n'),
    denied: validated.status?.message,
    asked,
  };
}

const ACCEPTED = { convert: 'canary', replicas: '3', 'conversion-policy': NOW };
const OUTDATED = { convert: 'canary', replicas: '3', 'conversion-policy': BEFORE };
const UNMARKED = { convert: 'canary', replicas: '3' };
const WAITING = { ...OUTDATED, 'convert-suspended': 'not-proven: x' };

describe('a Deployment that is accepted for conversion', () => {
  it('notes the policy that protects its annotations, whatever was submitted', async () => {
    for (const submitted of [{ convert: 'canary' }, UNMARKED, OUTDATED, ACCEPTED, WAITING])
      expect(await write(web(submitted, 3))).toMatchObject({ annotations: ACCEPTED, replicas: 0, denied: undefined });
    expect(await write(web({ convert: 'canary' }, 3), { before: web({}, 3) })).toMatchObject({
      annotations: ACCEPTED,
      replicas: 3,
    });
  });

  it('notes nothing where nothing has to protect them', async () => {
    const gate = { protection: undefined } as unknown as Partial<GateParts>;
    expect((await write(web({ convert: 'canary' }, 3), { parts: gate })).annotations).toEqual(UNMARKED);
    const before = web(UNMARKED, 0);
    const edited = await write(web(UNMARKED, 0, 'web:2'), { before, parts: gate, username: 'dev' });
    expect(edited).toMatchObject({ annotations: UNMARKED, warnings: expect.not.stringContaining('may not') as string });
  });

  it('stays a Deployment with its pods while nothing protects them, with the reason', async () => {
    const protection = { why: 'ValidatingAdmissionPolicy "x" does not exist: install the chart again' };
    const said = await write(web({ convert: 'canary' }, 3), { protection });
    expect(said).toMatchObject({ annotations: { convert: 'canary' }, replicas: 3, denied: undefined });
    expect(said.warnings).toContain(`not converted (profile canary): ${protection.why}`);
    // One that was accepted before is not touched.
    const before = web(ACCEPTED, 0);
    expect(await write(web(ACCEPTED, 0, 'web:2'), { before, protection })).toMatchObject({
      annotations: ACCEPTED,
      replicas: 0,
    });
  });

  it('keeps what was noted when it is edited, replaced, undone or applied again, by anybody', async () => {
    const before = web(ACCEPTED, 0);
    for (const [submitted, replicas] of [
      [{ convert: 'canary' }, 3],
      [ACCEPTED, 0],
      [OUTDATED, 0],
      [UNMARKED, 3],
    ] as const)
      for (const username of [OWNER, 'dev'])
        expect(await write(web(submitted, replicas, 'web:2'), { before, username })).toMatchObject({
          annotations: ACCEPTED,
          replicas: 0,
          denied: undefined,
        });
  });

  it('is not asked about once it has its Rollout', async () => {
    const recorded = { ...OUTDATED, 'rollout-uid': 'r-1' };
    const given = { before: web(recorded, 0), world: [ROLLOUT], username: 'dev' };
    const said = await write(web(recorded, 0, 'web:2'), given);
    expect(said).toMatchObject({ annotations: recorded, replicas: 0, asked: 0 });
    expect(said.warnings).not.toContain('may not');
  });
});

describe('a Deployment whose annotations prove nothing', () => {
  it.each([
    ['from before the policy', UNMARKED, 3],
    ['of another policy', OUTDATED, 3],
    ['that waits', WAITING, 3],
    ['at 0', UNMARKED, 0],
  ])('is accepted again by any write of a user who may create Rollouts: %s', async (_, stored, replicas) => {
    const before = web(stored, replicas);
    // As `kubectl annotate --overwrite` with the same value: the write changes nothing.
    expect(await write(web(stored, replicas), { before })).toMatchObject({ annotations: ACCEPTED, replicas });
    expect((await write(web({ convert: 'canary' }, 3, 'web:2'), { before })).annotations).toEqual(ACCEPTED);
    // An old export.
    const exported = await write(web({ ...UNMARKED, 'conversion-policy': 'p-0/b-0' }, 0), { before });
    expect(exported.annotations).toEqual(ACCEPTED);
  });

  it('can be edited and taken back by a user who may not, and proves nothing by that', async () => {
    const before = web(WAITING, 3);
    const given = { before, username: 'dev' };
    const edited = await write(web(WAITING, 3, 'web:2'), given);
    expect(edited).toMatchObject({ annotations: WAITING, replicas: 3, denied: undefined });
    expect(edited.warnings).toContain('"dev" may not create rollouts.argoproj.io in namespace "shop"');
    expect(await write(web(WAITING, 5), given)).toMatchObject({ replicas: 5, denied: undefined });
    // A copied or an old note is not stored.
    for (const note of [NOW, 'p-0/b-0'])
      expect(await write(web({ ...WAITING, 'conversion-policy': note }, 3), given)).toMatchObject({
        annotations: WAITING,
        denied: undefined,
      });
    const { convert: _, ...rest } = WAITING;
    expect(await write(web(rest, 3), given)).toMatchObject({ annotations: rest, replicas: 3, denied: undefined });
    expect(await write(web({ ...WAITING, convert: 'off' }, 3), given)).toMatchObject({
      replicas: 3,
      denied: undefined,
    });
  });

  it('continues if it has a Rollout that was made of it, even before that is recorded', async () => {
    const given = { before: web(UNMARKED, 0), world: [ROLLOUT], username: 'dev' };
    const said = await write(web(UNMARKED, 0, 'web:2'), given);
    expect(said).toMatchObject({ annotations: UNMARKED, replicas: 0, denied: undefined });
    expect(said.warnings).not.toContain('may not');
  });
});

describe('a copied note on a Deployment that does not take part in conversion', () => {
  it('is removed', async () => {
    const given = { username: 'dev' };
    expect((await write(web({ 'conversion-policy': NOW, replicas: '3' }, 3), given)).annotations).toEqual({});
    const before = web({}, 3);
    expect((await write(web({ 'conversion-policy': NOW }, 3), { before, ...given })).annotations).toEqual({});
  });
});
