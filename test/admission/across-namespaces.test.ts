import { describe, expect, it } from 'vitest';
import { evaluateBundle } from '../../src/admission/bundle.ts';
import type { GateAnswer, GateParts } from '../../src/admission/gate.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import { parseManifests } from '../../src/world/manifests.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { gateOver, liveOf, objectsOf, requestFor, validate } from '../support/gate.ts';
import { ROLLOUT, one, services, virtualService } from '../support/reviews-shop.ts';

const FOREIGN = ROLLOUT.replace('name: reviews, routes', 'name: reviews.mesh, routes');
const foreign = one(FOREIGN);
const inMesh = (route: string): string =>
  virtualService(route)
    .replace('namespace: shop', 'namespace: mesh')
    .replaceAll(/host: ([a-z-]+)/g, 'host: $1.shop.svc.cluster.local');
const theirs = one(inMesh('secret-name'));

/** A gate that records what it asks about. */
class Asking {
  readonly asked: string[] = [];
  readonly #may: boolean | undefined;

  constructor(may: boolean | undefined) {
    this.#may = may;
  }

  write(
    world: readonly KubeObject[],
    after: KubeObject,
    before: KubeObject | undefined,
    policyChange: Partial<Policy> = {},
    parts: Partial<GateParts> = {},
  ): Promise<GateAnswer> {
    const gate = gateOver(world, {
      policyChange,
      mayGet: (user, object) => {
        this.asked.push(`${user.username} ${keyOf(object)}`);
        return Promise.resolve(this.#may);
      },
      ...parts,
    });
    return validate(gate, requestFor(after, before));
  }
}

describe('a Rollout that names an object of another namespace', () => {
  it('is denied what is wrong between them if its author may get that object', async () => {
    const asking = new Asking(true);
    const { response } = await asking.write([...services, theirs], foreign, undefined);
    expect(response.status?.message).toContain('has no http route "primary" (it has "secret-name")');
    expect(asking.asked).toEqual(['dev@example.com VirtualService.networking.istio.io/mesh/reviews']);
  });

  it.each([
    ['a service account', 'system:serviceaccount:ci:deployer', undefined],
    ['a reconciler', 'argocd@example.com', 'kustomize-controller'],
  ])('is denied %s without a word about what is in it: others read that', async (_, username, fieldManager) => {
    const gate = gateOver([...services, theirs], { mayGet: () => Promise.resolve(true) });
    const request = requestFor(foreign, undefined, {
      username,
      ...(fieldManager === undefined ? {} : { fieldManager }),
    });
    const { response } = await validate(gate, request);
    expect(response.allowed).toBe(false);
    expect(JSON.stringify(response)).toContain('of another namespace');
    expect(JSON.stringify(response)).not.toContain('secret-name');
  });

  it.each([false, undefined])('gets one warning that tells existence only if not: %s', async (may) => {
    const hidden = one(inMesh('primary').replaceAll('reviews-canary', 'reviews-hidden'));
    const both = one(FOREIGN.replace('routes: [primary]', 'routes: [primary, second]'));
    const { response, record } = await new Asking(may).write([...services, hidden], both, undefined);
    expect(new Set(record.findings.map(({ rule }) => rule)).size).toBeGreaterThan(1);
    expect(response.allowed).toBe(true);
    expect(response.warnings).toEqual([
      expect.stringMatching(
        /^Rollout "reviews": does not fit VirtualService "mesh\/reviews" of another namespace \(who may read that is told why\): /,
      ),
    ]);
    expect(JSON.stringify(response)).not.toMatch(/reviews-hidden|second/);
  });

  it('asks nothing where nothing is wrong, or where the policy trusts the pair', async () => {
    const asking = new Asking(true);
    const fine = await asking.write([...services, one(inMesh('primary'))], foreign, undefined);
    expect(fine.record.verdict).toBe('allow');
    const trustedNamespaces = [{ rollouts: 'shop', objects: 'mesh' }];
    const trusted = await asking.write([...services, theirs], foreign, undefined, { trustedNamespaces });
    expect(trusted.record.verdict).toBe('deny');
    expect(asking.asked).toEqual([]);
  });

  it('asks in audit mode too, so that a warning says what would be denied', async () => {
    const { response, record } = await new Asking(true).write([...services, theirs], foreign, undefined, {
      mode: 'audit',
    });
    expect(record.verdict).toBe('warn');
    expect(response.warnings?.join()).toContain('(it has "secret-name")');
  });

  it('is not denied from a cache that is behind', async () => {
    const live = liveOf(() => [...services, one(inMesh('primary'))]);
    const { record } = await new Asking(true).write([...services, theirs], foreign, undefined, {}, { live });
    expect(record.verdict).toBe('allow');
  });

  it('asks at most four times, and denies nothing for the sake of an object that it did not ask about', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const routes = names.map((name) => `{ name: ${name}.mesh, routes: [primary] }`).join(', ');
    const many = one(FOREIGN.replace(/virtualService: .*$/m, `virtualServices: [${routes}] } }`));
    const all = names.map((name) => one(inMesh('main').replace('name: reviews,', `name: ${name},`)));
    const asking = new Asking(true);
    const { response } = await asking.write([...services, ...all], many, undefined);
    expect(asking.asked).toHaveLength(4);
    expect(response.allowed).toBe(false);
    expect(response.status?.details?.causes.filter(({ message }) => /"[ef]"/.test(message))).toEqual([]);
  });

  it('is never denied because of a Rollout of another namespace, which it does not name', async () => {
    const other = one(
      FOREIGN.replace('namespace: shop', 'namespace: other').replace('name: reviews.mesh', 'name: reviews.mesh'),
    );
    const asking = new Asking(true);
    const world = [...services, one(inMesh('primary')), other];
    const { response } = await asking.write(world, foreign, undefined);
    expect(response.allowed).toBe(true);
    expect(asking.asked.filter((line) => line.includes('Rollout'))).toEqual([]);
  });
});

describe('an object that a Rollout of another namespace names', () => {
  it('can be changed by its owner, whoever may get what', async () => {
    const updating: KubeObject = { ...foreign, status: { currentPodHash: 'b', stableRS: 'a' } };
    const asking = new Asking(true);
    const { response } = await asking.write(
      [...services, updating, one(inMesh('primary'))],
      theirs,
      one(inMesh('primary')),
    );
    expect([response.allowed, asking.asked]).toEqual([true, []]);
    expect(response.warnings).toHaveLength(1);
  });
});

describe('a bundle', () => {
  const verdictOf = (text: string, base: readonly KubeObject[]): string =>
    evaluateBundle(parseManifests(text, 'bundle'), {
      base: storeOf(base),
      rules: RULES,
      policy: DEFAULT_POLICY,
      requireReferences: false,
    }).report.verdict;

  it('is refused what is wrong between its own objects, also across namespaces', () => {
    expect(verdictOf(`${FOREIGN}\n---\n${inMesh('secret-name')}`, services)).toBe('deny');
    expect(verdictOf(`${FOREIGN}\n---\n${inMesh('primary')}`, services)).toBe('allow');
  });

  it('is only warned about objects of other namespaces that are not in it', () => {
    expect(verdictOf(FOREIGN, [...services, theirs])).toBe('allow');
    const updating: KubeObject = { ...foreign, status: { currentPodHash: 'b', stableRS: 'a' } };
    expect(verdictOf(inMesh('secret-name'), [...services, updating, one(inMesh('primary'))])).toBe('allow');
    expect(objectsOf(FOREIGN)).toHaveLength(1);
  });
});
