import { describe, expect, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { BUILT_IN, countOperations, growthOf, type Operations } from '../support/operations.ts';
import { Budget } from '../../src/rules/budget.ts';
import { Checker } from '../../src/rules/engine.ts';
import { RuleIndex } from '../../src/rules/rule-index.ts';
import { RULES } from '../../src/rules/index.ts';
import { kindOf, type KubeObject } from '../../src/world/object.ts';
import { references } from '../../src/world/references.ts';
import { valuesOf } from '../../src/world/values.ts';
import { storeOf } from '../../src/world/store.ts';
import {
  analysisStep,
  container,
  istio,
  metric,
  object,
  rollout,
  servicesOf,
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
  nested,
  one,
  pods,
  queryOf,
  type Dimension,
} from './setups.ts';

// A check is not interrupted between two operations. So what it does before it looks something up, or between two
// look-ups, must count as well: then it ends at its budget, however large the objects are.

const BUDGET = {
  operations: 1_000_000,
  operationsOfCheck: 500,
  values: Infinity,
  subjects: 100,
  expired: (): boolean => false,
};
const BEYOND = { few: 3_000, many: 12_000 };
// What an object with many values costs more before it is read. Each of what the many have more would cost some as well.
const FEW_OPERATIONS = 200;

const plugin = (value: unknown): Dimension['make'] => {
  return () => [template('t', { metrics: [{ name: 'm', provider: { plugin: { value } } }] })];
};

const OF_STEPS = /^(managed-route-effect|rollout-(steps|route-steps|experiment)|experiment-|route-)/;
const WITH_HEADER_ROUTES = gateway({ httpRoutes: [{ name: 'r', useHeaderRoutes: true }] });

const TURNS: readonly (Dimension & { readonly rules: RegExp })[] = [
  {
    title: 'placeholders of a text that are not declared',
    rules: /^analysis-placeholders$/,
    make: (n) => [template('t', { args: [{ name: 'a' }], metrics: [metric('m', queryOf(n, 'x'))] })],
  },
  {
    title: 'times that a text has one placeholder',
    rules: /^analysis-placeholders$/,
    make: (n) => [template('t', { metrics: [metric('m', '{{args.a}}'.repeat(2 * n))] })],
  },
  {
    title: 'texts with placeholders',
    rules: /^analysis-placeholders$/,
    make: (n) => plugin(times(n, () => '{{x}}'))(n),
  },
  {
    title: 'texts with placeholders below a deep value',
    rules: /^analysis-placeholders$/,
    make: (n) => plugin({ ...nested(150), inner: times(n, (i) => `{{args.x-${i}}}`) })(n),
  },
  {
    title: 'values without placeholders',
    rules: /^analysis-placeholders$/,
    make: (n) => plugin(times(10 * n, () => ({})))(n),
  },
  {
    title: 'placeholders of a template that another object uses',
    rules: /^analysis-placeholders$/,
    make: (n) => [
      template('t', { metrics: [metric('m', queryOf(n, 'x'))] }),
      rollout('app', { canary: { steps: [analysisStep(['t'])] } }),
    ],
  },
  {
    title: 'analysis steps',
    rules: /^(analysis-|reference-exists)/,
    make: (n) => one({ steps: times(n, (i) => analysisStep([`t-${i}`], [{ name: 'a', value: String(i) }])) }),
  },
  {
    title: 'analysis steps without templates',
    rules: /^(analysis-|reference-exists)/,
    make: (n) => one({ steps: times(n, () => ({ analysis: {} })) }),
  },
  {
    title: 'experiment steps',
    rules: /^(analysis-|reference-exists)/,
    make: (n) => one({ steps: times(n, () => ({ experiment: { analyses: [{ name: 'a', templateName: 't' }] } })) }),
  },
  {
    title: 'metrics',
    rules: /^analysis-(metrics|placeholders)$/,
    make: (n) => [
      template('t', {
        args: times(n, (i) => ({ name: `a-${i}` })),
        metrics: times(n, (i) => metric(`m-${i}`, `{{args.a-${i}}}`)),
      }),
    ],
  },
  {
    title: 'arguments and rules of one analysis',
    rules: /^analysis-(args|metrics)$/,
    make: (n) => [
      template('t'),
      ...one({
        steps: [analysisStep(['t'], times(n, argument), { dryRun: times(n, (i) => ({ metricName: `m-${i}.*` })) })],
      }),
    ],
  },
  {
    title: 'ports of a container',
    rules: /^(rollout-(container-ports|probes)|service-target-port)$/,
    make: (n) =>
      pods({ containers: [container('app', { ports: times(n, (i) => ({ name: `p-${i}`, containerPort: 1 + i })) })] }),
  },
  {
    title: 'empty containers',
    rules: /^(rollout-|service-target-port$)/,
    make: (n) => pods({ containers: times(n, () => ({})) }),
  },
  {
    title: 'empty metrics',
    rules: /^analysis-/,
    make: (n) => [template('t', { metrics: times(n, () => ({})) })],
  },
  {
    title: 'arguments of a template',
    rules: /^analysis-/,
    make: (n) => [template('t', { args: times(n, (i) => ({ name: `a-${i}` })) })],
  },
  {
    title: 'empty steps',
    rules: OF_STEPS,
    make: (n) => one({ ...WITH_HEADER_ROUTES, steps: times(n, () => ({})) }, httpRoute('r', [backends('app')])),
  },
  {
    title: 'steps that pause',
    rules: OF_STEPS,
    make: (n) => one({ steps: times(n, () => ({ pause: { duration: '1h' } })) }),
  },
  {
    title: 'steps that set header routes',
    rules: OF_STEPS,
    make: (n) => one({ steps: times(n, () => ({ setHeaderRoute: { name: 'h' } })) }),
  },
  {
    title: 'volumes',
    rules: /^rollout-volumes$/,
    make: (n) => pods({ volumes: times(n, (i) => ({ name: `v-${i}`, emptyDir: {} })) }),
  },
  {
    title: 'mounts of a container',
    rules: /^rollout-volumes$/,
    make: (n) => {
      const volumeMounts = times(n, (i) => ({ name: 'v', mountPath: `/m-${i}` }));
      return pods({ volumes: [{ name: 'v', emptyDir: {} }], containers: [container('app', { volumeMounts })] });
    },
  },
  {
    title: 'pull secrets',
    rules: /^rollout-pod-settings$/,
    make: (n) => pods({ imagePullSecrets: times(n, (i) => ({ name: `s-${i}` })) }),
  },
  {
    title: 'empty volumes',
    rules: /^rollout-volume-sources$/,
    make: (n) => pods({ volumes: times(n, () => ({})) }),
  },
  {
    title: 'templates of an experiment',
    rules: /^experiment-service$/,
    make: (n) => [
      object('argoproj.io/v1alpha1', 'Experiment', 'e', {
        templates: times(n, (i) => ({ name: `p-${i}`, service: { name: `s-${i}` }, template: {} })),
      }),
    ],
  },
  {
    title: 'ports of Services',
    rules: /^service-(ports-agree|target-port)$/,
    make: (n) => [
      rollout('app'),
      ...servicesOf(
        'app',
        times(n, (i) => ({ name: `p-${i}`, port: 1 + i })),
      ),
    ],
  },
  {
    title: 'labels of a Service selector',
    rules: /^service-selector$/,
    make: (n) => [
      rollout('app', { labels: { app: 'app' } }),
      object('v1', 'Service', 'app-stable', { selector: Object.fromEntries(times(n, (i) => [`l-${i}`, 'x'])) }),
    ],
  },
];

const OF_ISTIO = /^(virtualservice-|destinationrule-|route-|service-(ports-agree|shared)|subset-|managed-route-)/;
const bySubset = {
  trafficRouting: {
    istio: {
      virtualService: { name: 'vs', routes: ['main'] },
      destinationRule: { name: 'dr', stableSubsetName: 'stable', canarySubsetName: 'canary' },
    },
  },
};
const main = (route: readonly unknown[]): KubeObject => virtualService('vs', { http: [{ name: 'main', route }] });

// What a Rollout finds in the object of its router.
const ROUTED: typeof TURNS = [
  {
    title: 'routes next to a subset that is removed',
    rules: /^destinationrule-extra-subsets$/,
    make: (n) =>
      one(
        {
          trafficRouting: {
            istio: {
              virtualService: { name: 'vs' },
              destinationRule: { name: 'dr', stableSubsetName: 'stable', canarySubsetName: 'canary' },
            },
          },
        },
        virtualService('vs', { http: times(n, () => ({})) }),
        destinationRule('dr', ['stable', 'canary', 'old']),
      ),
  },
  // Each alone, so that no other rule has read the routes before it.
  ...['managed-route-clash', 'managed-route-effect', 'virtualservice-route-growth'].map((id) => ({
    title: `routes read for ${id}`,
    rules: new RegExp(`^${id}$`),
    make: (n: number) =>
      one(
        {
          ...istio('vs', id === 'managed-route-effect' ? [] : ['r-0'], { managedRoutes: [{ name: 'm' }] }),
          steps: [
            { setWeight: 10 },
            { setHeaderRoute: { name: 'm', match: [{ headerName: 'x', headerValue: { exact: 'y' } }] } },
            { setWeight: 20 },
          ],
        },
        virtualService('vs', { http: times(n, (i) => ({ name: `r-${i}` })) }),
      ),
  })),
  {
    title: 'destinations whose hosts name no Service',
    rules: OF_ISTIO,
    make: (n) => one(istio('vs', ['main']), main(times(n, (i) => ({ destination: { host: `h-${i}.example` } })))),
  },
  {
    title: 'empty destinations',
    rules: OF_ISTIO,
    make: (n) => one(istio('vs', ['main']), main(times(n, () => ({})))),
  },
  {
    title: 'destinations that are subsets',
    rules: OF_ISTIO,
    make: (n) =>
      one(
        bySubset,
        destinationRule('dr', ['stable', 'canary']),
        main(times(n, () => ({ destination: { host: 'h.example', subset: 'stable' } }))),
      ),
  },
  {
    title: 'empty http routes',
    rules: OF_ISTIO,
    make: (n) => one(istio('vs', ['main']), virtualService('vs', { http: times(n, () => ({})) })),
  },
  {
    title: 'tcp routes of one port',
    rules: OF_ISTIO,
    make: (n) =>
      one(
        { trafficRouting: { istio: { virtualService: { name: 'vs', tcpRoutes: [{ port: 80 }] } } } },
        virtualService('vs', { tcp: times(n, () => ({ match: [{ port: 80 }] })) }),
      ),
  },
  {
    title: 'subsets of a DestinationRule',
    rules: OF_ISTIO,
    make: (n) =>
      one(
        bySubset,
        main([]),
        destinationRule(
          'dr',
          times(n, (i) => `s-${i}`),
        ),
      ),
  },
  {
    title: 'backends of an Ingress',
    rules: /^(route-|ingress-|service-ports-agree)/,
    make: (n) =>
      one(
        { trafficRouting: { nginx: { stableIngress: 'i' } } },
        object('networking.k8s.io/v1', 'Ingress', 'i', { rules: [{ http: { paths: times(n, () => ({})) } }] }),
      ),
  },
  {
    title: 'services of a TraefikService',
    rules: /^(route-|traefik-|service-ports-agree)/,
    make: (n) =>
      one(
        { trafficRouting: { traefik: { weightedTraefikServiceName: 'ts' } } },
        object('traefik.io/v1alpha1', 'TraefikService', 'ts', {
          weighted: { services: times(n, () => ({ name: 'app-stable', port: 80 })) },
        }),
      ),
  },
  {
    title: 'backends of an ApisixRoute',
    rules: /^(apisix-|route-|service-ports-agree)/,
    make: (n) =>
      one(
        { trafficRouting: { apisix: { route: { name: 'ar', rules: ['main'] } } } },
        object('apisix.apache.org/v2', 'ApisixRoute', 'ar', {
          http: [{ name: 'main', backends: times(n, () => ({ serviceName: 'app-stable', servicePort: 80 })) }],
        }),
      ),
  },
];

/** Returns the operations of the check that takes most of them. */
function mostOfOneCheck(objects: readonly KubeObject[], ids: RegExp): Operations {
  const world = storeOf(objects);
  const rules = RuleIndex.of(RULES.filter(({ id }) => ids.test(id)));
  // They are counted, and the world takes their references, before a rule begins.
  objects.forEach(references);
  objects.forEach(valuesOf);
  const checks = objects.flatMap((subject) => {
    const kind = kindOf(subject);
    if (kind === undefined) return [];
    const { alone, across } = rules.forSubject(kind);
    const checker = new Checker(world, new Budget(BUDGET));
    return [...alone, ...across].map((rule) => () => void checker.check(rule, subject));
  });
  const counted = countOperations(...checks).map((check) => {
    // Texts are searched for many characters at a time.
    const ofTexts = [...check.functions].filter(([name]) => name.startsWith(`${BUILT_IN} String.`));
    return { ...check, total: ofTexts.reduce((rest, [, count]) => rest - count, check.total) };
  });
  return counted.reduce((most, check) => (check.total > most.total ? check : most));
}

describe.each([...TURNS, ...ROUTED])('what $title cost in one turn', ({ make, rules }) => {
  it('ends at the budget of a check', () => {
    mostOfOneCheck(make(2), rules);
    const [few, many] = [mostOfOneCheck(make(BEYOND.few), rules), mostOfOneCheck(make(BEYOND.many), rules)];
    expect(many.total < 1.2 * few.total + FEW_OPERATIONS ? [] : growthOf(few, many)).toEqual([]);
  });
});
