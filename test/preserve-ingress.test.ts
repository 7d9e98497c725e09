import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ingressWeights } from '../src/preserve/ingress-weights.ts';
import type { KubeObject } from '../src/world/object.ts';
import { storeOf } from '../src/world/store.ts';
import { apply } from './support/preserver-tester.ts';

/** How many random Ingresses each property tries. */
const CASES = Number(process.env['KEEP_CASES'] ?? 300);
const TIME = Math.max(300_000, CASES * 20);

const ROUTES = ['m-a', 'm-b'];
const ACTION = 'alb.ingress.kubernetes.io/actions.root';
const LIST = 'rollouts.argoproj.io/managed-alb-annotations';
const keysOf = (route: string): string[] => [
  `alb.ingress.kubernetes.io/actions.${route}`,
  `alb.ingress.kubernetes.io/conditions.${route}`,
];

type Texts = Readonly<Record<string, string>>;
interface Path {
  readonly path: string;
  readonly service: string;
}
interface Rule {
  readonly host: string;
  readonly paths: readonly Path[];
}

function ingress(annotations: Texts | undefined, rules: readonly Rule[]): KubeObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web', namespace: 'shop', ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      rules: rules.map(({ host, paths }) => ({
        host,
        http: {
          paths: paths.map(({ path, service }) => ({
            path,
            backend: { service: { name: service, port: { name: 'use-annotation' } } },
          })),
        },
      })),
    },
  };
}

function actionOf(weights: readonly (readonly [string, number])[]): string {
  const groups = weights.map(([ServiceName, Weight]) => ({ ServiceName, ServicePort: '80', Weight }));
  return JSON.stringify({ Type: 'forward', ForwardConfig: { TargetGroups: groups } });
}

function rollout(status: object, routes: readonly string[] = ROUTES): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      strategy: {
        canary: {
          stableService: 'stable',
          canaryService: 'canary',
          steps: ROUTES.map((name) => ({ setHeaderRoute: { name, match: [{ headerName: 'x' }] } })),
          trafficRouting: {
            managedRoutes: routes.map((name) => ({ name })),
            alb: { ingress: 'web', rootService: 'root', servicePort: 80 },
          },
        },
      },
    },
    status,
  };
}

const weight = fc.oneof(fc.nat(100), fc.constantFrom(0, 1, 50, 100), fc.nat(999));
const group = fc.tuple(fc.constantFrom('stable', 'canary', 'stable', 'canary', 'exp', 'legacy'), weight);
const anyAction = fc.oneof(
  fc.array(group, { maxLength: 4 }).map(actionOf),
  fc.constantFrom('', '{', '[]', '{"type":"redirect"}', '{"type":"forward","forwardConfig":{"targetGroups":[{}]}}'),
);
const services = fc.constantFrom('root', 'other', ...ROUTES);
const anyRule = fc.record({
  host: fc.constantFrom('a', 'b'),
  paths: fc.array(fc.record({ path: fc.constantFrom('/*', '/v1', '/v2'), service: services }), { maxLength: 4 }),
});
const anyIngress = fc
  .tuple(
    fc.option(
      fc
        .record(
          {
            [ACTION]: anyAction,
            [LIST]: fc.constantFrom('', '{', '{}', `{"web":["${ACTION}"]}`, '{"api":["x"],"web":[]}'),
            ...Object.fromEntries(ROUTES.flatMap(keysOf).map((key) => [key, fc.constantFrom('x', 'y')])),
            team: fc.constant('a'),
          },
          { requiredKeys: [] },
        )
        .map((texts): Texts => texts as Texts),
      { nil: undefined },
    ),
    fc.array(anyRule, { maxLength: 3 }),
  )
  .map(([annotations, rules]) => ingress(annotations, rules));
const hash = fc.constantFrom('old', 'new');
const anyRollout = fc
  .record({
    currentPodHash: hash,
    stableRS: hash,
    abort: fc.boolean(),
    currentStepIndex: fc.nat(3),
    canary: fc.record({
      weights: fc.record({
        canary: fc.record({ weight, podTemplateHash: hash }),
        stable: fc.record({ weight, podTemplateHash: hash }),
        additional: fc.constantFrom([], [{ serviceName: 'exp', weight: 10 }]),
      }),
    }),
  })
  .chain((status) => fc.subarray(ROUTES).map((routes) => rollout(status, routes)));

/** A canary in progress, as the controller leaves it. */
const running = fc
  .record({ canary: fc.nat(100), routes: fc.subarray(ROUTES), hosts: fc.constantFrom(['a'], ['a', 'b']) })
  .map(({ canary, routes, hosts }) => {
    const keys = [ACTION, ...routes.flatMap(keysOf)];
    const annotations: Texts = {
      ...Object.fromEntries(routes.flatMap(keysOf).map((key) => [key, `text of ${key}`])),
      [ACTION]: actionOf([
        ['canary', canary],
        ['stable', 100 - canary],
      ]),
      [LIST]: JSON.stringify({ web: keys }),
    };
    const managed = routes.map((service): Path => ({ path: '/*', service }));
    return {
      annotations,
      managed,
      old: ingress(
        { ...annotations, team: 'a' },
        hosts.map((host) => ({ host, paths: [...managed, { path: '/*', service: 'root' }] })),
      ),
      rollout: rollout({
        currentPodHash: 'new',
        stableRS: 'old',
        currentStepIndex: 2,
        canary: {
          weights: {
            canary: { weight: canary, podTemplateHash: 'new', serviceName: 'canary' },
            stable: { weight: 100 - canary, podTemplateHash: 'old', serviceName: 'stable' },
          },
        },
      }),
    };
  });

describe('an ALB Ingress', () => {
  it(
    'is not changed when exactly what is stored is applied',
    () => {
      fc.assert(
        fc.property(anyIngress, anyRollout, (stored, one) => {
          const { operations, reordered, notes } = ingressWeights.keep({
            submitted: structuredClone(stored),
            old: stored,
            rollout: one,
            rollouts: [one],
            drivers: [one],
            world: storeOf([stored, one]),
          });
          if (operations.length + (reordered?.length ?? 0) + notes.length > 0)
            expect({ operations, reordered, notes }).toEqual({ operations: [], reordered: [], notes: [] });
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );

  it(
    'keeps what the controller wrote, and takes every other edit',
    () => {
      const edits = fc.record({
        // What Git has of the controller's: nothing, or an action with other weights.
        action: fc.constantFrom(undefined, 0, 50, 100),
        annotations: fc.boolean(),
        texts: fc.dictionary(fc.constantFrom('team', 'alb.ingress.kubernetes.io/scheme'), fc.constantFrom('x', 'y')),
        extra: fc.array(
          fc.record({ path: fc.constantFrom('/v1', '/v2'), service: fc.constantFrom('other', 'legacy') }),
          { maxLength: 3 },
        ),
        hosts: fc.constantFrom(['a'], ['b', 'a'], ['new'], ['a', 'new']),
        before: fc.boolean(),
      });
      fc.assert(
        fc.property(running, edits, ({ annotations, managed, old, rollout: one }, edit) => {
          const root: Path = { path: '/*', service: 'root' };
          const own: Texts = {
            ...edit.texts,
            ...(edit.action === undefined
              ? {}
              : {
                  [ACTION]: actionOf([
                    ['canary', edit.action],
                    ['stable', 100 - edit.action],
                  ]),
                }),
          };
          const paths = edit.before ? [...edit.extra, root] : [root, ...edit.extra];
          const submitted = ingress(
            edit.annotations ? own : undefined,
            edit.hosts.map((host) => ({ host, paths })),
          );
          const { object } = apply(ingressWeights, submitted, old, one);
          expect(object).toEqual(
            ingress(
              { ...(edit.annotations ? own : {}), ...annotations },
              edit.hosts.map((host) => ({ host, paths: [...managed, ...paths] })),
            ),
          );
        }),
        { numRuns: CASES },
      );
    },
    TIME,
  );
});
