import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKept, operationsOf, type Preserver } from '../preserve/define.ts';
import { routeWeights } from '../preserve/route-weights.ts';
import { virtualServiceWeights } from '../preserve/virtualservice-weights.ts';
import { finish } from '../rules/engine.ts';
import { withOperations } from '../world/json-patch.ts';
import type { KubeObject } from '../world/object.ts';
import { Overlay, storeOf } from '../world/store.ts';
import { preserveAll } from './preserve.ts';

type Json = Record<string, unknown>;

const ROUTES = ['a', 'b', 'c'];
const MANAGED = ['m', 'n', 'o'];
const APPS = ['x', 'y'];
const LABELS = ['one', 'two'];

/** A Rollout in the middle of an update. */
function inUpdate(index: number, canary: Json, weights: Json): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: `r-${index}`, namespace: 'shop' },
    spec: { strategy: { canary } },
    status: { phase: 'Progressing', currentPodHash: 'new', stableRS: 'old', canary: { weights } },
  };
}

const additional = (names: readonly string[]): Json =>
  names.length === 0 ? {} : { additional: names.map((serviceName) => ({ serviceName, weight: 5 })) };

function expectSame(keep: Preserver, object: KubeObject, old: KubeObject, drivers: readonly KubeObject[]): number {
  const world = storeOf([object, ...drivers]);
  const preserved = finish(preserveAll({ object, old, drivers, keeps: [keep], after: world }));
  let submitted = object;
  const notes: string[] = [];
  let kept = 0;
  for (const rollout of drivers) {
    const overlay = new Overlay(world, [submitted]);
    const result = keep.keep({ submitted, old, rollout, rollouts: drivers, drivers, world: overlay });
    // A copy starts without what was derived from the one before.
    submitted = structuredClone(withOperations(submitted, operationsOf(result)));
    notes.push(...result.notes);
    if (isKept(result)) kept++;
  }
  expect(preserved.patched).toEqual(submitted);
  expect(withOperations(object, preserved.operations)).toEqual(submitted);
  expect(preserved.notes.map((note) => /: (.*) \[/.exec(note.slice(note.indexOf('kept for')))?.[1])).toEqual(notes);
  return kept;
}

it('lets others have their turn between two keeps, and before and after all of them', () => {
  const object = inUpdate(1, {}, {});
  const done: string[] = [];
  const keep = (id: string): Preserver => ({
    ...virtualServiceWeights,
    id,
    keep: () => {
      done.push(id);
      return { operations: [], notes: [] };
    },
  });
  const keeps = [keep('a'), keep('b')];
  for (const _ of steps(preserveAll({ object, old: undefined, drivers: [object, object], keeps, after: storeOf([]) })))
    done.push('-');
  expect(done.join('')).toBe('--a-b-a-b--');
});

function* steps(work: Generator<undefined, unknown, undefined>): Generator<undefined> {
  while (work.next().done !== true) yield;
}

/** Asserts that drawn cases are the same one after the other, and that most of them keep something for several Rollouts. */
function assertSame(
  keep: Preserver,
  cases: fc.Arbitrary<readonly [KubeObject, KubeObject, readonly KubeObject[]]>,
): void {
  let several = 0;
  fc.assert(
    // Drawn objects may have no prototype, those of a request have one.
    fc.property(cases.map(structuredClone), ([object, old, drivers]) => {
      if (expectSame(keep, object, old, drivers) > 1) several++;
    }),
    { numRuns: 500 },
  );
  expect(several).toBeGreaterThan(60);
}

const destinations = (app: string, canary: number, stable = 100 - canary): unknown[] => [
  { destination: { host: `${app}-stable` }, weight: stable },
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

function httpRoute(rules: readonly unknown[], labels: Json | undefined): KubeObject {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'route', namespace: 'shop', ...(labels === undefined ? {} : { labels }) },
    spec: { rules },
  };
}

const servicesOf = (app: string): Json => ({ stableService: `${app}-stable`, canaryService: `${app}-canary` });
const withIstio = (routes: readonly string[], managed: readonly string[]): Json => ({
  trafficRouting: {
    istio: { virtualService: { name: 'vs', routes } },
    managedRoutes: managed.map((name) => ({ name })),
  },
});
const withPlugin = (config: Json, managed: readonly string[] = []): Json => ({
  trafficRouting: {
    plugins: { 'argoproj-labs/gatewayAPI': config },
    managedRoutes: managed.map((name) => ({ name })),
  },
});

describe('what is kept for all Rollouts is what is kept for one after the other', () => {
  it('in a VirtualService', () => {
    const rollouts = fc.array(
      fc.record({
        app: fc.constantFrom(...APPS),
        routes: fc.subarray([...ROUTES, 'm']),
        managed: fc.shuffledSubarray(MANAGED),
        canary: fc.constantFrom(10, 20),
        experiment: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    );
    // Also unnamed ones, and several with one name.
    const routes = fc
      .tuple(
        fc.shuffledSubarray([...ROUTES, ...MANAGED, '']),
        fc.array(fc.constantFrom(...MANAGED), { maxLength: 2 }),
        fc.constantFrom(...APPS),
        fc.constantFrom(0, 10, 20),
      )
      .map(([names, again, app, canary]) =>
        [...names, ...again].map((name) => ({ ...(name === '' ? {} : { name }), route: destinations(app, canary) })),
      );
    assertSame(
      virtualServiceWeights,
      fc
        .tuple(rollouts, routes, routes)
        .map(([drawn, before, after]) => [
          virtualService(after),
          virtualService(before),
          drawn.map(({ app, routes: named, managed, canary, experiment }, index) =>
            inUpdate(
              index,
              { ...servicesOf(app), ...withIstio(named, managed) },
              { canary: { weight: canary }, ...additional(experiment ? ['y-canary'] : []) },
            ),
          ),
        ]),
    );
  });

  it('in a VirtualService in which a route is where it is stored once that of another Rollout is restored', () => {
    const routes = (names: readonly string[]): KubeObject =>
      virtualService(names.map((name) => ({ name, route: destinations('x', 10) })));
    const driver = (managed: string, index: number): KubeObject =>
      inUpdate(index, { ...servicesOf('x'), ...withIstio([], [managed]) }, { canary: { weight: 10 } });
    const drivers = ['o', 'm'].map(driver);
    expectSame(virtualServiceWeights, routes(['a', 'm', 'n']), routes(['n', 'o', 'm', 'n']), drivers);
  });

  it('in an HTTPRoute', () => {
    const SERVICES = APPS.flatMap((app) => [`${app}-stable`, `${app}-canary`]);
    const rollouts = fc.array(
      fc.record({
        app: fc.constantFrom(...APPS),
        managed: fc.subarray(MANAGED),
        canary: fc.constantFrom(10, 20),
        experiment: fc.subarray(['x-canary', 'y-canary', 'e']),
        config: fc.oneof(
          fc.record({ httpRoute: fc.constant('route'), inProgressLabelKey: fc.constantFrom(...LABELS) }),
          fc.record({
            httpRouteSelector: fc.constantFrom(...LABELS).map((key) => ({ matchLabels: { [key]: 'yes' } })),
          }),
        ),
      }),
      { minLength: 1, maxLength: 5 },
    );
    const backend = fc.record({ name: fc.constantFrom(...SERVICES, 'e'), weight: fc.constantFrom(0, 10, 80, 100) });
    const rule = fc
      .record({
        name: fc.constantFrom('', '', 'a', 'm', 'm-1', 'n', 'n-2'),
        backendRefs: fc.oneof(
          fc.array(backend, { minLength: 1, maxLength: 3 }),
          fc.tuple(fc.constantFrom(...APPS), fc.constantFrom(0, 20)).map(([app, weight]) => [
            { name: `${app}-stable`, weight: 100 - weight },
            { name: `${app}-canary`, weight },
          ]),
        ),
        matches: fc.constantFrom([{ headers: [{ name: 'h', value: '1' }] }], [{ path: { value: '/' } }]),
      })
      .map(({ name, ...rest }) => (name === '' ? rest : { name, ...rest }));
    const labels = fc.constantFrom(undefined, {}, { one: 'yes' }, { one: 'yes', two: 'yes' });
    const route = fc.tuple(fc.array(rule, { maxLength: 5 }), labels).map(([rules, each]) => httpRoute(rules, each));
    assertSame(
      routeWeights,
      fc.tuple(rollouts, route, route).map(([drawn, before, after]) => [
        after,
        before,
        drawn.map(({ app, managed, canary, experiment, config }, index) =>
          inUpdate(
            index,
            {
              ...servicesOf(app),
              ...withPlugin(config, managed),
              steps: managed.map((name) => ({ setHeaderRoute: { name, match: [{ headerName: 'h' }] } })),
            },
            { canary: { weight: canary }, ...additional(experiment) },
          ),
        ),
      ]),
    );
  });

  it('if one names the route that another has lost', () => {
    const drivers = [
      inUpdate(0, { ...servicesOf('x'), ...withIstio(['a'], ['m']) }, { canary: { weight: 10 } }),
      inUpdate(1, { ...servicesOf('y'), ...withIstio(['m'], []) }, { canary: { weight: 10 } }),
    ];
    const other = { name: 'a', route: [] };
    const old = virtualService([{ name: 'm', route: destinations('y', 10, 80) }, other]);
    // What the first puts back is what is stored, so nothing is left for the second.
    expect(expectSame(virtualServiceWeights, virtualService([other]), old, drivers)).toBe(1);
  });

  it('if each has lost a label, and all labels are gone', () => {
    const drivers = APPS.map((app, index) =>
      inUpdate(
        index,
        { ...servicesOf(app), ...withPlugin({ httpRoute: 'route', inProgressLabelKey: app }) },
        { canary: { weight: 10 } },
      ),
    );
    const rules = APPS.map((app) => ({
      backendRefs: [
        { name: `${app}-stable`, weight: 90 },
        { name: `${app}-canary`, weight: 10 },
      ],
    }));
    const old = httpRoute(rules, { x: 'in-progress', y: 'in-progress' });
    expect(expectSame(routeWeights, httpRoute(rules, undefined), old, drivers)).toBe(2);
  });
});
