import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { asObject, type JsonObject } from '../../src/world/read.ts';
import { LAST_APPLIED } from '../../src/world/writers.ts';
import { CONVERTED, PROFILES, gate, rolloutOf, say, web } from '../support/migration-gate.ts';

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
      'Deployment "web": becomes a plain Deployment again: Rollout "web" is deleted once the pods of the Deployment serve traffic; to keep the Rollout, set rollgate.io/convert: "canary" again',
    );
    const off = await say(converted, web({ replicas: 5, annotations: { convert: 'off' } }), before);
    expect(off.warnings).toContain('is deleted once the pods of the Deployment serve traffic [');
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
