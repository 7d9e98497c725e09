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
  object,
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

const variables = (n: number): Json => ({
  containers: [
    container('app', {
      env: times(n, (i) => ({ name: `X_${i}`, valueFrom: { secretKeyRef: { name: `s-${i}`, key: 'k' } } })),
    }),
  ],
});

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
    make: (n) => pods(variables(n)),
  },
  {
    title: 'variables with a source each, and 12 analyses without their template',
    size: 2_000,
    make: (n) => [
      rollout('app', { canary: { steps: times(12, (i) => analysisStep([`absent-${i}`])) }, pod: variables(n) }),
      template('smoke-test'),
      ...servicesOf('app'),
    ],
  },
];

const toSubsets = (host: string, subsets: readonly string[]): Json[] =>
  subsets.map((subset) => ({ destination: { host, subset } }));
const subsetsOf = (name: string, host: string): KubeObject =>
  object('networking.istio.io/v1', 'DestinationRule', name, {
    host,
    subsets: ['stable', 'canary', 'old'].map((each) => ({ name: each })),
  });
const withSubsets = (name: string, virtualService: Json): KubeObject =>
  rollout(name, {
    canary: {
      trafficRouting: {
        istio: {
          virtualService,
          destinationRule: { name, stableSubsetName: 'stable', canarySubsetName: 'canary' },
        },
      },
    },
  });
const sending = (name: string, n: number, host: (index: number) => string): KubeObject =>
  virtualService(name, {
    http: times(n, (i) => ({ name: `r-${i}`, route: toSubsets(host(i), ['stable', 'canary']) })),
  });

/** What is judged when one object of a namespace changes. */
interface Change {
  readonly title: string;
  readonly others: readonly KubeObject[];
  readonly after: KubeObject;
}

const CHANGES: readonly Change[] = [
  {
    title: '100 Rollouts that share a VirtualService, next to 100 VirtualServices with 20 routes',
    others: [
      ...times(100, (i) => sending(`vs-${i}`, 20, () => `app-${i}`)),
      ...times(100, (i) => [
        withSubsets(`app-${i}`, { name: 'shared', routes: [`r-${i}`] }),
        subsetsOf(`app-${i}`, `app-${i}`),
        ...servicesOf(`app-${i}`),
      ]).flat(),
    ],
    after: sending('shared', 100, (i) => `app-${i}`),
  },
  {
    title: 'a DestinationRule with one more subset, next to 300 VirtualServices with 40 routes',
    others: [
      ...times(300, (i) => sending(`vs-${i}`, 40, () => `app-${i}`)),
      withSubsets('app-0', { name: 'vs-0', routes: names(40) }),
    ],
    after: subsetsOf('app-0', 'app-0'),
  },
  {
    title: 'a DestinationRule with one more subset, next to 500 VirtualServices with 50 routes',
    others: [
      ...times(500, (i) =>
        virtualService(`vs-${i}`, {
          http: times(50, (route) => ({ name: `r-${route}`, route: toSubsets(`app-${i}`, ['stable']) })),
        }),
      ),
      withSubsets('app-0', { name: 'vs-0', routes: names(50) }),
    ],
    after: subsetsOf('app-0', 'app-0'),
  },
];

describe.each(CHANGES)('$title', ({ others, after }) => {
  it('are judged by every rule, at once and again', () => {
    const world = storeOf([...others]);
    const judge = (): readonly unknown[] => {
      const budget = budgetOf(LIMITS, { now: () => 0 });
      const { skipped } = finish(findIntroduced(world, [{ before: undefined, after }], RULES, budget));
      return skipped.filter(({ unfinished }) => unfinished !== undefined);
    };
    expect(judge()).toEqual([]);
    expect(judge()).toEqual([]);
  });
});

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
