import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyFor, keyOf, type KubeObject } from './object.ts';
import { referenceKeys } from './references.ts';
import { ObjectStore, Overlay } from './store.ts';
import type { World } from './world.ts';

const ROUTE = keyFor('HTTPRoute.gateway.networking.k8s.io', 'shop', 'r-0');
const ANY_ROUTE = keyFor('HTTPRoute.gateway.networking.k8s.io', 'shop', '*');
const KEYS = [ROUTE, keyFor('Service', 'shop', 's-0'), keyFor('Service', 'shop', 's-1')];

const rollout: fc.Arbitrary<KubeObject> = fc
  .record({ name: fc.nat(4), service: fc.nat(1), route: fc.constantFrom('named', 'selected', 'both', 'none') })
  .map(({ name, service, route }) => {
    const config = {
      ...(route === 'named' || route === 'both' ? { httpRoute: 'r-0' } : {}),
      ...(route === 'selected' || route === 'both' ? { httpRouteSelector: {} } : {}),
    };
    return {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: `app-${name}`, namespace: 'shop' },
      spec: {
        strategy: {
          canary: {
            stableService: `s-${service}`,
            trafficRouting: { plugins: { 'argoproj-labs/gatewayAPI': config } },
          },
        },
      },
    };
  });

type Step = { readonly put: KubeObject } | { readonly remove: string };
const step: fc.Arbitrary<Step> = fc.oneof(
  rollout.map((put) => ({ put })),
  fc.nat(4).map((name) => ({ remove: `app-${name}` })),
);

describe('referrers and lists', () => {
  it('are those of the objects that are there, and the same list until one changes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.array(rollout, { maxLength: 3 }), (steps, changed) => {
        const store = new ObjectStore();
        const above = new Map(changed.map((object) => [keyOf(object), object]));
        const overlay = new Overlay(store, [...above.values()]);
        const there = new Map<string, KubeObject>();
        for (const each of steps) {
          if ('put' in each) store.put(each.put);
          else store.delete('Rollout.argoproj.io', 'shop', each.remove);
          if ('put' in each) there.set(keyOf(each.put), each.put);
          else there.delete(keyFor('Rollout.argoproj.io', 'shop', each.remove));
          expectAnswers(store, [...there.values()]);
          expectAnswers(overlay, [...new Map([...there, ...above]).values()]);
        }
      }),
    );
  });
});

function expectAnswers(world: World, objects: readonly KubeObject[]): void {
  for (const key of KEYS) {
    const expected = objects.filter((object) => {
      const keys = referenceKeys(object);
      return keys.has(key) || (key === ROUTE && keys.has(ANY_ROUTE));
    });
    expect(names(world.referrers(key))).toEqual(names(expected));
    if (expected.length > 1) expect(world.referrers(key)).toBe(world.referrers(key));
  }
  const listed = world.list('Rollout.argoproj.io', 'shop');
  expect(listed.state === 'known' && names(listed.objects)).toEqual(names(objects));
}

function names(objects: readonly KubeObject[]): string[] {
  return objects.map((object) => object.metadata.name).sort();
}
