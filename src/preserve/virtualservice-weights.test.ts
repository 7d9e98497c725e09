import { describe, expect, it } from 'vitest';
import { apply, yaml } from '../../test/support/preserver-tester.ts';
import type { KubeObject } from '../world/object.ts';
import { virtualServiceWeights } from './virtualservice-weights.ts';

const keep = virtualServiceWeights;

const SERVICES = 'stableService: stable, canaryService: canary, ';
const MID = 'currentPodHash: new, stableRS: old';

interface RolloutOptions {
  readonly name?: string;
  readonly canary?: string;
  readonly istio?: string;
  readonly managed?: string;
  readonly steps?: string;
  readonly weight?: number | undefined;
  readonly additional?: string;
  readonly status?: string;
}

function rollout(options: RolloutOptions = {}): KubeObject {
  const {
    name = 'reviews',
    canary = SERVICES,
    istio = 'virtualService: {name: reviews, routes: [primary]}',
    managed = '',
    steps = '',
    additional = '',
    status = MID,
  } = options;
  const weight = 'weight' in options ? options.weight : 20;
  const weights =
    weight === undefined
      ? '{}'
      : `{weights: {canary: {weight: ${weight}}, stable: {weight: ${100 - weight}}, additional: [${additional}]}}`;
  return yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: ${name}, namespace: shop}
spec: {strategy: {canary: {${canary}steps: [${steps}], trafficRouting: {managedRoutes: [${managed}], istio: {${istio}}}}}}
status: {${status}, canary: ${weights}}
`);
}

function vs(spec: string, name = 'reviews'): KubeObject {
  return yaml(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop}
spec: ${spec}
`);
}

const to = (host: string, weight?: number, more = ''): string =>
  `{destination: {host: ${host}${more}}${weight === undefined ? '' : `, weight: ${weight}`}}`;
const pair = (stable?: number, canary?: number): string => `[${to('stable', stable)}, ${to('canary', canary)}]`;
const primary = (stable?: number, canary?: number, more = ''): string =>
  `{name: primary, ${more}route: ${pair(stable, canary)}}`;
const HEADER =
  '{name: canary-header, match: [{headers: {x-canary: {exact: "1"}}}], route: [{weight: 100, destination: {host: canary}}]}';
const MIRROR = `{name: mirror, match: [{method: {exact: GET}}], mirror: {host: canary}, mirrorPercentage: {value: 50}, route: ${pair(80, 20)}}`;

describe('virtualservice-weights', () => {
  it('keeps the weights of a canary under way, and lets a new timeout, host, match and other route through', () => {
    const submitted = vs(
      `{hosts: [a, b], http: [{name: other, route: [${to('legacy', 30)}, ${to('elsewhere', 70)}]}, ${primary(100, 0, 'timeout: 3s, match: [{uri: {prefix: /v2}}], ')}]}`,
    );
    const stored = vs(
      `{hosts: [a], http: [{name: other, route: [${to('legacy', 10)}, ${to('elsewhere', 90)}]}, ${primary(80, 20, 'timeout: 1s, ')}]}`,
    );
    const { object, operations, notes } = apply(keep, submitted, stored, rollout());
    expect(operations).toEqual([
      { op: 'replace', path: '/spec/http/1/route/0/weight', value: 80 },
      { op: 'replace', path: '/spec/http/1/route/1/weight', value: 20 },
    ]);
    expect(object).toEqual(
      vs(
        `{hosts: [a, b], http: [{name: other, route: [${to('legacy', 30)}, ${to('elsewhere', 70)}]}, ${primary(80, 20, 'timeout: 3s, match: [{uri: {prefix: /v2}}], ')}]}`,
      ),
    );
    expect(notes).toEqual(['weights stable 80, canary 20 in http route "primary"']);
  });

  it.each<[string, string, string | undefined, RolloutOptions, string]>([
    [
      'the stored weight wins over the status, which is written later',
      primary(100, 0),
      primary(60, 40),
      { weight: 20 },
      primary(60, 40),
    ],
    [
      'a stored weight of the wrong type does not',
      primary(100, 0),
      `{name: primary, route: [${to('stable', 60)}, {destination: {host: canary}, weight: lots}]}`,
      { weight: 20 },
      primary(80, 20),
    ],
    ['so does one that is no percentage', primary(100, 0), primary(60, 400), { weight: 20 }, primary(60, 400)],
    [
      'weights that send nothing anywhere are not copied',
      primary(100, 0),
      primary(0, 0),
      { weight: 20 },
      primary(80, 20),
    ],
    [
      'weights out of another total are scaled for another set of destinations',
      `{name: primary, route: [${to('stable', 1)}, ${to('canary', 0)}, ${to('legacy', 5)}]}`,
      primary(3, 1),
      { weight: 20 },
      `{name: primary, route: [${to('stable', 75)}, ${to('canary', 25)}, ${to('legacy', 5)}]}`,
    ],
    [
      'nor one of a route that has nothing but the canary',
      primary(100, 0),
      `{name: primary, route: [${to('canary', 100)}]}`,
      { weight: 20 },
      primary(80, 20),
    ],
    [
      'a new VirtualService gets the weights of the status',
      primary(100, 0),
      undefined,
      { weight: 20 },
      primary(80, 20),
    ],
    [
      'routes in another order',
      primary(100, 0),
      `{name: first, route: ${pair(1, 99)}}, ${primary(70, 30)}`,
      {},
      primary(70, 30),
    ],
    [
      'a settled Rollout keeps 100 and 0',
      primary(50, 50),
      primary(100, 0),
      { weight: 0, status: 'currentPodHash: old, stableRS: old' },
      primary(100, 0),
    ],
    ['absent weights count as 0', primary(80), primary(100), { weight: 0 }, primary(100)],
    ['no weight is written where absent is right', primary(100), primary(100, 0), { weight: 0 }, primary(100)],
    ['weights are added where there are none', primary(), primary(80, 20), {}, primary(80, 20)],
    [
      'a route that lacks the canary is left alone',
      `{name: primary, route: [${to('stable', 100)}]}`,
      primary(80, 20),
      {},
      `{name: primary, route: [${to('stable', 100)}]}`,
    ],
    [
      'a single route needs no name',
      `{route: ${pair(100, 0)}}`,
      `{route: ${pair(80, 20)}}`,
      { istio: 'virtualService: {name: reviews}' },
      `{route: ${pair(80, 20)}}`,
    ],
    [
      'hosts with a domain',
      `{name: primary, route: [${to('stable.shop.svc.cluster.local', 100)}, ${to('canary.shop', 0)}]}`,
      primary(80, 20),
      {},
      `{name: primary, route: [${to('stable.shop.svc.cluster.local', 80)}, ${to('canary.shop', 20)}]}`,
    ],
    [
      'a route that is new to the Rollout takes the weight of another',
      `${primary(100, 0)}, {name: admin, route: ${pair(100, 0)}}`,
      primary(70, 30),
      { istio: 'virtualService: {name: reviews, routes: [primary, admin]}' },
      `${primary(70, 30)}, {name: admin, route: ${pair(70, 30)}}`,
    ],
    [
      'routes may differ',
      `${primary(100, 0)}, {name: admin, route: ${pair(100, 0)}}`,
      `{name: admin, route: ${pair(90, 10)}}, ${primary(70, 30)}`,
      { istio: 'virtualService: {name: reviews, routes: [primary, admin]}' },
      `${primary(70, 30)}, {name: admin, route: ${pair(90, 10)}}`,
    ],
    [
      'other destinations stay as they were submitted',
      `{name: primary, route: [${to('legacy', 5)}, ${to('stable', 95)}, ${to('canary', 0)}]}`,
      primary(80, 20),
      {},
      `{name: primary, route: [${to('legacy', 5)}, ${to('stable', 80)}, ${to('canary', 20)}]}`,
    ],
    [
      'a route with a malformed weight is left alone',
      `{name: primary, route: [{destination: {host: stable}, weight: "100"}, ${to('canary', 0)}]}`,
      primary(80, 20),
      {},
      `{name: primary, route: [{destination: {host: stable}, weight: "100"}, ${to('canary', 0)}]}`,
    ],
    [
      'what is no destination is passed over',
      `{name: primary, route: [null, 7, ${to('stable', 100)}, ${to('canary', 0)}]}`,
      primary(80, 20),
      {},
      `{name: primary, route: [null, 7, ${to('stable', 80)}, ${to('canary', 20)}]}`,
    ],
    [
      'ping and pong by the status',
      `{name: primary, route: [${to('ping', 0)}, ${to('pong', 100)}]}`,
      `{name: primary, route: [${to('ping', 30)}, ${to('pong', 70)}]}`,
      { canary: 'pingPong: {pingService: ping, pongService: pong}, ' },
      `{name: primary, route: [${to('ping', 30)}, ${to('pong', 70)}]}`,
    ],
  ])('%s', (_, submitted, stored, options, expected) => {
    const { object } = apply(
      keep,
      vs(`{http: [${submitted}]}`),
      stored === undefined ? undefined : vs(`{http: [${stored}]}`),
      rollout(options),
    );
    expect(object).toEqual(vs(`{http: [${expected}]}`));
  });

  it('does nothing before the controller has set a weight: what stands there is a person’s', () => {
    expect(
      apply(
        keep,
        vs(`{http: [${primary(100, 0)}]}`),
        vs(`{http: [${primary(50, 50)}]}`),
        rollout({ weight: undefined }),
      ).operations,
    ).toEqual([]);
  });

  describe('with subsets of one host', () => {
    const istio =
      'virtualService: {name: reviews}, destinationRule: {name: reviews, stableSubsetName: st, canarySubsetName: ca, additionalSubsetNames: [experiment]}';
    const route = (stable: number, canary: number, experiment?: number): string =>
      `{http: [{route: [${to('reviews', stable, ', subset: st')}, ${to('reviews', canary, ', subset: ca')}${experiment === undefined ? '' : `, ${to('other', experiment, ', subset: experiment')}`}]}]}`;

    it('takes the subsets for stable and canary', () => {
      expect(apply(keep, vs(route(100, 0)), vs(route(65, 35)), rollout({ canary: '', istio })).object).toEqual(
        vs(route(65, 35)),
      );
    });

    it('leaves an additional subset the share it was submitted with, at the cost of stable', () => {
      expect(apply(keep, vs(route(100, 0, 25)), vs(route(45, 35, 20)), rollout({ canary: '', istio })).object).toEqual(
        vs(route(40, 35, 25)),
      );
      expect(apply(keep, vs(route(100, 0, 90)), vs(route(45, 35, 20)), rollout({ canary: '', istio })).object).toEqual(
        vs(route(0, 35, 90)),
      );
    });

    it('keeps the weight of the canary where an additional subset takes more than is left', () => {
      expect(
        apply(keep, vs(route(100, 0, 40)), vs(route(0, 60, 50)), rollout({ weight: 60, canary: '', istio })).object,
      ).toEqual(vs(route(0, 60, 40)));
    });
  });

  describe('with tls and tcp routes', () => {
    const tcp = (port: number, stable: number, canary: number): string =>
      `{match: [{port: ${port}}], route: ${pair(stable, canary)}}`;
    const istio = 'virtualService: {name: reviews, tcpRoutes: [{port: 3000}, {port: 4000}]}';

    it('matches tcp routes by port', () => {
      const { object, notes } = apply(
        keep,
        vs(`{tcp: [${tcp(4000, 100, 0)}, ${tcp(3000, 100, 0)}, ${tcp(5000, 100, 0)}]}`),
        vs(`{tcp: [${tcp(3000, 90, 10)}, ${tcp(4000, 60, 40)}]}`),
        rollout({ istio }),
      );
      expect(object).toEqual(vs(`{tcp: [${tcp(4000, 60, 40)}, ${tcp(3000, 90, 10)}, ${tcp(5000, 100, 0)}]}`));
      expect(notes).toEqual([
        'weights stable 90, canary 10 in the tcp route on port 3000, as stored; the status of the Rollout has canary 20',
        'weights stable 60, canary 40 in the tcp route on port 4000, as stored; the status of the Rollout has canary 20',
      ]);
    });

    it('takes the only tls route where none is named', () => {
      const tls = (stable: number, canary: number): string =>
        `{tls: [{match: [{port: 443, sniHosts: [a]}], route: ${pair(stable, canary)}}]}`;
      expect(
        apply(keep, vs(tls(100, 0)), vs(tls(80, 20)), rollout({ istio: 'virtualService: {name: reviews}' })).object,
      ).toEqual(vs(tls(80, 20)));
    });
  });

  it('keeps each of several VirtualServices, one of them by name and namespace', () => {
    const istio = 'virtualServices: [{name: front.shop, routes: [primary]}, {name: back, routes: [primary]}]';
    for (const name of ['front', 'back']) {
      expect(
        apply(
          keep,
          vs(`{http: [${primary(100, 0)}]}`, name),
          vs(`{http: [${primary(80, 20)}]}`, name),
          rollout({ istio }),
        ).object,
      ).toEqual(vs(`{http: [${primary(80, 20)}]}`, name));
    }
    expect(
      apply(
        keep,
        vs(`{http: [${primary(100, 0)}]}`, 'side'),
        vs(`{http: [${primary(80, 20)}]}`, 'side'),
        rollout({ istio }),
      ).operations,
    ).toEqual([]);
  });

  describe('with a running experiment', () => {
    const additional = '{serviceName: exp, weight: 10, podTemplateHash: exp}';
    const three = (stable: number, canary: number, exp: number): string =>
      `{http: [{name: primary, route: [${to('stable', stable)}, ${to('canary', canary)}, ${to('exp', exp)}]}]}`;

    it('puts its destination back at the end, and takes its share from stable', () => {
      const { object, operations, notes } = apply(
        keep,
        vs(`{http: [${primary(100, 0)}]}`),
        vs(three(70, 20, 10)),
        rollout({ additional }),
      );
      expect(object).toEqual(vs(three(70, 20, 10)));
      expect(operations.at(-1)).toEqual({
        op: 'add',
        path: '/spec/http/0/route/-',
        value: { destination: { host: 'exp' }, weight: 10 },
      });
      expect(notes).toEqual(['weights stable 70, canary 20, exp 10 in http route "primary"']);
    });

    it('sets its weight where it was submitted', () => {
      expect(apply(keep, vs(three(100, 0, 0)), vs(three(70, 20, 10)), rollout({ additional })).object).toEqual(
        vs(three(70, 20, 10)),
      );
    });

    it('does not once it is over', () => {
      expect(apply(keep, vs(`{http: [${primary(100, 0)}]}`), vs(three(70, 20, 10)), rollout()).object).toEqual(
        vs(`{http: [${primary(80, 20)}]}`),
      );
    });
  });

  describe('with managed routes', () => {
    const managed = '{name: mirror}, {name: canary-header}';
    const steps =
      '{setWeight: 20}, {setHeaderRoute: {name: canary-header, match: [{headerName: x-canary, headerValue: {exact: "1"}}]}}, {setMirrorRoute: {name: mirror, match: [{method: {exact: GET}}]}}, {pause: {}}';
    const running = { managed, steps, status: 'currentPodHash: new, stableRS: old, currentStepIndex: 3' };
    const stored = vs(`{http: [${MIRROR}, ${HEADER}, ${primary(80, 20)}]}`);

    it('puts them back first and in order', () => {
      const { object, operations, notes } = apply(keep, vs(`{http: [${primary(100, 0)}]}`), stored, rollout(running));
      expect(object).toEqual(stored);
      expect(operations.map(({ op, path }) => `${op} ${path}`)).toEqual([
        'replace /spec/http/0/route/0/weight',
        'replace /spec/http/0/route/1/weight',
        'add /spec/http/0',
        'add /spec/http/1',
      ]);
      expect(notes).toEqual([
        'weights stable 80, canary 20 in http route "primary"',
        'http route "mirror", "canary-header" of the update in progress',
      ]);
    });

    it('mends them where they stand, or moves them to the front', () => {
      const changed = HEADER.replace('"1"', '"2"');
      const inPlace = apply(keep, vs(`{http: [${MIRROR}, ${changed}, ${primary(80, 20)}]}`), stored, rollout(running));
      expect(inPlace.object).toEqual(stored);
      expect(inPlace.operations.map(({ op, path }) => `${op} ${path}`)).toEqual(['replace /spec/http/1']);
      expect(
        apply(keep, vs(`{http: [${primary(100, 0)}, ${changed}, ${HEADER}]}`), stored, rollout(running)).object,
      ).toEqual(stored);
      expect(
        apply(keep, vs(`{http: [${HEADER}, ${MIRROR}, ${primary(80, 20)}]}`), stored, rollout(running)).object,
      ).toEqual(stored);
    });

    it.each<[string, RolloutOptions]>([
      ['the Rollout does not list it any more', { ...running, managed: '{name: mirror}' }],
      [
        'its step is still to come',
        {
          ...running,
          steps:
            '{setMirrorRoute: {name: mirror, match: [{}]}}, {pause: {}}, {setHeaderRoute: {name: canary-header, match: [{}]}}',
          status: 'currentPodHash: new, stableRS: old, currentStepIndex: 1',
        },
      ],
      [
        'a step took it out',
        {
          ...running,
          steps: '{setHeaderRoute: {name: canary-header, match: [{}]}}, {setHeaderRoute: {name: canary-header}}',
          status: 'currentPodHash: new, stableRS: old, currentStepIndex: 2',
        },
      ],
    ])('lets one go: %s', (_, options) => {
      expect(apply(keep, vs(`{http: [${primary(80, 20)}]}`), stored, rollout(options)).object).toEqual(
        vs(`{http: [${MIRROR}, ${primary(80, 20)}]}`),
      );
    });

    it.each<[string, RolloutOptions]>([
      [
        'the update is aborted',
        { ...running, status: 'currentPodHash: new, stableRS: old, currentStepIndex: 0, abort: true' },
      ],
      [
        'the update is promoted in full',
        { ...running, status: 'currentPodHash: new, stableRS: old, currentStepIndex: 3, promoteFull: true' },
      ],
      ['the Rollout is settled', { ...running, status: 'currentPodHash: old, stableRS: old, currentStepIndex: 4' }],
      [
        'they are among the routes that are weighed',
        { ...running, istio: 'virtualService: {name: reviews, routes: [primary, mirror, canary-header]}' },
      ],
    ])('lets all go: %s', (_, options) => {
      expect(apply(keep, vs(`{http: [${primary(80, 20)}]}`), stored, rollout(options)).operations).toEqual([]);
    });

    it('puts none before nothing', () => {
      expect(apply(keep, vs('{http: []}'), stored, rollout(running)).operations).toEqual([]);
      expect(apply(keep, vs('{hosts: [a]}'), stored, rollout(running)).operations).toEqual([]);
    });

    it('leaves the routes of another Rollout before its own', () => {
      const other = rollout({
        name: 'ratings',
        managed: '{name: theirs}',
        canary: 'stableService: s2, canaryService: c2, ',
        istio: 'virtualService: {name: reviews, routes: [ratings]}',
      });
      const both = vs(`{http: [{name: theirs, route: [${to('c2', 100)}]}, ${MIRROR}, ${HEADER}, ${primary(80, 20)}]}`);
      expect(apply(keep, both, both, rollout(running), [other]).operations).toEqual([]);
    });
  });

  it.each([
    '{http: nonsense}',
    '{http: [null, 7, []]}',
    '{http: {name: primary}}',
    'null',
    '{http: [{name: primary, route: nonsense}]}',
  ])('reads %s without harm', (spec) => {
    expect(apply(keep, vs(spec), vs(`{http: [${primary(80, 20)}]}`), rollout()).operations).toEqual([]);
    expect(apply(keep, vs(`{http: [${primary(100, 0)}]}`), vs(spec), rollout()).object).toEqual(
      vs(`{http: [${primary(80, 20)}]}`),
    );
  });
});

describe('a VirtualService whose name has dots', () => {
  const submitted = vs(`{http: [${primary(100, 0)}]}`, 'example.com');
  const stored = vs(`{http: [${primary(80, 20)}]}`, 'example.com');
  const named = (name: string): KubeObject => rollout({ istio: `virtualService: {name: ${name}, routes: [primary]}` });

  it('is found as Argo Rollouts 1.10 reads it', () => {
    expect(apply(keep, submitted, stored, named('example.com.shop')).object['spec']).toEqual(stored['spec']);
  });

  it('is not that of another namespace', () => {
    expect(apply(keep, submitted, stored, named('example.com')).operations).toEqual([]);
  });
});
