import { describe, expect, it } from 'vitest';
import type { GateAnswer } from '../../src/admission/gate.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { gateOver, NO_LIMITS, objectsOf, requestFor, validate } from '../support/gate.ts';
import { badRoute, goodRoute, midUpdate, one, rollout, ROLLOUT, services } from '../support/reviews-shop.ts';

const ARGO_CD = 'argocd-controller';
const FLUX = 'kustomize-controller';
const before: KubeObject = { ...rollout, spec: {} };
const tooMuch = one(ROLLOUT.replace('setWeight: 10', 'setWeight: 120'));

interface Write {
  readonly world: readonly KubeObject[];
  readonly after: KubeObject | undefined;
  readonly before: KubeObject | undefined;
  readonly policy?: Partial<Policy>;
}

function answerTo(
  { world, after, before: old, policy }: Write,
  fieldManager: string,
  dryRun: boolean,
): Promise<GateAnswer> {
  return validate(gateOver(world, { policyChange: policy ?? {} }), requestFor(after, old, { fieldManager, dryRun }));
}

const SITUATIONS = {
  'a settled Rollout names a route that is not there': { world: [...services, badRoute], after: rollout, before },
  'the same in the middle of an update': {
    world: [...services, badRoute],
    after: midUpdate,
    before: { ...before, status: midUpdate['status'] },
  },
  'the same, created': { world: [...services, badRoute], after: rollout, before: undefined },
  'the same, where the policy denies cross-object updates': {
    world: [...services, badRoute],
    after: rollout,
    before,
    policy: { crossObjectUpdates: 'deny' },
  },
  'the VirtualService loses the route in the middle of an update': {
    world: [...services, midUpdate, goodRoute],
    after: badRoute,
    before: goodRoute,
  },
  'a settled Rollout takes the Services and the route of another one': {
    world: [...services, goodRoute, midUpdate],
    after: one(ROLLOUT.replace('metadata: { name: reviews,', 'metadata: { name: copy,')),
    before: { ...before, metadata: { name: 'copy', namespace: 'shop' } },
  },
  'a step is wrong by itself': { world: [...services, goodRoute], after: tooMuch, before: rollout },
  'a Service is deleted that the policy protects': {
    world: [...services, rollout, goodRoute],
    after: undefined,
    before: services[0],
    policy: { onDelete: 'deny' },
  },
} as const satisfies Record<string, Write>;

// By situation: kubectl, then the dry runs and the writes of Argo CD and of Flux.
const TABLE: Readonly<Record<keyof typeof SITUATIONS, string>> = {
  'a settled Rollout names a route that is not there': 'deny, warn deny, warn warn',
  'the same in the middle of an update': 'deny, warn deny, warn deny',
  'the same, created': 'deny, warn deny, warn deny',
  'the same, where the policy denies cross-object updates': 'deny, warn deny, warn deny',
  'the VirtualService loses the route in the middle of an update': 'deny, warn deny, warn deny',
  // No object that comes next makes it right, and the other Rollout would pay.
  'a settled Rollout takes the Services and the route of another one': 'deny, warn deny, warn deny',
  'a step is wrong by itself': 'deny, warn deny, deny deny',
  'a Service is deleted that the policy protects': 'deny, warn deny, warn deny',
};

describe('a reconciler', () => {
  it.each(Object.entries(TABLE))('%s: %s', async (name, expected) => {
    const write: Write = SITUATIONS[name as keyof typeof SITUATIONS];
    const verdict = async (manager: string, dryRun: boolean): Promise<string> =>
      (await answerTo(write, manager, dryRun)).record.verdict;
    const of = async (manager: string): Promise<string> =>
      `${await verdict(manager, true)} ${await verdict(manager, false)}`;
    expect(await verdict('kubectl', true)).toBe(await verdict('kubectl', false));
    expect(`${await verdict('kubectl', false)}, ${await of(ARGO_CD)}, ${await of(FLUX)}`).toBe(expected);
  });

  it('is anybody who names that field manager, and nobody where the policy takes it back', async () => {
    const write = SITUATIONS['a settled Rollout names a route that is not there'];
    const reconcilers = {
      [FLUX]: { dryRun: 'deny', writes: 'deny' },
      'team-*': { dryRun: 'warn', writes: 'deny' },
    } as const;
    const verdict = async (manager: string, dryRun: boolean): Promise<string> =>
      (await answerTo({ ...write, policy: { reconcilers } }, manager, dryRun)).record.verdict;
    expect([await verdict(FLUX, true), await verdict(FLUX, false)]).toEqual(['deny', 'deny']);
    expect([await verdict('team-a', true), await verdict('team-a', false)]).toEqual(['warn', 'deny']);
    expect(await verdict('a-team-a', true)).toBe('deny');
  });

  it('says the same in its warnings as a denial would', async () => {
    const write = SITUATIONS['a settled Rollout names a route that is not there'];
    const { response } = await answerTo(write, FLUX, false);
    expect(response.warnings).toEqual([
      'Rollout "reviews": VirtualService "reviews" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first [rollgate/virtualservice-route-exists]',
    ]);
  });

  it.each([
    [
      ARGO_CD,
      'a settled Rollout names a route that is not there',
      '(if the same sync changes the VirtualService: give that an earlier sync wave, or set syncPolicy.retry) [rollgate/',
    ],
    [
      ARGO_CD,
      'the same in the middle of an update',
      '(an update of the Rollout is in progress: sync again when it has ended, or set syncPolicy.retry.limit to -1) [rollgate/',
    ],
    [
      FLUX,
      'the same in the middle of an update',
      '(an update of the Rollout is in progress: Flux tries again, and this passes when it has ended) [rollgate/',
    ],
    [
      FLUX,
      'the same, created',
      '(Flux stops here: change the VirtualService in an earlier commit, or in a Kustomization that this one lists in dependsOn) [rollgate/',
    ],
  ] as const)('%s reads what to do: %s', async (manager, name, text) => {
    expect((await answerTo(SITUATIONS[name], manager, false)).response.status?.message).toContain(text);
  });

  it.each([ARGO_CD, FLUX])('%s reads nothing about waves and retries if one object alone is wrong', async (manager) => {
    const message = (await answerTo(SITUATIONS['a step is wrong by itself'], manager, false)).response.status?.message;
    expect(message).toMatch(/120.*\]$/);
    expect(message).not.toMatch(/Argo CD|Flux/);
  });

  it('has a write tolerated only where the write of anybody else would be denied', async () => {
    const tolerated: string[] = [];
    for (const [name, write] of Object.entries(SITUATIONS))
      for (const manager of ['kubectl', ARGO_CD, FLUX])
        for (const dryRun of [true, false]) {
          const given: Write = write;
          const admitted: string[] = [];
          const gate = gateOver(given.world, {
            policyChange: given.policy ?? {},
            tolerated: (_, findings) => void admitted.push(...findings.map(({ rule }) => rule)),
          });
          await validate(gate, requestFor(given.after, given.before, { fieldManager: manager, dryRun }));
          if (admitted.length > 0) tolerated.push(`${name}: ${manager} ${String(dryRun)}: ${admitted.join()}`);
        }
    expect(tolerated).toEqual([
      `a settled Rollout names a route that is not there: ${FLUX} false: virtualservice-route-exists`,
    ]);
  });

  it('that converts a Deployment gets no Rollout that cannot work', async () => {
    const deployment = (label: string): KubeObject | undefined =>
      objectsOf(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews, namespace: shop, annotations: { rollgate.io/convert: canary } }
spec:
  replicas: 2
  selector: { matchLabels: { app: reviews } }
  template: { metadata: { labels: { app: ${label} } }, spec: { containers: [{ name: a, image: "a:1" }] } }
`)[0];
    for (const fieldManager of ['kubectl', ARGO_CD, FLUX]) {
      const patchFor = async (label: string): Promise<string | undefined> => {
        const request = requestFor(deployment(label), undefined, { fieldManager, dryRun: true });
        return (await gateOver([]).mutate(request, NO_LIMITS)).response.patch;
      };
      expect(await patchFor('reviews')).toBeDefined();
      expect(await patchFor('other')).toBeUndefined();
    }
  });
});
