import { globSync } from 'node:fs';
import { join } from 'node:path';
import jsonpatch, { type Operation } from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import type { GateParts } from '../../src/admission/gate.ts';
import type { Request } from '../../src/admission/review.ts';
import { kindOf, keyOf, type KubeObject } from '../../src/world/object.ts';
import { dig } from '../../src/world/read.ts';
import { storeOf } from '../../src/world/store.ts';
import { controllerWrites, inUpdate } from '../support/controller-writes.ts';
import { CONTROLLER, gateOver, NO_LIMITS, objectsIn, objectsOf, requestFor, validate } from '../support/gate.ts';

const LOOK_ALIKE = 'system:serviceaccount:tenant:argo-rollouts';
const ROOT = join(import.meta.dirname, '..', '..');

const OBJECTS = objectsOf(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: reviews, namespace: shop }
spec:
  selector: { matchLabels: { app: reviews } }
  template:
    metadata: { labels: { app: reviews } }
    spec: { containers: [{ name: reviews, image: "reviews:1", ports: [{ name: http, containerPort: 8080 }] }] }
  strategy:
    canary:
      stableService: reviews
      canaryService: reviews-canary
      trafficRouting: { plugins: { argoproj-labs/gatewayAPI: { httpRoute: reviews } } }
      steps: [{ setWeight: 20 }, { pause: {} }]
---
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 80, targetPort: http }] }
---
apiVersion: v1
kind: Service
metadata: { name: reviews-canary, namespace: shop }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 80, targetPort: http }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: reviews, namespace: shop }
spec:
  parentRefs: [{ name: gateway }]
  rules: [{ backendRefs: [{ name: reviews, port: 80, weight: 100 }, { name: reviews-canary, port: 80, weight: 0 }] }]
`);
const [rollout, service, , route] = OBJECTS as [KubeObject, KubeObject, KubeObject, KubeObject];
const world = (): KubeObject[] => [inUpdate(rollout), ...OBJECTS.slice(1)];

function weighed(canary: number, more: object = {}): KubeObject {
  const spec = structuredClone(route['spec']) as { rules: [{ backendRefs: [{ weight: number }, { weight: number }] }] };
  spec.rules[0].backendRefs[0].weight = 100 - canary;
  spec.rules[0].backendRefs[1].weight = canary;
  return { ...route, metadata: { ...route.metadata, ...more }, spec };
}

/** The situations in which an account only looks like that of a controller. */
const untrusted = (trusted: readonly string[] = [CONTROLLER]): Partial<GateParts> => ({
  discovered: () => trusted,
  untrusted: () => [LOOK_ALIKE],
});

describe.each([
  ['with a trusted controller', untrusted()],
  ['with no other controller', untrusted([])],
])('an account that only looks like a controller, %s', (_, parts) => {
  it('has nothing kept against it, while keeps are on for users', async () => {
    const gate = gateOver(world(), parts);
    const moved = requestFor(weighed(40), weighed(20), { username: LOOK_ALIKE });
    const answer = await gate.mutate(moved, NO_LIMITS);
    expect(answer.response).toEqual({ uid: moved.uid, allowed: true });
    expect(answer.record).toMatchObject({ verdict: 'allow', kept: [] });
    const again = await gate.mutate(requestFor(weighed(0), weighed(20)), NO_LIMITS);
    expect(again.record.kept).toEqual(['route-weights']);
  });

  it('is checked by the rules like a user', async () => {
    const invalid: KubeObject = {
      ...rollout,
      spec: { ...(rollout['spec'] as object), strategy: { canary: {}, blueGreen: {} } },
    };
    const wrong: KubeObject = { ...service, spec: { ...(service['spec'] as object), selector: { app: 'other' } } };
    const gate = gateOver(world(), parts);
    for (const username of [LOOK_ALIKE, 'dev@example.com']) {
      expect((await validate(gate, requestFor(invalid, rollout, { username }))).record.verdict).toBe('deny');
      expect((await validate(gate, requestFor(wrong, service, { username }))).record.verdict).toBe('deny');
    }
    expect((await validate(gate, requestFor(invalid, rollout, { username: CONTROLLER }))).record.verdict).toBe(
      (parts.discovered?.() ?? []).includes(CONTROLLER) ? 'exempt' : 'deny',
    );
  });
});

const deployment = (replicas: number, annotations: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', annotations },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
  },
});

async function stored(parts: Partial<GateParts>, after: KubeObject, before?: KubeObject): Promise<KubeObject> {
  const { response } = await gateOver([], parts).mutate(requestFor(after, before, { username: LOOK_ALIKE }), NO_LIMITS);
  const patch = JSON.parse(Buffer.from(response.patch ?? 'W10=', 'base64').toString()) as Operation[];
  return jsonpatch.applyPatch(after, patch, true, false).newDocument;
}

describe('for conversion, an account that only looks like a controller', () => {
  it('is no controller that would run the Rollout', async () => {
    const asks = deployment(3, { 'rollgate.io/convert': 'canary' });
    const { response } = await gateOver([], untrusted([])).mutate(requestFor(asks, undefined), NO_LIMITS);
    expect(response.warnings?.join()).toContain('no Argo Rollouts controller is known');
    const trusted = await gateOver([], untrusted()).mutate(requestFor(asks, undefined), NO_LIMITS);
    expect(trusted.response.patch).toBeDefined();
  });

  it('cannot write what only Rollgate writes', async () => {
    const forged = { 'rollgate.io/replicas': '3', 'rollgate.io/rollout-uid': 'r-1' };
    const after = await stored(untrusted(), deployment(3, forged));
    expect(after.metadata['annotations'] ?? {}).toEqual({});
    const before = deployment(3, {});
    const updated = await stored(untrusted(), deployment(3, forged), before);
    expect(updated.metadata['annotations'] ?? {}).toEqual({});
  });

  it('may set the count of a converted Deployment, as the controller does, without asking for as many pods', async () => {
    const converted = { 'rollgate.io/convert': 'canary', 'rollgate.io/replicas': '5' };
    const down = await stored(untrusted([]), deployment(0, converted), deployment(5, converted));
    expect(down).toEqual(deployment(0, converted));
    const more = { ...converted, 'rollgate.io/rollout-uid': 'forged' };
    const other = await stored(untrusted([]), deployment(0, more), deployment(5, converted));
    expect(dig(other.metadata['annotations'], 'rollgate.io/rollout-uid')).toBeUndefined();
  });
});

describe('a router plugin under an account that is not known', () => {
  const unknown = 'system:serviceaccount:delivery:argo-rollouts';
  const managedFields = (...managers: readonly string[]): object => ({
    managedFields: managers.map((manager, index) => ({
      manager,
      operation: 'Update',
      time: `2026-01-01T00:00:0${index}Z`,
    })),
  });
  const ask = (manager: string, more: Partial<Request> = {}) =>
    gateOver(world()).mutate(
      requestFor(weighed(40, managedFields('kubectl', manager)), weighed(20, managedFields('kubectl')), {
        username: unknown,
        ...more,
      }),
      NO_LIMITS,
    );

  it('is recognized by its name as a field manager, and nothing is kept', async () => {
    const { response, record } = await ask('gatewayAPI');
    expect(response.patch).toBeUndefined();
    expect(record.tripwire).toContain('writes as gatewayAPI, a router plugin of Rollout');
  });

  it.each([
    'argoproj-labs',
    'argoproj-labs/gatewayAPI',
    'kubectl-client-side-apply',
    'argocd-controller',
    'otherPlugin',
  ])('and %s is not', async (manager) => {
    const { record } = await ask(manager);
    expect(record.tripwire).toBeUndefined();
    expect(record.kept).toEqual(['route-weights']);
  });

  it('and a user who applies after the plugin is not', async () => {
    const { record } = await gateOver(world()).mutate(
      requestFor(weighed(0, managedFields('gatewayAPI', 'kubectl')), weighed(20, managedFields('gatewayAPI')), {
        username: unknown,
      }),
      NO_LIMITS,
    );
    expect(record.kept).toEqual(['route-weights']);
  });
});

// The account of a real controller in a namespace that the policy does not name is checked like any other. A denial of
// its writes would stop a canary.
describe('what a controller writes for a valid Rollout', () => {
  const bundles = [
    ...globSync('src/rules/*/fixtures/*.yaml', { cwd: ROOT }),
    ...globSync('examples/**/*.yaml', { cwd: ROOT }),
  ].sort();

  it('is never denied to an account that is checked by the rules', async () => {
    const denied: string[] = [];
    const kinds = new Map<string, number>();
    for (const file of bundles) {
      let objects: readonly KubeObject[];
      try {
        objects = objectsIn(join(ROOT, file));
      } catch {
        continue;
      }
      for (const candidate of objects.filter((object) => kindOf(object) === 'Rollout.argoproj.io')) {
        const current = inUpdate(candidate);
        const others = objects.filter((object) => keyOf(object) !== keyOf(candidate));
        const gate = gateOver([...others, current], untrusted());
        const valid = await validate(gateOver(others), requestFor(candidate, undefined));
        if (valid.record.verdict === 'deny') continue;
        for (const { what, before, after } of controllerWrites(current, storeOf([...others, current]))) {
          const request = requestFor(after, before, { username: LOOK_ALIKE });
          const { record, response } = await validate(gate, request);
          if (record.verdict === 'deny') denied.push(`${file}: ${what}: ${response.status?.message ?? ''}`);
          expect((await gate.mutate(request, NO_LIMITS)).response.patch, `${file}: ${what}`).toBeUndefined();
          kinds.set(after.kind, (kinds.get(after.kind) ?? 0) + 1);
        }
      }
    }
    expect(denied).toEqual([]);
    // Otherwise the bundles would prove nothing.
    for (const kind of [
      'Rollout',
      'Service',
      'VirtualService',
      'DestinationRule',
      'HTTPRoute',
      'Deployment',
      'Experiment',
    ])
      expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(1);
  });
});
