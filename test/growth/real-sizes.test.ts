import { describe, expect, it } from 'vitest';
import { budgetOf } from '../../src/admission/budget.ts';
import { findIntroduced } from '../../src/admission/introduced.ts';
import { finish } from '../../src/rules/engine.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import {
  analysisStep,
  container,
  destinations,
  istio,
  metric,
  rollout,
  servicesOf,
  template,
  times,
  virtualService,
  type Json,
} from './objects.ts';
import { argument, gateway, httpRoute, one, pods, queryOf, type Dimension } from './setups.ts';

// What counts before it is done must not keep what people really have from being judged. With everything wrong in it, as
// each mistake counts too.

// As `serve` sets it.
const LIMITS = { deadline: Infinity, maxSubjects: 1_000, maxOperations: 500_000 };

const routes = (n: number, of: (index: number) => string, port: number): KubeObject =>
  virtualService('vs', {
    http: times(n, (i) => ({
      name: `r-${i}`,
      route: destinations(of(i)).map((each) => ({
        ...each,
        destination: { ...(each['destination'] as Json), port: { number: port } },
      })),
    })),
  });
const names = (n: number, first = 0): string[] => times(n, (i) => `r-${first + i}`);

const REAL: readonly (Dimension & { readonly size: number })[] = [
  {
    title: 'routes that one Rollout names, with ports that no Service has',
    size: 2_500,
    make: (n) => [routes(n, () => 'app', 81), ...one(istio('vs', names(n)))],
  },
  {
    title: 'routes of a VirtualService, 25 for each Rollout',
    size: 2_500,
    make: (n) => [
      routes(n, (i) => `app-${Math.floor(i / 25)}`, 80),
      ...times(n / 25, (i) => [
        rollout(`app-${i}`, { canary: istio('vs', names(25, 25 * i)) }),
        ...servicesOf(`app-${i}`),
      ]).flat(),
    ],
  },
  {
    title: 'analysis steps with 40 arguments',
    size: 200,
    make: (n) =>
      one(
        { steps: times(n, () => analysisStep(['t'], times(40, argument))) },
        template('t', {
          args: times(40, (i) => ({ name: `arg-${i}` })),
          metrics: [metric('m', queryOf(40))],
        }),
      ),
  },
  {
    title: 'HTTPRoutes with 16 rules, with ports that no Service has',
    size: 100,
    make: (n) =>
      one(
        gateway({ httpRoutes: times(n, (i) => ({ name: `r-${i}` })) }),
        ...times(n, (i) =>
          httpRoute(
            `r-${i}`,
            times(16, () => ({ backendRefs: ['app-stable', 'app-canary'].map((name) => ({ name, port: 81 })) })),
          ),
        ),
      ),
  },
  {
    title: 'Rollouts with 20 steps and one template',
    size: 900,
    make: (n) => [
      template('t', { args: [{ name: 'a' }], metrics: [metric('m', '{{args.a}} {{args.b}}')] }),
      ...times(n, (i) =>
        rollout(`app-${i}`, {
          canary: {
            steps: times(20, (step) =>
              step % 5 === 0 ? analysisStep(['t'], [{ name: 'a', value: 'x' }]) : { setWeight: 4 * step },
            ),
          },
        }),
      ),
    ],
  },
  {
    title: 'variables with a source each',
    size: 2_000,
    make: (n) =>
      pods({
        containers: [
          container('app', {
            env: times(n, (i) => ({ name: `X_${i}`, valueFrom: { secretKeyRef: { name: `s-${i}`, key: 'k' } } })),
          }),
        ],
      }),
  },
];

describe.each(REAL)('$size $title', ({ size, make }) => {
  it('are judged by every rule', () => {
    const objects = make(size);
    const kinds = new Set<string>();
    const firsts = objects.filter(({ kind }) => kinds.size < kinds.add(kind).size);
    for (const after of firsts) {
      const world = storeOf(objects.filter((object) => object !== after));
      const budget = budgetOf(LIMITS, { now: () => 0 });
      const { skipped } = finish(findIntroduced(world, [{ before: undefined, after }], RULES, budget));
      expect({ kind: after.kind, unfinished: skipped.filter(({ unfinished }) => unfinished !== undefined) }).toEqual({
        kind: after.kind,
        unfinished: [],
      });
    }
  });
});
