import fc from 'fast-check';
import { expect, it } from 'vitest';
import { virtualServiceWeights } from '../preserve/virtualservice-weights.ts';
import { finish } from '../rules/engine.ts';
import { withOperations } from '../world/json-patch.ts';
import type { KubeObject } from '../world/object.ts';
import { Overlay, storeOf } from '../world/store.ts';
import { preserveAll } from './preserve.ts';

const ROUTES = ['a', 'b', 'c'];
const MANAGED = ['m', 'n'];

const destinations = (app: string, canary: number): unknown[] => [
  { destination: { host: `${app}-stable` }, weight: 100 - canary },
  { destination: { host: `${app}-canary` }, weight: canary },
];

function virtualService(http: readonly unknown[]): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'vs', namespace: 'shop' },
    spec: { http },
  };
}

const rollouts = fc.array(
  fc.record({
    app: fc.constantFrom('x', 'y'),
    routes: fc.subarray(ROUTES),
    managed: fc.subarray(MANAGED),
    canary: fc.constantFrom(10, 20),
    experiment: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
);
const routes = fc
  .tuple(fc.shuffledSubarray([...ROUTES, ...MANAGED]), fc.constantFrom('x', 'y'), fc.constantFrom(0, 10, 20))
  .map(([names, app, canary]) => names.map((name) => ({ name, route: destinations(app, canary) })));

it('does for all Rollouts what it does for one after the other', () => {
  fc.assert(
    fc.property(rollouts, routes, routes, (drawn, before, after) => {
      const drivers = drawn.map(({ app, routes: named, managed, canary, experiment }, index): KubeObject => ({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Rollout',
        metadata: { name: `r-${index}`, namespace: 'shop' },
        spec: {
          strategy: {
            canary: {
              stableService: `${app}-stable`,
              canaryService: `${app}-canary`,
              trafficRouting: {
                istio: { virtualService: { name: 'vs', routes: named } },
                managedRoutes: managed.map((name) => ({ name })),
              },
            },
          },
        },
        status: {
          phase: 'Progressing',
          currentPodHash: 'new',
          stableRS: 'old',
          canary: {
            weights: {
              canary: { weight: canary },
              ...(experiment ? { additional: [{ serviceName: 'y-canary', weight: 5 }] } : {}),
            },
          },
        },
      }));
      const [object, old] = [virtualService(after), virtualService(before)];
      const world = storeOf([object, ...drivers]);
      const preserved = finish(preserveAll({ object, old, drivers, keeps: [virtualServiceWeights], after: world }));
      let submitted = object;
      for (const rollout of drivers) {
        const kept = virtualServiceWeights.keep({ submitted, old, rollout, world: new Overlay(world, [submitted]) });
        submitted = withOperations(submitted, kept.operations);
      }
      expect(preserved.patched).toEqual(submitted);
      expect(withOperations(object, preserved.operations)).toEqual(submitted);
    }),
    { numRuns: 500 },
  );
});
