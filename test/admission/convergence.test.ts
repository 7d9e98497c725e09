import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Request } from '../../src/admission/review.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { asArray, asObject, asString, dig } from '../../src/world/read.ts';
import { destinationRuleOf, MANAGED_BY } from '../../src/world/rollout.ts';
import { applyLikeFlux } from '../support/flux-client.ts';
import { gateOver, liveOf, NO_LIMITS, objectsOf, requestFor } from '../support/gate.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

function bundle(folder: string): string {
  const files = globSync('*.yaml', { cwd: join(EXAMPLES, folder) }).sort();
  return files.map((file) => readFileSync(join(EXAMPLES, folder, file), 'utf8')).join('\n---\n');
}

/**
 * Commits, each with the state before and after it. Both states are consistent, and both ends of a reference change.
 */
const COMMITS: Readonly<Record<string, readonly [string, string]>> = {
  'a renamed http route': renamed('istio-subset-level/fixed', /\bprimary\b/g, 'main'),
  'a renamed subset': renamed('istio-subset-level/fixed', /version-v2/g, 'canary'),
  'both subsets renamed': renamed('istio-subset-level/fixed', /version-v([12])/g, 'v$1-subset'),
  'a renamed argument': renamed('workloadref-skywalking/scaled-down', /service-name/g, 'service'),
  'the port of both Services and their route': renamed('aks-gateway-api/fixed', /5001/g, '5002'),
  'the port of both Services and their VirtualService': renamed('istio-host-level', /8080/g, '9090'),
  'a renamed label of pods, Services and selector': renamed(
    'istio-host-level',
    /(?<!- )\bname: app07\b(?!-)/g,
    'app: app07',
  ),
  'another VirtualService name': renamed('istio-subset-level/fixed', /virtservice-app07/g, 'app07'),
  'other Service names': renamed('istio-host-level', /app07-(stable|canary)/g, 'web-$1'),
  'a new image': [bundle('plain-canary/as-written'), bundle('plain-canary/next')],
  'a new ConfigMap': [bundle('istio-config-map/first'), bundle('istio-config-map/second')],
  'from host level to subset level': [bundle('istio-host-level'), bundle('istio-subset-level/fixed')],
  'from subset level to host level': [bundle('istio-subset-level/fixed'), bundle('istio-host-level')],
};

function renamed(folder: string, from: RegExp, to: string): readonly [string, string] {
  const before = bundle(folder);
  return [before, before.replaceAll(from, to)];
}

function rolloutOf(text: string): KubeObject {
  const found = objectsOf(text).find(({ kind }) => kind === 'Rollout');
  if (found === undefined) throw new Error('no Rollout');
  return found;
}

/** Applies an object. Returns the denial, or undefined and adds the object to the state, unless it is a dry run. */
async function apply(
  state: Map<string, KubeObject>,
  cached: readonly KubeObject[],
  object: KubeObject,
  client: Pick<Request, 'fieldManager' | 'dryRun'> = { fieldManager: 'kubectl', dryRun: false },
): Promise<string | undefined> {
  const gate = gateOver(cached, { live: liveOf(() => [...state.values()]) });
  const { response } = await gate.validate(requestFor(object, state.get(keyOf(object)), client), NO_LIMITS);
  if (!response.allowed) return response.status?.message;
  if (!client.dryRun) state.set(keyOf(object), object);
  return undefined;
}

/** Deletes the subsets that the Rollout does not name, as its controller does at once (UpdateHash). */
function reconcile(state: Map<string, KubeObject>): void {
  const rollout = [...state.values()].find(({ kind }) => kind === 'Rollout');
  const ref = rollout === undefined ? undefined : destinationRuleOf(rollout);
  if (rollout === undefined || ref === undefined) return;
  for (const [key, object] of state) {
    if (object.kind !== 'DestinationRule' || object.metadata.name !== ref.name) continue;
    const subsets = asArray(dig(object, 'spec', 'subsets')).filter((subset) =>
      [ref.canarySubset, ref.stableSubset].includes(asString(dig(subset, 'name'))),
    );
    const annotations = { ...asObject(object.metadata['annotations']), [MANAGED_BY]: rollout.metadata.name };
    state.set(key, {
      ...object,
      metadata: { ...object.metadata, annotations },
      spec: { ...asObject(object['spec']), subsets },
    });
  }
}

/** Applies objects as Flux does, with the state before it in the cache. Returns the first error. */
function applyByFlux(
  state: Map<string, KubeObject>,
  objects: readonly KubeObject[],
  fieldManager = 'kustomize-controller',
): Promise<string | undefined> {
  const cached = [...state.values()];
  return applyLikeFlux(objects, (object, dryRun) => apply(state, cached, object, { fieldManager, dryRun }));
}

function stateOf(objects: readonly KubeObject[]): Map<string, KubeObject> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}

/** Returns objects with their Rollouts in the middle of an update, or with it ended. */
function updating(objects: readonly KubeObject[], inProgress: boolean): KubeObject[] {
  const status = { currentPodHash: inProgress ? 'new' : 'old', stableRS: 'old' };
  return objects.map((object) => (object.kind === 'Rollout' ? { ...object, status } : object));
}

describe('one commit that changes both sides', () => {
  for (const [name, [before, after]] of Object.entries(COMMITS)) {
    it(`is admitted within two applies in any order: ${name}`, async () => {
      const old = objectsOf(before);
      const next = objectsOf(after);
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray(next, { minLength: next.length }), async (order) => {
          const state = new Map(old.map((object) => [keyOf(object), object]));
          for (const object of order) await apply(state, [...state.values()], object);
          for (const object of order) expect(await apply(state, [...state.values()], object)).toBeUndefined();
        }),
        { numRuns: 60 },
      );
    });

    it(`is admitted within two applies in any order with the controller in between: ${name}`, async () => {
      const next = objectsOf(after);
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray(next, { minLength: next.length }), async (order) => {
          const state = new Map(objectsOf(before).map((object) => [keyOf(object), object]));
          for (const pass of [1, 2])
            for (const object of order) {
              const denial = await apply(state, [...state.values()], object);
              if (pass === 2) expect(denial).toBeUndefined();
              reconcile(state);
            }
        }),
        { numRuns: 60 },
      );
    });

    it(`is admitted within two applies while the cache only has the state before the commit: ${name}`, async () => {
      const old = objectsOf(before);
      const next = objectsOf(after);
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray(next, { minLength: next.length }), async (order) => {
          const state = new Map(old.map((object) => [keyOf(object), object]));
          for (const object of order) await apply(state, old, object);
          for (const object of order) expect(await apply(state, old, object)).toBeUndefined();
        }),
        { numRuns: 60 },
      );
    });
  }

  it('is admitted at the first apply on an empty cluster, in any order', async () => {
    for (const [, [before]] of Object.entries(COMMITS)) {
      const objects = objectsOf(before);
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray(objects, { minLength: objects.length }), async (order) => {
          const state = new Map<string, KubeObject>();
          for (const object of order) expect(await apply(state, [...state.values()], object)).toBeUndefined();
        }),
        { numRuns: 30 },
      );
    }
  });
});

describe('a DestinationRule that the controller has written to', () => {
  it('may not lose the canary subset in the middle of an update', async () => {
    const [before] = COMMITS['a renamed subset'] ?? [''];
    const state = stateOf(updating(objectsOf(before), true));
    reconcile(state);
    const rule = [...state.values()].find(({ kind }) => kind === 'DestinationRule') as KubeObject;
    const subsets = asArray(dig(rule, 'spec', 'subsets')).filter((subset) => dig(subset, 'name') !== 'version-v2');
    const without = { ...rule, spec: { ...asObject(rule['spec']), subsets } };
    expect(await apply(state, [...state.values()], without)).toContain('has no subset "version-v2"');
  });
});

describe('a client that stops at the first error and writes Rollouts before their routes', () => {
  for (const [name, [before, after]] of Object.entries(COMMITS)) {
    it(`brings the commit at its first apply: ${name}`, async () => {
      const state = stateOf(objectsOf(before));
      expect(await applyByFlux(state, objectsOf(after))).toBeUndefined();
      for (const object of objectsOf(after)) expect(state.get(keyOf(object))).toEqual(object);
      expect(await applyByFlux(state, objectsOf(after))).toBeUndefined();
    });

    it(`brings the commit without a person once an update in progress has ended: ${name}`, async () => {
      const state = stateOf(updating(objectsOf(before), true));
      await applyByFlux(state, updating(objectsOf(after), true));
      const ended = stateOf(updating([...state.values()], false));
      expect(await applyByFlux(ended, objectsOf(after))).toBeUndefined();
    });
  }

  it('would be stuck without the settings of its field manager', async () => {
    const [before, after] = COMMITS['a renamed http route'] ?? ['', ''];
    const state = stateOf(objectsOf(before));
    for (let retry = 0; retry < 3; retry++)
      expect(await applyByFlux(state, objectsOf(after), 'some-controller')).toContain('has no http route');
    expect([...state.values()]).toEqual(objectsOf(before));
  });

  it('is denied what contradicts a Rollout in the middle of an update, and nothing is half applied by its dry run', async () => {
    const [before, after] = COMMITS['a renamed http route'] ?? ['', ''];
    const state = stateOf(updating(objectsOf(before), true));
    const error = await applyByFlux(state, updating(objectsOf(after), true));
    expect(error).toContain('an update of the Rollout is in progress: Flux tries again');
    expect(state.get(keyOf(rolloutOf(after)))).not.toEqual(rolloutOf(after));
  });

  it('applies nothing of a commit with a mistake in one object alone', async () => {
    const [before, after] = COMMITS['a renamed http route'] ?? ['', ''];
    const state = stateOf(objectsOf(before));
    const error = await applyByFlux(state, objectsOf(after.replace(/setWeight: \d+/, 'setWeight: 120')));
    expect(error).toContain('120');
    expect([...state.values()]).toEqual(objectsOf(before));
  });
});

describe('an update without changes', () => {
  it('introduces no problem, whatever was wrong before', async () => {
    const folders = [
      ...new Set(globSync('**/*.yaml', { cwd: EXAMPLES }).map((path) => path.split('/').slice(0, -1).join('/'))),
    ].filter((folder) => !['', 'controller', 'conversion'].includes(folder));
    expect(folders.length).toBeGreaterThan(8);
    for (const folder of folders) {
      const objects = [...new Map(objectsOf(bundle(folder)).map((object) => [keyOf(object), object])).values()];
      for (const object of objects) {
        const labelled: KubeObject = {
          ...object,
          metadata: { ...object.metadata, labels: { ...(object.metadata['labels'] as object | undefined), team: 'a' } },
        };
        const { response, record } = await gateOver(objects).validate(requestFor(labelled, object), NO_LIMITS);
        expect({ allowed: response.allowed, warnings: response.warnings }, `${folder}: ${keyOf(object)}`).toEqual({
          allowed: true,
          warnings: undefined,
        });
        expect(record.findings).toEqual([]);
      }
    }
  });
});
