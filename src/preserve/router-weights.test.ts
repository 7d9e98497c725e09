import { describe, expect, it } from 'vitest';
import { apply, yaml } from '../../test/support/preserver-tester.ts';
import type { KubeObject } from '../world/object.ts';
import { routerRules, routerWeights } from './router-weights.ts';

const keep = routerWeights;

function rollout(routing: string, canary = 20): KubeObject {
  return yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec: {strategy: {canary: {stableService: stable, canaryService: canary, trafficRouting: {${routing}}}}}
status:
  currentPodHash: new
  stableRS: old
  canary:
    weights:
      canary: {weight: ${canary}, podTemplateHash: new, serviceName: canary}
      stable: {weight: ${100 - canary}, podTemplateHash: old, serviceName: stable}
`);
}

describe('router-weights in a TraefikService', () => {
  const subject = rollout('traefik: {weightedTraefikServiceName: web}');
  const traefik = (services: string, group = 'traefik.io', more = ''): KubeObject =>
    yaml(`
apiVersion: ${group}/v1alpha1
kind: TraefikService
metadata: {name: web, namespace: shop}
spec: {weighted: {services: [${services}]${more}}}
`);
  const entry = (name: string, weight: number, port = 80): string =>
    `{name: ${name}, port: ${port}, weight: ${weight}}`;

  it.each(['traefik.io', 'traefik.containo.us'])('keeps the weights, and takes all other edits, in %s', (group) => {
    const stored = traefik(`${entry('stable', 80)}, ${entry('canary', 20)}`, group);
    const submitted = traefik(
      `${entry('legacy', 5)}, ${entry('canary', 0, 8080)}, ${entry('stable', 100)}`,
      group,
      ', sticky: {cookie: {}}',
    );
    const { object, notes } = apply(keep, submitted, stored, subject);
    expect(object).toEqual(
      traefik(
        `${entry('legacy', 5)}, ${entry('canary', 20, 8080)}, ${entry('stable', 80)}`,
        group,
        ', sticky: {cookie: {}}',
      ),
    );
    expect(notes).toEqual(['weights stable 80, canary 20']);
  });

  it('sets only the first entry of a Service, as the controller does', () => {
    const stored = traefik(`${entry('stable', 80)}, ${entry('canary', 20)}, ${entry('canary', 7)}`);
    const submitted = traefik(`${entry('stable', 100)}, ${entry('canary', 0)}, ${entry('canary', 9)}`);
    const { object } = apply(keep, submitted, stored, subject);
    expect(object).toEqual(traefik(`${entry('stable', 80)}, ${entry('canary', 20)}, ${entry('canary', 9)}`));
  });

  it('takes the share of the status where nothing is stored, and nothing where it has no weights', () => {
    const git = traefik(`${entry('stable', 100)}, ${entry('canary', 0)}`);
    expect(apply(keep, git, undefined, subject).object).toEqual(
      traefik(`${entry('stable', 80)}, ${entry('canary', 20)}`),
    );
    const fresh = { ...subject, status: { currentPodHash: 'new', stableRS: 'old' } };
    expect(apply(keep, git, traefik(`${entry('stable', 80)}, ${entry('canary', 20)}`), fresh).operations).toEqual([]);
  });

  it('writes no weights into what does not split traffic', () => {
    const mirroring = yaml(
      '{apiVersion: traefik.io/v1alpha1, kind: TraefikService, metadata: {name: web, namespace: shop}, spec: {mirroring: {name: stable}}}',
    );
    expect(apply(keep, mirroring, mirroring, subject).operations).toEqual([]);
  });
});

describe('router-weights in an ApisixRoute', () => {
  const apisix = (rules: string): KubeObject =>
    yaml(`
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {name: web, namespace: shop}
spec: {http: [${rules}]}
`);
  const rule = (name: string, stable: number, canary: number, path = '/*'): string =>
    `{name: ${name}, match: {paths: ["${path}"]}, backends: [{serviceName: stable, servicePort: 80, weight: ${stable}}, {serviceName: canary, servicePort: 80, weight: ${canary}}]}`;

  it('keeps the weights of the named rules alone, wherever they are', () => {
    const subject = rollout('apisix: {route: {name: web, rules: [main, side]}}');
    const stored = apisix([rule('main', 80, 20), rule('side', 80, 20), rule('other', 60, 40)].join());
    const submitted = apisix([rule('other', 1, 2), rule('side', 100, 0, '/new'), rule('main', 100, 0)].join());
    const { object, notes } = apply(keep, submitted, stored, subject);
    expect(object).toEqual(apisix([rule('other', 1, 2), rule('side', 80, 20, '/new'), rule('main', 80, 20)].join()));
    expect(notes).toEqual([
      'weights stable 80, canary 20 in http rule "main"',
      'weights stable 80, canary 20 in http rule "side"',
    ]);
  });

  it('without a list, is the rule with the name of the ApisixRoute', () => {
    const subject = rollout('apisix: {route: {name: web}}');
    const stored = apisix([rule('web', 80, 20), rule('main', 80, 20)].join());
    const { object } = apply(keep, apisix([rule('web', 100, 0), rule('main', 100, 0)].join()), stored, subject);
    expect(object).toEqual(apisix([rule('web', 80, 20), rule('main', 100, 0)].join()));
  });

  it('sets only the first rule of a name, as the controller does', () => {
    const subject = rollout('apisix: {route: {name: web}}');
    const stored = apisix([rule('web', 80, 20), rule('web', 100, 0)].join());
    const { object } = apply(keep, apisix([rule('web', 100, 0), rule('web', 50, 50)].join()), stored, subject);
    expect(object).toEqual(apisix([rule('web', 80, 20), rule('web', 50, 50)].join()));
  });
});

describe('router-weights in the ApisixRoute of a header route', () => {
  it('sets no weights there', () => {
    const subject = rollout('managedRoutes: [{name: beta}], apisix: {route: {name: web, rules: [main]}}');
    const beta = yaml(`
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {name: beta, namespace: shop}
spec: {http: [{name: main, backends: [{serviceName: canary, servicePort: 80, weight: 100}]}]}
`);
    expect(apply(keep, beta, beta, subject).operations).toEqual([]);
    expect(routerRules(subject, beta)).toEqual([]);
  });
});

describe('router-weights in a VirtualRouter', () => {
  const NODES = 'virtualNodeGroup: {stableVirtualNodeRef: {name: stable}, canaryVirtualNodeRef: {name: canary}}';
  const subject = (routes = ''): KubeObject => rollout(`appMesh: {virtualService: {name: web${routes}}, ${NODES}}`);
  const virtualService = yaml(`
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {provider: {virtualRouter: {virtualRouterRef: {name: router}}}}
`);
  const meshRouter = (routes: string): KubeObject =>
    yaml(`
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualRouter
metadata: {name: router, namespace: shop}
spec: {routes: [${routes}]}
`);
  const target = (name: string, weight: number, namespace?: string): string =>
    `{virtualNodeRef: {name: ${name}${namespace === undefined ? '' : `, namespace: ${namespace}`}}, weight: ${weight}}`;
  const route = (name: string, targets: readonly string[], type = 'httpRoute'): string =>
    `{name: ${name}, ${type}: {match: {prefix: /}, action: {weightedTargets: [${targets.join()}]}}}`;
  const pair = (stable: number, canary: number): string[] => [target('stable', stable), target('canary', canary)];

  it.each(['httpRoute', 'tcpRoute', 'http2Route', 'grpcRoute'])('keeps the weights of %s, by virtual node', (type) => {
    const stored = meshRouter(route('a', pair(80, 20), type));
    const submitted = meshRouter(
      route('a', [target('canary', 0, 'shop'), target('stable', 100), target('canary', 3, 'other')], type),
    );
    const { object, notes } = apply(keep, submitted, stored, subject(), [virtualService]);
    expect(object).toEqual(
      meshRouter(route('a', [target('canary', 20, 'shop'), target('stable', 80), target('canary', 3, 'other')], type)),
    );
    expect(notes).toEqual(['weights stable 80, canary 20 in route "a"']);
  });

  it('keeps those of the named routes, or of all', () => {
    const stored = meshRouter([route('a', pair(80, 20)), route('b', pair(80, 20))].join());
    const submitted = meshRouter([route('a', pair(100, 0)), route('b', pair(100, 0))].join());
    expect(apply(keep, submitted, stored, subject(), [virtualService]).object).toEqual(stored);
    expect(apply(keep, submitted, stored, subject(', routes: [b]'), [virtualService]).object).toEqual(
      meshRouter([route('a', pair(100, 0)), route('b', pair(80, 20))].join()),
    );
  });

  it('keeps nothing in a VirtualRouter of another VirtualService', () => {
    const [stored, submitted] = [meshRouter(route('a', pair(80, 20))), meshRouter(route('a', pair(100, 0)))];
    expect(apply(keep, submitted, stored, subject()).operations).toEqual([]);
    const other = { ...virtualService, metadata: { name: 'other', namespace: 'shop' } };
    expect(apply(keep, submitted, stored, subject(), [other]).operations).toEqual([]);
  });
});
