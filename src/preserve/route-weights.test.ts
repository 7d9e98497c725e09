import { describe, expect, it } from 'vitest';
import { apply, yaml } from '../../test/support/preserver-tester.ts';
import type { KubeObject } from '../world/object.ts';
import { routeWeights } from './route-weights.ts';

interface RolloutOptions {
  readonly config?: string;
  readonly managed?: string;
  readonly steps?: string;
  readonly weight?: number | undefined;
  readonly additional?: string;
  readonly status?: string;
}

const MID = 'currentPodHash: new, stableRS: old';

function rollout(options: RolloutOptions = {}): KubeObject {
  const { config = 'httpRoute: web', managed = '', steps = '', additional = '', status = MID } = options;
  const weight = 'weight' in options ? options.weight : 20;
  const weights =
    weight === undefined
      ? '{}'
      : `{weights: {canary: {weight: ${weight}}, stable: {weight: ${100 - weight}}, additional: [${additional}]}}`;
  return yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec: {strategy: {canary: {stableService: stable, canaryService: canary, steps: [${steps}], trafficRouting: {managedRoutes: [${managed}], plugins: {argoproj-labs/gatewayAPI: {${config}}}}}}}
status: {${status}, canary: ${weights}}
`);
}

function route(rules: string, options: { kind?: string; name?: string; labels?: string } = {}): KubeObject {
  const { kind = 'HTTPRoute', name = 'web', labels } = options;
  return yaml(`
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: {name: ${name}, namespace: shop${labels === undefined ? '' : `, labels: {${labels}}`}}
spec: {rules: ${rules}}
`);
}

// Of a Gateway API plugin that honours maxTrafficWeight.
function outOfThousand(canary: number): KubeObject {
  const subject = rollout();
  return {
    ...subject,
    spec: {
      strategy: {
        canary: {
          stableService: 'stable',
          canaryService: 'canary',
          trafficRouting: { maxTrafficWeight: 1000, plugins: { 'argoproj-labs/gatewayAPI': { httpRoute: 'web' } } },
        },
      },
    },
    status: {
      currentPodHash: 'new',
      stableRS: 'old',
      canary: { weights: { canary: { weight: canary }, stable: { weight: 1000 - canary } } },
    },
  };
}

const to = (name: string, weight?: number | string): string =>
  `{name: ${name}, port: 80${weight === undefined ? '' : `, weight: ${weight}`}}`;
const pair = (stable?: number | string, canary?: number | string): string =>
  `backendRefs: [${to('stable', stable)}, ${to('canary', canary)}]`;
const on = (path: string): string => `matches: [{path: {type: PathPrefix, value: ${path}}}]`;
const LABEL = 'rollouts.argoproj.io/gatewayapi-canary: in-progress';

describe('route-weights', () => {
  it('keeps the weights of a canary under way, and lets a new match, filter, backend and other rule through', () => {
    const submitted = route(
      `[{${on('/legacy')}, backendRefs: [${to('legacy', 3)}]}, {${on('/v2')}, filters: [{type: URLRewrite}], ${pair(100, 0)}}]`,
    );
    const stored = route(`[{${on('/v1')}, ${pair(80, 20)}}]`);
    const { object, operations, notes } = apply(routeWeights, submitted, stored, rollout());
    expect(object).toEqual(
      route(
        `[{${on('/legacy')}, backendRefs: [${to('legacy', 3)}]}, {${on('/v2')}, filters: [{type: URLRewrite}], ${pair(80, 20)}}]`,
      ),
    );
    expect(operations).toEqual([
      { op: 'replace', path: '/spec/rules/1/backendRefs/0/weight', value: 80 },
      { op: 'replace', path: '/spec/rules/1/backendRefs/1/weight', value: 20 },
    ]);
    expect(notes).toEqual(['weights stable 80, canary 20']);
  });

  it.each<[string, string, string | undefined, RolloutOptions, string]>([
    ['the stored weight wins over the status', pair(100, 0), pair(60, 40), {}, pair(60, 40)],
    ['a stored weight of the wrong type does not', pair(100, 0), pair(60, 'lots'), {}, pair(80, 20)],
    ['one that nobody wrote is 1', pair(100, 0), pair(), {}, pair(1, 1)],
    ['weights that send nothing anywhere are not copied', pair(100, 0), pair(0, 0), {}, pair(80, 20)],
    ['a new route gets the weights of the status', pair(100, 0), undefined, {}, pair(80, 20)],
    ['weights are added where there are none', pair(), pair(80, 20), {}, pair(80, 20)],
    ['an absent weight is 1', pair(100), pair(99, 1), {}, `backendRefs: [${to('stable', 99)}, ${to('canary')}]`],
    [
      'a settled Rollout keeps 100 and 0',
      pair(50, 50),
      pair(100, 0),
      { weight: 0, status: 'currentPodHash: old, stableRS: old' },
      pair(100, 0),
    ],
    [
      'other backends stay as they were submitted',
      `backendRefs: [${to('legacy', 7)}, ${to('stable', 100)}, ${to('canary', 0)}]`,
      pair(80, 20),
      {},
      `backendRefs: [${to('legacy', 7)}, ${to('stable', 80)}, ${to('canary', 20)}]`,
    ],
    ['a rule with a malformed weight is left alone', pair('"100"', 0), pair(80, 20), {}, pair('"100"', 0)],
    [
      'what is no backend is passed over',
      `backendRefs: [null, 7, ${to('stable', 100)}, ${to('canary', 0)}]`,
      pair(80, 20),
      {},
      `backendRefs: [null, 7, ${to('stable', 80)}, ${to('canary', 20)}]`,
    ],
    [
      'a rule for stable alone gets its weight too',
      `${pair(100, 0)}}, {backendRefs: [${to('stable', 1)}]`,
      pair(80, 20),
      {},
      `${pair(80, 20)}}, {backendRefs: [${to('stable', 80)}]`,
    ],
    [
      'but never 0',
      `${pair(100, 0)}}, {backendRefs: [${to('stable', 1)}]`,
      pair(0, 100),
      { weight: 100 },
      `${pair(0, 100)}}, {backendRefs: [${to('stable', 1)}]`,
    ],
    [
      'nor 0 next to backends that have 0 too',
      `${pair(100, 0)}}, {backendRefs: [${to('stable', 100)}, ${to('legacy', 0)}]`,
      pair(0, 100),
      { weight: 100 },
      `${pair(0, 100)}}, {backendRefs: [${to('stable', 100)}, ${to('legacy', 0)}]`,
    ],
    [
      'a rule of stable and others keeps 0 where others get the traffic',
      `${pair(100, 0)}}, {backendRefs: [${to('stable', 100)}, ${to('legacy', 7)}]`,
      pair(0, 100),
      { weight: 100 },
      `${pair(0, 100)}}, {backendRefs: [${to('stable', 0)}, ${to('legacy', 7)}]`,
    ],
    [
      'a route without the canary Service is left alone, as by the plugin',
      `backendRefs: [${to('stable', 100)}, ${to('renamed', 7)}]`,
      pair(0, 100),
      { weight: 100 },
      `backendRefs: [${to('stable', 100)}, ${to('renamed', 7)}]`,
    ],
    [
      'and so is one without the stable Service',
      `backendRefs: [${to('renamed', 93)}, ${to('canary', 7)}]`,
      pair(0, 100),
      { weight: 100 },
      `backendRefs: [${to('renamed', 93)}, ${to('canary', 7)}]`,
    ],
    [
      'a rule for the canary alone counts as the plugin’s',
      `backendRefs: [${to('canary', 1)}]`,
      pair(80, 20),
      {},
      `backendRefs: [${to('canary', 1)}]`,
    ],
    [
      'before the controller has set a weight there is nothing to keep',
      pair(100, 0),
      pair(50, 50),
      { weight: undefined },
      pair(100, 0),
    ],
  ])('%s', (_, submitted, stored, options, expected) => {
    const { object } = apply(
      routeWeights,
      route(`[{${submitted}}]`),
      stored === undefined ? undefined : route(`[{${stored}}]`),
      rollout(options),
    );
    expect(object).toEqual(route(`[{${expected}}]`));
  });

  it.each(['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute'])(
    'keeps them in %s, by single name, in a list and by selector',
    (kind) => {
      const field = `${kind.slice(0, -5).toLowerCase()}Route`;
      for (const config of [
        `${field}: web`,
        `${field}s: [{name: other}, {name: web}]`,
        `${field}Selector: {matchLabels: {app: web}}`,
      ]) {
        const options = { kind, labels: 'app: web' };
        expect(
          apply(
            routeWeights,
            route(`[{${pair(100, 0)}}]`, options),
            route(`[{${pair(80, 20)}}]`, options),
            rollout({ config }),
          ).object,
        ).toEqual(route(`[{${pair(80, 20)}}]`, options));
        const elsewhere = { kind, name: 'elsewhere', labels: 'app: else' };
        expect(
          apply(
            routeWeights,
            route(`[{${pair(100, 0)}}]`, elsewhere),
            route(`[{${pair(80, 20)}}]`, elsewhere),
            rollout({ config }),
          ).operations,
        ).toEqual([]);
      }
    },
  );

  it('tells rules by name, then by match; a new one takes the weight of the others', () => {
    const stored = route(`[{name: a, ${on('/a')}, ${pair(90, 10)}}, {${on('/b')}, ${pair(90, 10)}}]`);
    const submitted = route(
      `[{${on('/new')}, ${pair(100, 0)}}, {${on('/b')}, ${pair(100, 0)}}, {name: a, ${on('/a2')}, ${pair(100, 0)}}]`,
    );
    expect(apply(routeWeights, submitted, stored, rollout()).object).toEqual(
      route(
        `[{${on('/new')}, ${pair(90, 10)}}, {${on('/b')}, ${pair(90, 10)}}, {name: a, ${on('/a2')}, ${pair(90, 10)}}]`,
      ),
    );
  });

  it('tells rules by name even where their matches were swapped', () => {
    const stored = route(`[{name: a, ${on('/a')}, ${pair(90, 10)}}, {name: b, ${on('/b')}, ${pair(70, 30)}}]`);
    const submitted = route(`[{name: a, ${on('/b')}, ${pair(100, 0)}}, {name: b, ${on('/a')}, ${pair(100, 0)}}]`);
    expect(apply(routeWeights, submitted, stored, rollout()).object).toEqual(
      route(`[{name: a, ${on('/b')}, ${pair(90, 10)}}, {name: b, ${on('/a')}, ${pair(70, 30)}}]`),
    );
  });

  it('takes the weight of the status for a new rule where the others differ', () => {
    const stored = route(`[{${on('/a')}, ${pair(100, 0)}}, {${on('/b')}, ${pair(70, 30)}}]`);
    const submitted = route(
      `[{${on('/a')}, ${pair(100, 0)}}, {${on('/b')}, ${pair(100, 0)}}, {${on('/c')}, ${pair(100, 0)}}]`,
    );
    expect(apply(routeWeights, submitted, stored, rollout()).object).toEqual(
      route(`[{${on('/a')}, ${pair(100, 0)}}, {${on('/b')}, ${pair(70, 30)}}, {${on('/c')}, ${pair(80, 20)}}]`),
    );
  });

  describe('with a running experiment', () => {
    const additional = '{serviceName: exp, weight: 10, podTemplateHash: exp}';
    const exp = '{name: exp, namespace: shop, port: 8080, weight: 10}';
    const three = (stable: number, canary: number): string =>
      `[{backendRefs: [${to('stable', stable)}, ${to('canary', canary)}, ${exp}]}]`;

    it('puts its backend back into the first rule, and leaves stable what the plugin leaves it', () => {
      const { object, operations } = apply(
        routeWeights,
        route(`[{${pair(100, 0)}}]`),
        route(three(90, 20)),
        rollout({ additional }),
      );
      expect(object).toEqual(route(three(90, 20)));
      expect(operations.at(-1)).toEqual({
        op: 'add',
        path: '/spec/rules/0/backendRefs/-',
        value: { name: 'exp', namespace: 'shop', port: 8080, weight: 10 },
      });
    });

    it('does not once it is over, nor in another kind of route', () => {
      expect(apply(routeWeights, route(`[{${pair(100, 0)}}]`), route(three(90, 20)), rollout()).object).toEqual(
        route(`[{${pair(80, 20)}}]`),
      );
      const kind = { kind: 'GRPCRoute' };
      expect(
        apply(
          routeWeights,
          route(`[{${pair(100, 0)}}]`, kind),
          route(three(80, 20), kind),
          rollout({ additional, config: 'grpcRoute: web' }),
        ).object,
      ).toEqual(route(`[{${pair(80, 20)}}]`, kind));
    });
  });

  describe('with header rules', () => {
    const managed = '{name: canary-header}';
    const steps =
      '{setHeaderRoute: {name: canary-header, match: [{headerName: x-canary, headerValue: {exact: "1"}}]}}, {pause: {}}';
    const running = { managed, steps, status: `${MID}, currentStepIndex: 1` };
    const header = (name: string, path = '/'): string =>
      `{${name === '' ? '' : `name: ${name}, `}matches: [{path: {type: PathPrefix, value: ${path}}, headers: [{name: x-canary, value: "1"}]}], filters: [], backendRefs: [${to('canary')}]}`;

    it('puts them back behind the others, with their numbers', () => {
      const stored = route(
        `[{${on('/')}, ${pair(80, 20)}}, ${header('canary-header')}, ${header('canary-header-1', '/b')}]`,
      );
      const { object, operations, notes } = apply(
        routeWeights,
        route(`[{${on('/')}, ${pair(80, 20)}}]`),
        stored,
        rollout(running),
      );
      expect(object).toEqual(stored);
      expect(operations.map(({ op, path }) => `${op} ${path}`)).toEqual(['add /spec/rules/-', 'add /spec/rules/-']);
      expect(notes).toEqual(['the header rules of the update in progress']);
    });

    it('mends one where it stands', () => {
      const stored = route(`[{${on('/')}, ${pair(80, 20)}}, ${header('canary-header')}]`);
      const { object, operations } = apply(
        routeWeights,
        route(`[${header('canary-header', '/mine')}, {${on('/')}, ${pair(80, 20)}}]`),
        stored,
        rollout(running),
      );
      expect(object).toEqual(route(`[${header('canary-header')}, {${on('/')}, ${pair(80, 20)}}]`));
      expect(operations.map(({ op, path }) => `${op} ${path}`)).toEqual(['replace /spec/rules/0']);
    });

    it('knows unnamed ones by their headers, and no other rule for the canary alone', () => {
      const own = `{${on('/preview')}, backendRefs: [${to('canary')}]}`;
      const stored = route(`[${own}, {${on('/')}, ${pair(80, 20)}}, ${header('')}]`);
      expect(apply(routeWeights, route(`[{${on('/')}, ${pair(80, 20)}}]`), stored, rollout(running)).object).toEqual(
        route(`[{${on('/')}, ${pair(80, 20)}}, ${header('')}]`),
      );
    });

    it.each<[string, RolloutOptions, string]>([
      ['the Rollout does not list it any more', { ...running, managed: '' }, 'HTTPRoute'],
      ['the update is aborted', { ...running, status: `${MID}, currentStepIndex: 0, abort: true` }, 'HTTPRoute'],
      ['the Rollout is settled', { ...running, status: 'currentPodHash: old, stableRS: old' }, 'HTTPRoute'],
      ['header routing is off for the route', { ...running, config: 'httpRoutes: [{name: web}]' }, 'HTTPRoute'],
      ['the kind has no header rules', { ...running, config: 'tcpRoute: web' }, 'TCPRoute'],
    ])('lets them go: %s', (_, options, kind) => {
      const stored = route(`[{${on('/')}, ${pair(80, 20)}}, ${header('canary-header')}]`, { kind });
      expect(
        apply(routeWeights, route(`[{${on('/')}, ${pair(80, 20)}}]`, { kind }), stored, rollout(options)).operations,
      ).toEqual([]);
    });

    it('puts none into a route that shifts no traffic any more', () => {
      const stored = route(`[{${on('/')}, ${pair(80, 20)}}, ${header('canary-header')}]`);
      expect(
        apply(routeWeights, route(`[{${on('/')}, backendRefs: [${to('other')}]}]`), stored, rollout(running))
          .operations,
      ).toEqual([]);
    });
  });

  describe('with the label of a running update', () => {
    const stored = route(`[{${pair(80, 20)}}]`, { labels: LABEL });

    it('restores it, as configured', () => {
      expect(apply(routeWeights, route(`[{${pair(80, 20)}}]`), stored, rollout()).object).toEqual(stored);
      const config = 'httpRoute: web, inProgressLabelKey: example.com/busy, inProgressLabelValue: "yes"';
      const own = route(`[{${pair(80, 20)}}]`, { labels: 'app: web, example.com/busy: "yes"' });
      const { object, operations, notes } = apply(
        routeWeights,
        route(`[{${pair(80, 20)}}]`, { labels: 'app: web' }),
        own,
        rollout({ config }),
      );
      expect(object).toEqual(own);
      expect(operations).toEqual([{ op: 'add', path: '/metadata/labels/example.com~1busy', value: 'yes' }]);
      expect(notes).toEqual(['the label of the update in progress']);
    });

    it.each<[string, KubeObject, RolloutOptions]>([
      ['the stored route had none', route(`[{${pair(80, 20)}}]`), {}],
      ['it is disabled', stored, { config: 'httpRoute: web, disableInProgressLabel: true' }],
      ['the canary gets nothing', route(`[{${pair(100, 0)}}]`, { labels: LABEL }), { weight: 0 }],
      [
        'its key is no key',
        yaml(JSON.stringify(stored).replace('rollouts.argoproj.io/gatewayapi-canary', '__proto__')),
        { config: 'httpRoute: web, inProgressLabelKey: __proto__' },
      ],
    ])('does not: %s', (_, old, options) => {
      expect(
        apply(
          routeWeights,
          route(`[{${JSON.stringify(old).includes('"weight":20') ? pair(80, 20) : pair(100, 0)}}]`),
          old,
          rollout(options),
        ).operations,
      ).toEqual([]);
    });
  });

  describe('with maxTrafficWeight', () => {
    it.each([
      [950, 50],
      [750, 250],
      [0, 1000],
    ])('keeps weights %i and %i', (stable, canary) => {
      const stored = route(`[{${pair(stable, canary)}}]`);
      expect(apply(routeWeights, stored, stored, outOfThousand(canary)).operations).toEqual([]);
      expect(apply(routeWeights, route(`[{${pair(100, 0)}}]`), stored, outOfThousand(canary)).object).toEqual(stored);
      expect(apply(routeWeights, route(`[{${pair(1, 0)}}]`), undefined, outOfThousand(canary)).object).toEqual(stored);
    });

    it('weighs a new rule like the others', () => {
      const stored = route(`[{${on('/a')}, ${pair(750, 250)}}]`);
      const submitted = route(`[{${on('/a')}, ${pair(1, 0)}}, {${on('/b')}, ${pair(1, 0)}}]`);
      expect(apply(routeWeights, submitted, stored, outOfThousand(250)).object).toEqual(
        route(`[{${on('/a')}, ${pair(750, 250)}}, {${on('/b')}, ${pair(750, 250)}}]`),
      );
    });

    it('keeps what a plugin that does not know it writes', () => {
      const stored = route(`[{${on('/a')}, ${pair(50, 50)}}]`);
      const { object, notes } = apply(
        routeWeights,
        route(`[{${on('/a')}, ${pair(1, 0)}}, {${on('/b')}, ${pair(1, 0)}}]`),
        stored,
        outOfThousand(50),
      );
      expect(object).toEqual(route(`[{${on('/a')}, ${pair(50, 50)}}, {${on('/b')}, ${pair(50, 50)}}]`));
      expect(notes).toEqual(['weights stable 50, canary 50']);
    });
  });

  describe('copies the stored weights', () => {
    const exp = (name: string): string => `{name: ${name}, namespace: shop, port: 8080, weight: 10}`;
    const additional = ['a', 'b'].map((name) => `{serviceName: ${name}, weight: 10, podTemplateHash: exp}`).join();

    it('of an experiment whose canary counts in the total', () => {
      const stored = route(`[{backendRefs: [${to('stable', 60)}, ${to('canary', 20)}, ${exp('a')}, ${exp('b')}]}]`);
      expect(apply(routeWeights, stored, stored, rollout({ additional })).operations).toEqual([]);
      const { object, notes } = apply(routeWeights, route(`[{${pair(100, 0)}}]`), stored, rollout({ additional }));
      expect(object).toEqual(stored);
      expect(notes).toEqual(['weights stable 60, canary 20, a 10, b 10']);
    });

    it('and computes them by the same total where another backend comes', () => {
      const stored = route(`[{backendRefs: [${to('stable', 60)}, ${to('canary', 20)}, ${exp('a')}, ${exp('b')}]}]`);
      const submitted = route(`[{backendRefs: [${to('stable', 100)}, ${to('canary', 0)}, ${to('legacy', 7)}]}]`);
      expect(apply(routeWeights, submitted, stored, rollout({ additional })).object).toEqual(
        route(
          `[{backendRefs: [${to('stable', 60)}, ${to('canary', 20)}, ${to('legacy', 7)}, ${exp('a')}, ${exp('b')}]}]`,
        ),
      );
    });

    it('of two rules with the same match', () => {
      const stored = route(`[{${pair(80, 20)}}, {${pair(70, 30)}}]`);
      expect(apply(routeWeights, stored, stored, rollout()).operations).toEqual([]);
    });

    it('of two ports of one Service', () => {
      const backends = (weights: readonly number[]): KubeObject =>
        route(
          `[{backendRefs: [${weights.map((weight, index) => to(index < 2 ? 'stable' : 'canary', weight)).join()}]}]`,
        );
      expect(apply(routeWeights, backends([1, 1, 0, 0]), backends([80, 80, 20, 20]), rollout()).object).toEqual(
        backends([80, 80, 20, 20]),
      );
    });

    it('and names both where the status differs and nobody shows as the author', () => {
      const { object, notes } = apply(
        routeWeights,
        route(`[{${pair(100, 0)}}]`),
        route(`[{${pair(60, 40)}}]`),
        rollout(),
      );
      expect(object).toEqual(route(`[{${pair(60, 40)}}]`));
      expect(notes).toEqual(['weights stable 60, canary 40, as stored; the status of the Rollout has canary 20']);
    });
  });

  it.each(['nonsense', '[null, 7, []]', '{}', 'null', '[{backendRefs: nonsense}]'])(
    'reads rules %s without harm',
    (rules) => {
      expect(apply(routeWeights, route(rules), route(`[{${pair(80, 20)}}]`), rollout()).operations).toEqual([]);
      expect(apply(routeWeights, route(`[{${pair(100, 0)}}]`), route(rules), rollout()).object).toEqual(
        route(`[{${pair(80, 20)}}]`),
      );
    },
  );
});
