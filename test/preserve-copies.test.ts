import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routeWeights } from '../src/preserve/route-weights.ts';
import { virtualServiceWeights } from '../src/preserve/virtualservice-weights.ts';
import type { KubeObject } from '../src/world/object.ts';
import { storeOf } from '../src/world/store.ts';
import { maybe } from './support/arbitraries.ts';
import { asKube, defined } from './support/json-objects.ts';
import { rolloutOf } from './support/preserve/controller-model.ts';
import {
  METADATA,
  ROUTER_SETUPS,
  type Backend,
  type RouterSetup,
  type Rule,
} from './support/preserve/router-setups.ts';
import { apply } from './support/preserver-tester.ts';

/** How many random objects each property tries. */
const CASES = Number(process.env['KEEP_CASES'] ?? 300);
const TIME = Math.max(300_000, CASES * 20);

const MANAGED = ['m-header', 'm-mirror'];
const EXPERIMENTS = ['exp-a', 'exp-b'];

// From 0 to the most that the Gateway API takes, often what is usual.
const weight = fc.oneof(fc.nat(100), fc.constantFrom(0, 1, 5, 20, 50, 95, 100), fc.nat(1000), fc.nat(1_000_000));
const backend = fc.record({
  name: fc.constantFrom('stable', 'canary', 'stable', 'canary', 'legacy', 'extra', ...EXPERIMENTS),
  weight: maybe(weight),
  port: fc.constantFrom(80, 8080),
});
const anyRule = fc.record({
  name: maybe(fc.constantFrom('main', 'side', ...MANAGED, 'm-header-1')),
  path: maybe(fc.constantFrom('/a', '/b')),
  backends: fc.array(backend, { maxLength: 5 }),
});

const hash = fc.constantFrom('old', 'new');
const anyRollout = (setup: RouterSetup): fc.Arbitrary<KubeObject> =>
  fc
    .record({
      max: maybe(fc.constantFrom(100, 1000, 10_000)),
      managed: fc.boolean(),
      pingPong: fc.boolean(),
      weights: fc.record({ canary: weight, stable: weight, hash, stableHash: hash }),
      experiments: fc.subarray(EXPERIMENTS),
      status: fc.record({ currentPodHash: hash, stableRS: hash, abort: fc.boolean(), currentStepIndex: fc.nat(3) }),
    })
    .map(({ max, managed, pingPong, weights, experiments, status }) =>
      asKube({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Rollout',
        metadata: METADATA,
        spec: {
          strategy: {
            canary: {
              ...(pingPong && setup.keep === virtualServiceWeights
                ? { pingPong: { pingService: 'stable', pongService: 'canary' } }
                : { stableService: 'stable', canaryService: 'canary' }),
              steps: [
                { setHeaderRoute: { name: 'm-header', match: [{ headerName: 'x', headerValue: { exact: '1' } }] } },
                { setMirrorRoute: { name: 'm-mirror', match: [{}] } },
              ],
              trafficRouting: defined({
                ...setup.router(),
                maxTrafficWeight: max,
                managedRoutes: managed ? MANAGED.map((name) => ({ name })) : undefined,
              }),
            },
          },
        },
        status: {
          ...status,
          canary: {
            stablePingPong: 'ping',
            weights: {
              canary: { weight: weights.canary, podTemplateHash: weights.hash },
              stable: { weight: weights.stable, podTemplateHash: weights.stableHash },
              additional: experiments.map((serviceName) => ({ serviceName, weight: 10, podTemplateHash: 'exp' })),
            },
          },
        },
      }),
    );

/** A canary in progress as the controller leaves it: the weights of every rule add up to the total. */
interface Running {
  readonly rollout: KubeObject;
  readonly canary: number;
  readonly total: number;
  readonly rules: readonly Rule[];
}

const running = (setup: RouterSetup): fc.Arbitrary<Running> =>
  fc
    .record({
      total: setup.keep === routeWeights ? fc.constantFrom(100, 1000) : fc.constant(100),
      part: fc.nat(1000),
      names: fc.constantFrom(['main'], ['main', 'side']),
      ports: fc.array(fc.constantFrom(80, 8080), { minLength: 2, maxLength: 2 }),
    })
    .map(({ total, part, names, ports }) => {
      const canary = Math.floor((part * total) / 1000);
      return {
        canary,
        total,
        rules: names.map((name, index) => ({
          name,
          path: index === 0 ? '/a' : '/b',
          backends: [
            { name: 'stable', weight: total - canary, port: ports[0] ?? 80 },
            { name: 'canary', weight: canary, port: ports[1] ?? 80 },
          ],
        })),
        rollout: rolloutOf(setup, { canary, total, experiments: new Map() }),
      };
    });

describe.each(ROUTER_SETUPS.map((setup): [string, RouterSetup] => [setup.id, setup]))('%s', (_, setup) => {
  it(
    'are not changed when exactly what is stored is applied',
    () => {
      fc.assert(
        fc.property(fc.array(anyRule, { maxLength: 4 }), anyRollout(setup), (rules, rollout) => {
          const stored = setup.route(rules);
          const { operations, notes } = setup.keep.keep({
            submitted: setup.route(rules),
            old: stored,
            rollout,
            rollouts: [rollout],
            drivers: [rollout],
            world: storeOf([stored, rollout, ...(setup.between ?? [])]),
          });
          if (operations.length + notes.length > 0)
            expect({ operations, notes }).toEqual({ operations: [], notes: [] });
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );

  it(
    'keep the share of the canary, and take every other edit',
    () => {
      const edits = fc.record({
        ports: fc.array(fc.constantFrom(80, 8080, 9090), { minLength: 2, maxLength: 2 }),
        weights: fc.constantFrom([100, 0], [1, 0], [50, 50], [0, 100]),
        legacy: maybe(fc.record({ name: fc.constant('legacy'), weight: fc.nat(20), port: fc.constant(80) })),
        reversed: fc.boolean(),
        others: fc.boolean(),
      });
      fc.assert(
        fc.property(running(setup), edits, ({ rollout, canary, total, rules }, edit) => {
          const submitted = rules.map((rule): Rule => {
            const [stable, next] = rule.backends.map((old, index): Backend => ({
              ...old,
              weight: edit.weights[index] ?? 0,
              port: edit.ports[index] ?? 80,
            }));
            const backends = [stable, next, edit.legacy].filter((entry) => entry !== undefined);
            return { ...rule, backends: edit.reversed ? backends.toReversed() : backends };
          });
          const order = edit.others ? submitted.toReversed() : submitted;
          const { object } = apply(setup.keep, setup.route(order), setup.route(rules), rollout, setup.between);
          const kept = order.map((rule) => ({
            ...rule,
            backends: rule.backends.map((entry) => {
              if (entry.name === 'legacy') return entry;
              return { ...entry, weight: entry.name === 'canary' ? canary : total - canary };
            }),
          }));
          expect(setup.rulesIn(object)).toEqual(setup.rulesIn(setup.route(kept)));
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );
});
