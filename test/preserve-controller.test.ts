import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { driftsOf } from '../src/preserve/drift.ts';
import { routeWeights } from '../src/preserve/route-weights.ts';
import { virtualServiceWeights } from '../src/preserve/virtualservice-weights.ts';
import { storeOf } from '../src/world/store.ts';
import { maybe } from './support/arbitraries.ts';
import {
  firstOfEach,
  gateway,
  istio,
  ofEach,
  rolloutOf,
  type SetWeight,
  type Target,
} from './support/preserve/controller-model.ts';
import { ROUTER_SETUPS, type Backend, type RouterSetup, type Rule } from './support/preserve/router-setups.ts';
import { apply } from './support/preserver-tester.ts';

/** How many random writes the property tries. */
const CASES = Number(process.env['KEEP_CASES'] ?? 300);
const TIME = Math.max(300_000, CASES * 20);

function controllerOf({ id, keep }: RouterSetup): SetWeight {
  if (keep === virtualServiceWeights) return istio;
  if (keep === routeWeights) return gateway(id === 'HTTPRoute');
  return id.startsWith('VirtualRouter') ? ofEach : firstOfEach;
}

/** Whether the router has additional subsets, whose weights are the user's. */
function hasSubsets({ id }: RouterSetup): boolean {
  return id.includes('by subset');
}

const port = fc.constantFrom(80, 8080, 9090);
const weight = fc.constantFrom(0, 1, 5, 50, 95, 100);

/** What a user writes in a rule, with the weights of the file. */
const written = (setup: RouterSetup): fc.Arbitrary<readonly Backend[]> =>
  fc
    .record({
      stable: fc.record({ name: fc.constant('stable'), weight, port }),
      canary: fc.record({ name: fc.constant('canary'), weight, port }),
      again: maybe(fc.record({ name: fc.constantFrom('stable', 'canary'), weight, port })),
      other: maybe(fc.record({ name: fc.constant('legacy'), weight: fc.nat(200), port })),
      additional: maybe(fc.record({ name: fc.constant('extra'), weight: fc.nat(100), port })),
      order: fc.nat(3),
    })
    .map(({ stable, canary, again, other, additional, order }) => {
      const all = [stable, canary, again, other, hasSubsets(setup) ? additional : undefined];
      const backends = all.filter((backend) => backend !== undefined);
      return [...backends.slice(order), ...backends.slice(0, order)];
    });

const rules = (setup: RouterSetup): fc.Arbitrary<readonly Rule[]> =>
  fc
    .record({ main: written(setup), side: maybe(written(setup)), reversed: fc.boolean() })
    .map(({ main, side, reversed }) => {
      const all: Rule[] = [
        { name: 'main', path: '/a', backends: main },
        ...(side === undefined ? [] : [{ name: 'side', path: '/b', backends: side }]),
      ];
      return reversed && setup.id !== 'TraefikService' ? all.toReversed() : all;
    });

const target = (setup: RouterSetup): fc.Arbitrary<Target> =>
  fc
    .record({
      total: setup.keep === routeWeights ? fc.constantFrom(100, 1000) : fc.constant(100),
      part: fc.nat(1000),
      experiments: fc.subarray(['exp-a', 'exp-b']),
      each: fc.constantFrom(1, 5, 30),
    })
    .map(({ total, part, experiments, each }) => {
      const isOfRouter = (setup.keep === virtualServiceWeights && !hasSubsets(setup)) || setup.id === 'HTTPRoute';
      return {
        total,
        canary: Math.floor((part * total) / 1000),
        experiments: new Map(isOfRouter ? experiments.map((name) => [name, each]) : []),
      };
    });

function namesIn(all: readonly Rule[]): string {
  return all.map(({ name }) => name).join();
}

describe.each(ROUTER_SETUPS.map((setup): [string, RouterSetup] => [setup.id, setup]))('%s', (_, setup) => {
  it(
    'are after any write what the controller would write next',
    () => {
      const setWeight = controllerOf(setup);
      fc.assert(
        fc.property(rules(setup), rules(setup), target(setup), (before, submitted, wanted) => {
          // The controller adds experiments to new rules too. A keep cannot know the ports.
          fc.pre(wanted.experiments.size === 0 || namesIn(before) === namesIn(submitted));
          const stored = setup.route(setWeight(before, wanted));
          const { object } = apply(setup.keep, setup.route(submitted), stored, rolloutOf(setup, wanted), setup.between);
          const kept = setup.rulesIn(object);
          expect(kept).toEqual(setup.rulesIn(setup.route(setWeight(kept, wanted))));
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );

  it(
    'are no drift where the controller wrote them',
    () => {
      const setWeight = controllerOf(setup);
      fc.assert(
        fc.property(rules(setup), target(setup), (before, wanted) => {
          const rollout = rolloutOf(setup, wanted);
          const world = storeOf([rollout, setup.route(setWeight(before, wanted)), ...(setup.between ?? [])]);
          const { drifts } = driftsOf(rollout, world, Infinity);
          expect(drifts.filter(({ what }) => what === 'weights')).toEqual([]);
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );
});
