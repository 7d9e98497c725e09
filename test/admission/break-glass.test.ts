import { describe, expect, it } from 'vitest';
import type { GateParts } from '../../src/admission/gate.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { gateOver, NO_LIMITS, objectsOf, requestFor, validate } from '../support/gate.ts';

// The clock of these tests is 2026-01-01T00:00:00Z.
const BREAK_GLASS = 'rollgate.io/break-glass';
const VALID = '2026-01-01T01:00:00Z INC-1 controller is down';
const IN_FORCE =
  'VirtualService "reviews": break-glass is in force until 2026-01-01T01:00:00Z for INC-1 controller is down [rollgate/break-glass]';
const NO_RIGHT =
  'VirtualService "reviews": break-glass is not in force: "dev@example.com" has no right to break-glass on overrides.rollgate.io in namespace "shop" [rollgate/break-glass]';

const [stable, canary, rollout, good] = objectsOf(`
apiVersion: v1
kind: Service
metadata: { name: stable, namespace: shop }
spec: { selector: { app: reviews, rollouts-pod-template-hash: a }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: canary, namespace: shop }
spec: { selector: { app: reviews, rollouts-pod-template-hash: b }, ports: [{ port: 80 }] }
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: reviews, namespace: shop }
spec:
  replicas: 1
  selector: { matchLabels: { app: reviews } }
  template:
    metadata: { labels: { app: reviews } }
    spec: { containers: [{ name: reviews, image: reviews }] }
  strategy:
    canary:
      stableService: stable
      canaryService: canary
      trafficRouting: { istio: { virtualService: { name: reviews, routes: [primary] } } }
      steps: [{ setWeight: 10 }, { pause: {} }]
status:
  phase: Paused
  stableRS: a
  currentPodHash: b
  canary: { weights: { canary: { weight: 10 }, stable: { weight: 90 } } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http:
    - name: primary
      route: [{ destination: { host: stable }, weight: 90 }, { destination: { host: canary }, weight: 10 }]
`) as [KubeObject, KubeObject, KubeObject, KubeObject];
const WORLD = [stable, canary, rollout, good];

function annotated(object: KubeObject, value: string | undefined): KubeObject {
  const annotations = value === undefined ? {} : { [BREAK_GLASS]: value };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function withRouteName(name: string): KubeObject {
  const route = (good['spec'] as { http: readonly object[] }).http[0];
  return { ...good, spec: { ...(good['spec'] as object), http: [{ ...route, name }] } };
}

function withWeights(stableWeight: number): KubeObject {
  const route = [
    { destination: { host: 'stable' }, weight: stableWeight },
    { destination: { host: 'canary' }, weight: 100 - stableWeight },
  ];
  return { ...good, spec: { hosts: ['reviews'], http: [{ name: 'primary', route }] } };
}

const bad = withRouteName('renamed');

interface Asked {
  readonly questions: string[];
  readonly parts: Pick<GateParts, 'mayBreakGlass'>;
}

function asking(answer: boolean | undefined): Asked {
  const questions: string[] = [];
  return {
    questions,
    parts: {
      mayBreakGlass(user, namespace) {
        questions.push(`${user.username} in ${namespace}`);
        return Promise.resolve(answer);
      },
    },
  };
}

function about(warnings: readonly string[] | undefined): readonly string[] {
  return (warnings ?? []).filter((warning) => warning.includes('break-glass'));
}

describe('break-glass that is new or changed', () => {
  it('says until when it is in force, and for what', async () => {
    const { parts } = asking(true);
    for (const [after, before] of [
      [annotated(bad, VALID), good],
      [annotated(good, VALID), good],
      [annotated(good, VALID), undefined],
      [annotated(good, VALID), annotated(good, '2026-01-01T00:30:00Z INC-0')],
    ] as const) {
      const { response } = await validate(gateOver(WORLD, parts), requestFor(after, before));
      expect(response.allowed).toBe(true);
      expect(about(response.warnings)).toEqual([IN_FORCE]);
    }
  });

  it('says so in audit mode too, and for an object that nothing refers to', async () => {
    const { parts } = asking(true);
    const audit = gateOver(WORLD, { ...parts, policyChange: { mode: 'audit' } });
    expect(about((await validate(audit, requestFor(annotated(bad, VALID), good))).response.warnings)).toEqual([
      IN_FORCE,
    ]);
    const alone = gateOver([], parts);
    expect(about((await validate(alone, requestFor(annotated(good, VALID), undefined))).response.warnings)).toEqual([
      IN_FORCE,
    ]);
  });

  it.each([
    ['without the right', VALID, false, NO_RIGHT],
    [
      'when the API server does not answer',
      VALID,
      undefined,
      'VirtualService "reviews": break-glass is not in force: the API server could not be asked whether "dev@example.com" may break-glass on overrides.rollgate.io [rollgate/break-glass]',
    ],
  ])('says that it is not in force %s, with a denial and without', async (_, value, answer, expected) => {
    const { parts } = asking(answer);
    const denied = await validate(gateOver(WORLD, parts), requestFor(annotated(bad, value), good));
    expect(denied.response.allowed).toBe(false);
    expect(about(denied.response.warnings)).toEqual([expected]);
    const harmless = await validate(gateOver(WORLD, parts), requestFor(annotated(good, value), good));
    expect(harmless.response.allowed).toBe(true);
    expect(about(harmless.response.warnings)).toEqual([expected]);
  });

  it.each([
    ['2025-12-31T23:59:59Z INC-1', 'it expired at 2025-12-31T23:59:59Z'],
    ['2026-01-01T01:00:00Z', 'its value is malformed: use "<RFC 3339 expiry> <reason>"'],
    ['true', 'its value is malformed: use "<RFC 3339 expiry> <reason>"'],
    ['', 'its value is malformed: use "<RFC 3339 expiry> <reason>"'],
    ['2026-01-01 01:00 INC-1', 'its value is malformed: use "<RFC 3339 expiry> <reason>"'],
    ['2026-13-01T01:00:00Z INC-1', 'its value is malformed: use "<RFC 3339 expiry> <reason>"'],
    [
      '2026-04-01T00:00:00Z INC-1',
      'it ends later than 24h from now (breakGlass.maxDuration): use 2026-01-02T00:00:00Z or earlier',
    ],
  ])('asks nobody about %j, and says why it is not in force', async (value, why) => {
    const { parts, questions } = asking(true);
    const expected = `VirtualService "reviews": break-glass is not in force: ${why} [rollgate/break-glass]`;
    const denied = await validate(gateOver(WORLD, parts), requestFor(annotated(bad, value), good));
    expect(denied.response.allowed).toBe(false);
    expect(about(denied.response.warnings)).toEqual([expected]);
    // An old annotation that means nothing is told with every write, until somebody removes it.
    const again = await validate(
      gateOver(WORLD, parts),
      requestFor(annotated(withWeights(80), value), annotated(good, value)),
    );
    expect(about(again.response.warnings)).toEqual([expected]);
    const mutated = await gateOver(WORLD, parts).mutate(
      requestFor(annotated(withWeights(50), value), annotated(good, value)),
      NO_LIMITS,
    );
    expect(mutated.record.kept).toEqual(['virtualservice-weights']);
    expect(about(mutated.response.warnings)).toEqual([]);
    expect(questions).toEqual([]);
  });

  it('may last as long as the policy says, and no longer', async () => {
    const { parts } = asking(true);
    const gate = gateOver(WORLD, { ...parts, policyChange: { breakGlass: { maxDuration: '30m' } } });
    const most = await validate(gate, requestFor(annotated(bad, '2026-01-01T00:30:00Z INC-1'), good));
    expect(most.response.allowed).toBe(true);
    const more = await validate(gate, requestFor(annotated(bad, '2026-01-01T00:30:01Z INC-1'), good));
    expect(more.response.allowed).toBe(false);
    expect(about(more.response.warnings)).toEqual([
      expect.stringContaining('30m from now (breakGlass.maxDuration): use 2026-01-01T00:30:00Z or earlier'),
    ]);
  });
});

describe('break-glass that was there before', () => {
  it('costs no question where nothing is denied and nothing would be kept', async () => {
    const { parts, questions } = asking(true);
    const request = requestFor(annotated(withRouteName('primary'), VALID), annotated(good, VALID));
    expect(about((await validate(gateOver(WORLD, parts), request)).response.warnings)).toEqual([]);
    expect(about((await gateOver(WORLD, parts).mutate(request, NO_LIMITS)).response.warnings)).toEqual([]);
    expect(questions).toEqual([]);
  });

  it.each([
    [true, IN_FORCE],
    [false, NO_RIGHT],
  ])('is told where it decides about a denial (%s)', async (answer, expected) => {
    const { parts, questions } = asking(answer);
    const { response } = await validate(
      gateOver(WORLD, parts),
      requestFor(annotated(bad, VALID), annotated(good, VALID)),
    );
    expect(response.allowed).toBe(answer);
    expect(about(response.warnings)).toEqual([expected]);
    expect(questions).toHaveLength(1);
  });

  it.each([
    [true, IN_FORCE, []],
    [false, NO_RIGHT, ['virtualservice-weights']],
  ])('is told by the mutating side where it decides about a keep (%s)', async (answer, expected, kept) => {
    const { parts } = asking(answer);
    const request = requestFor(annotated(withWeights(50), VALID), annotated(good, VALID));
    const mutated = await gateOver(WORLD, parts).mutate(request, NO_LIMITS);
    expect(mutated.record.kept).toEqual(kept);
    expect(about(mutated.response.warnings)).toEqual([expected]);
  });

  it('is left to the validating side where the annotation is new', async () => {
    const { parts } = asking(false);
    const request = requestFor(annotated(withWeights(50), VALID), good);
    expect(about((await gateOver(WORLD, parts).mutate(request, NO_LIMITS)).response.warnings)).toEqual([]);
    expect(about((await validate(gateOver(WORLD, parts), request)).response.warnings)).toEqual([NO_RIGHT]);
  });
});

describe('break-glass on a deletion', () => {
  const remove = (value: string): ReturnType<typeof requestFor> => requestFor(undefined, annotated(good, value));

  it('says nothing where the deletion is not denied', async () => {
    const { parts, questions } = asking(false);
    const { response } = await validate(gateOver(WORLD, parts), remove(VALID));
    expect(response.allowed).toBe(true);
    expect(about(response.warnings)).toEqual([]);
    expect(questions).toEqual([]);
  });

  it('says whether it is in force where it is denied', async () => {
    for (const [answer, expected] of [
      [true, IN_FORCE],
      [false, NO_RIGHT],
    ] as const) {
      const gate = gateOver(WORLD, { ...asking(answer).parts, policyChange: { onDelete: 'deny' } });
      const { response } = await validate(gate, remove(VALID));
      expect(response.allowed).toBe(answer);
      expect(about(response.warnings)).toEqual([expected]);
    }
  });
});

it('says nothing about objects without the annotation', async () => {
  const { parts, questions } = asking(true);
  const { response } = await validate(gateOver(WORLD, parts), requestFor(bad, annotated(good, VALID)));
  expect(response.allowed).toBe(false);
  expect(about(response.warnings)).toEqual([]);
  expect(questions).toEqual([]);
});
