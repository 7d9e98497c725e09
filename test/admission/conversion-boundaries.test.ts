import { describe, expect, it } from 'vitest';
import { dryRun, prepareDryRun } from '../../src/admission/dryrun.ts';
import type { Profile } from '../../src/migration/profiles.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import type { JsonObject } from '../../src/world/read.ts';
import { storeOf } from '../../src/world/store.ts';
import { gateOver, NO_LIMITS, objectsOf, requestFor, validate } from '../support/gate.ts';

function profile(trafficRouting: JsonObject): Profile {
  return {
    rollout: '{name}',
    metadata: { labels: {}, annotations: {} },
    strategy: {
      canary: { stableService: 'stable', canaryService: 'canary', trafficRouting, steps: [{ setWeight: 10 }] },
    },
  };
}

const PROFILES = {
  single: profile({ istio: { virtualService: { name: '{name}' } } }),
  plural: profile({ istio: { virtualServices: [{ name: 'mesh' }, { name: '{name}-routes' }] } }),
  literal: profile({ istio: { virtualService: { name: 'reviews.other' } } }),
  own: profile({ istio: { virtualService: { name: 'reviews.{namespace}' } } }),
  gateway: profile({
    plugins: { 'argoproj-labs/gatewayAPI': { namespace: 'gateways', httpRoute: 'reviews' } },
  }),
  selected: profile({
    plugins: { 'argoproj-labs/gatewayAPI': { namespace: '{name}', httpRouteSelector: { matchLabels: { a: 'b' } } } },
  }),
};

function policyWith(more: Partial<Policy> = {}): Policy {
  return { ...DEFAULT_POLICY, profiles: { ...DEFAULT_POLICY.profiles, ...PROFILES }, ...more };
}

function deployment(name: string, convert: string | undefined): KubeObject {
  const [object] = objectsOf(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: shop, annotations: { ${convert === undefined ? '' : `rollgate.io/convert: ${convert}`} } }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
`);
  return object as KubeObject;
}

interface Outcome {
  readonly denied: string | undefined;
  readonly warnings: string;
  readonly patched: boolean;
}

async function create(object: KubeObject, policy: Policy, world: readonly KubeObject[] = []): Promise<Outcome> {
  const gate = gateOver(world, { policyChange: policy });
  const mutated = await gate.mutate(requestFor(object, undefined), NO_LIMITS);
  const { response } = await validate(gate, requestFor(object, undefined));
  return {
    denied: response.status?.message,
    warnings: [...(mutated.response.warnings ?? []), ...(response.warnings ?? [])].join('\n'),
    patched: mutated.response.patch !== undefined,
  };
}

const DOTTED =
  'profile "single" puts the name "payments.team-b" where Argo Rollouts reads a namespace after the dot (spec.strategy.canary.trafficRouting.istio.virtualService.name): ' +
  'use a name without a dot, or another profile';

describe('the name of a Deployment', () => {
  it('is never read as a namespace, even one that is trusted', async () => {
    const trusting = policyWith({ trustedNamespaces: [{ rollouts: 'shop', objects: 'team-b' }] });
    for (const policy of [policyWith(), trusting]) {
      const said = await create(deployment('payments.team-b', 'single'), policy);
      expect(said.denied).toContain(DOTTED);
      expect(said.patched).toBe(false);
      const plural = await create(deployment('payments.team-b', 'plural'), policy);
      expect(plural.denied).toContain('profile "plural" puts the name "payments.team-b"');
      expect(plural.denied).toContain('virtualServices[1].name');
    }
  });

  it('is not converted in audit mode either', async () => {
    const said = await create(deployment('payments.team-b', 'single'), policyWith({ mode: 'audit' }));
    expect(said).toMatchObject({ denied: undefined, patched: false });
    expect(said.warnings).toContain('puts the name "payments.team-b"');
  });

  it('may have dots where nothing splits at them', async () => {
    for (const name of ['canary', 'own'])
      expect(await create(deployment('payments.team-b', name), policyWith())).toMatchObject({
        denied: undefined,
        patched: true,
      });
  });

  it('is refused by the dry run as well', () => {
    const input = {
      text: JSON.stringify(deployment('payments.team-b', 'single')),
      namespace: undefined,
      requireReferences: false,
      policy: policyWith(),
      candidate: undefined,
    };
    const { verdict, rollouts } = dryRun(prepareDryRun(input), storeOf([]), { rules: RULES, keeps: PRESERVERS });
    expect([verdict, rollouts]).toEqual(['deny', []]);
  });
});

describe('a profile that refers to another namespace', () => {
  it.each([
    ['literal', 'web', 'VirtualService "other/reviews"', 'other'],
    ['gateway', 'web', 'HTTPRoute "gateways/reviews"', 'gateways'],
    ['selected', 'team-b', 'HTTPRoute "team-b/*"', 'team-b'],
  ])('(%s) is refused, with the pair to trust, until it is trusted', async (convert, name, object, namespace) => {
    const said = await create(deployment(name, convert), policyWith());
    expect(said.denied).toContain(
      `profile "${convert}" makes the Rollout control ${object} of another namespace: use another profile, or add {rollouts: shop, objects: ${namespace}} to trustedNamespaces of the policy`,
    );
    expect(said.patched).toBe(false);
    const audit = await create(deployment(name, convert), policyWith({ mode: 'audit' }));
    expect(audit).toMatchObject({ denied: undefined, patched: false });
    const reversed = [{ rollouts: namespace, objects: 'shop' }];
    expect((await create(deployment(name, convert), policyWith({ trustedNamespaces: reversed }))).patched).toBe(false);
    const trusted = [{ rollouts: 'shop', objects: namespace }];
    expect(await create(deployment(name, convert), policyWith({ trustedNamespaces: trusted }))).toMatchObject({
      denied: undefined,
      patched: true,
    });
  });

  it.each([
    ['single', 'payments.team-b', DOTTED],
    ['literal', 'web', 'makes the Rollout control VirtualService "other/reviews"'],
  ])('(%s) leaves a Deployment alone that only its namespace wants to convert', async (convert, name, why) => {
    const namespace = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'rollgate.io/convert': convert } },
    };
    const said = await create(deployment(name, undefined), policyWith(), [namespace]);
    expect(said).toMatchObject({ denied: undefined, patched: false });
    expect(said.warnings).toContain(`Deployment "${name}": not converted (profile ${convert}): profile "${convert}"`);
    // A warning has 256 characters.
    expect(said.warnings).toContain(why.slice(0, 100));
  });
});
