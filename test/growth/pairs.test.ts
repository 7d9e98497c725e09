import { describe, expect, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { countOperations, growthOf } from '../support/operations.ts';
import { findIntroduced } from '../../src/admission/introduced.ts';
import { Budget } from '../../src/rules/budget.ts';
import { finish } from '../../src/rules/engine.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import {
  analysisStep,
  destinations,
  istio,
  metric,
  object,
  service,
  template,
  times,
  virtualService,
} from './objects.ts';
import {
  argument,
  backends,
  destinationRule,
  gateway,
  httpRoute,
  ingress,
  one,
  queryOf,
  route,
  sharing,
  type Dimension,
} from './setups.ts';

// What an analysis makes of each metric or argument of its templates, or a finding of each key of its path. Of n analyses
// and n metrics that is n * n, which nothing can make smaller, so it must end at the budget of a check.

const BUDGET = {
  operations: 1_000_000,
  operationsOfCheck: 2_000,
  values: Infinity,
  subjects: 100,
  expired: (): boolean => false,
};

const PAIRS: readonly Dimension[] = [
  {
    title: 'analysis steps with one large template and one of their own',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['large', `t-${i}`])) },
        template('large', {
          args: times(n, argument),
          metrics: times(n, (i) => metric(`m-${i}`, `{{args.arg-${i}}}`)),
        }),
        ...times(n, (i) => template(`t-${i}`)),
      ),
  },
  {
    title: 'analysis steps, and limits of metrics that depend on arguments',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['t'], [{ name: 'a', value: String(i + 1) }])) },
        template('t', {
          args: [{ name: 'a' }],
          metrics: times(n, (i) => metric(`m-${i}`, 'vector(1)', { count: '{{args.a}}' })),
        }),
      ),
  },
  {
    title: 'analysis steps, and names of metrics that depend on arguments',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['t'], [{ name: 'a', value: `v-${i}` }])) },
        template('t', { args: [{ name: 'a' }], metrics: times(n, (i) => metric(`{{args.a}}-${i}`)) }),
      ),
  },
  {
    title: 'analysis steps with an argument that is not declared, and arguments',
    make: (n) =>
      one(
        { steps: times(n, () => analysisStep(['t'], [{ name: 'argument', value: 'x' }])) },
        template('t', {
          args: times(n, (i) => ({ name: `argumen${i}`, value: 'x' })),
          metrics: [metric('m', queryOf(n, 'argumen'))],
        }),
      ),
  },
  {
    title: 'placeholders at the end of a deep value',
    make: (n) =>
      one(
        { steps: [analysisStep(['t'])] },
        template('t', {
          args: [argument(0)],
          metrics: [
            {
              name: 'm',
              provider: {
                plugin: {
                  deep: deep(
                    times(n, (i) => `{{args.x-${i}}}`),
                    n,
                  ),
                },
              },
            },
          ],
        }),
      ),
  },
  {
    title: 'analysis steps with rules for dry runs that match none of long names',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['t'], [], { dryRun: [{ metricName: `x-${i}` }] })) },
        template('t', { metrics: times(n, (i) => metric('x'.repeat(2_000) + String(i))) }),
      ),
  },
  ...(['stableService', 'canaryService'] as const).flatMap((role) => [
    {
      title: `names of one nginx Ingress, and its paths for the ${role}`,
      make: (n: number) =>
        one(
          { trafficRouting: { nginx: { stableIngresses: times(n, () => 'i') } } },
          ingress(
            'i',
            times(n, () => (role === 'stableService' ? 'app-stable' : 'app-canary')),
          ),
        ),
    },
    {
      title: `names of one ALB Ingress, and its paths for the ${role}`,
      make: (n: number) =>
        one(
          { trafficRouting: { alb: { ingresses: times(n, () => 'i'), servicePort: 80 } } },
          ingress(
            'i',
            times(n, () => (role === 'stableService' ? 'app-stable' : 'app-canary')),
          ),
        ),
    },
  ]),
  ...['m', 'r'].map((prefix) => ({
    title: `entries for one VirtualService, managed routes, and routes named ${prefix}`,
    make: (n: number) =>
      one(
        {
          trafficRouting: {
            managedRoutes: times(n, (i) => ({ name: `m-${i}` })),
            istio: { virtualServices: times(n, () => ({ name: 'vs' })) },
          },
          steps: [{ setHeaderRoute: { name: 'm-0', match: [{ headerName: 'x', headerValue: { exact: 'y' } }] } }],
        },
        virtualService('vs', { http: [...times(n, (i) => ({ name: `${prefix}-${i}` })), route('a'), route('b')] }),
      ),
  })),
  {
    title: 'names of one APISIX rule, and its backends',
    make: (n) =>
      one(
        { trafficRouting: { apisix: { route: { name: 'ar', rules: times(n, () => 'main') } } } },
        object('apisix.apache.org/v2', 'ApisixRoute', 'ar', {
          http: [{ name: 'main', backends: times(n, () => ({ serviceName: 'app-stable', servicePort: 80 })) }],
        }),
      ),
  },
];

// Each Rollout finds something in each part of what it shares with the others, so that is n * n findings as well. They end
// at the budget of the request.
const OF_REQUEST = { ...BUDGET, operations: 10_000 };

const SHARED: readonly Dimension[] = [
  {
    title: 'Rollouts and tcp routes of one port of a VirtualService',
    make: (n) =>
      sharing(
        n,
        () => ({ trafficRouting: { istio: { virtualService: { name: 'vs', tcpRoutes: [{ port: 80 }] } } } }),
        virtualService('vs', {
          tcp: times(n, (i) => ({ match: [{ port: 80 }], route: destinations(`app-${i}`) })),
        }),
      ),
  },
  {
    title: 'Rollouts, each with its own subsets of one DestinationRule',
    make: (n) =>
      sharing(
        n,
        (i) => ({
          trafficRouting: {
            istio: {
              virtualService: { name: 'vs', routes: ['main'] },
              destinationRule: { name: 'dr', stableSubsetName: `s-${i}`, canarySubsetName: `c-${i}` },
            },
          },
        }),
        virtualService('vs', { http: [route('main')] }),
        destinationRule('dr', [...times(n, (i) => `s-${i}`), ...times(n, (i) => `c-${i}`)]),
      ),
  },
  {
    title: 'Rollouts that select the same HTTPRoutes',
    make: (n) =>
      sharing(
        n,
        () => gateway({ httpRouteSelector: { matchLabels: { app: 'app' } } }),
        ...times(n, (i) => httpRoute(`r-${i}`, [backends(`app-${i}`)], { app: 'app' })),
      ),
  },
  {
    title: 'Rollouts and different ports of two Services, with routes',
    make: (n) =>
      sharing(
        n,
        () => ({ ...istio('vs', ['main']), stableService: 'one', canaryService: 'two' }),
        virtualService('vs', {
          http: [{ name: 'main', route: [{ destination: { host: 'one' } }, { destination: { host: 'two' } }] }],
        }),
        service(
          'one',
          'app',
          times(n, (i) => ({ name: `p-${i}`, port: 1 + i })),
        ),
        service(
          'two',
          'app',
          times(n, (i) => ({ name: `q-${i}`, port: 30_000 + i })),
        ),
      ),
  },
];

function deep(value: unknown, levels: number): unknown {
  let result = value;
  for (let level = 0; level < levels; level++) result = { inner: result };
  return result;
}

function check(objects: readonly KubeObject[], budget = BUDGET): () => void {
  const world = storeOf([]);
  const changes = objects.map((after) => ({ before: undefined, after }));
  return () => void finish(findIntroduced(world, changes, RULES, new Budget(budget)));
}

describe.each(PAIRS)('the cost of $title', ({ make }) => {
  it('grows no faster than they do where it ends at the budget', () => {
    check(make(2))();
    const [few, many] = countOperations(check(make(100)), check(make(400)));
    expect(many.total / few.total < 5 ? [] : growthOf(few, many)).toEqual([]);
  });
});

describe.each(SHARED)('the cost of $title', ({ make }) => {
  it('grows no faster than they do where it ends at the budget of the request', () => {
    check(make(2), OF_REQUEST)();
    const [few, many] = countOperations(check(make(100), OF_REQUEST), check(make(400), OF_REQUEST));
    expect(many.total / few.total < 5 ? [] : growthOf(few, many)).toEqual([]);
  });
});
