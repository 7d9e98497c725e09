import { describe, expect, it } from 'vitest';
import { AT_20, drifts, read, rollout, SERVICES } from '../../test/support/drift-objects.ts';
import type { KubeObject } from '../world/object.ts';
import { storeOf } from '../world/store.ts';
import { driftId, driftsOf } from './drift.ts';

const virtualService = (stable: number, canary: number, more = ''): string => `
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  http:
    - {name: other, route: [{destination: {host: stable}, weight: 50}, {destination: {host: canary}, weight: 50}]}
    - {name: primary, route: [{destination: {host: stable}, weight: ${stable}}, {destination: {host: canary}, weight: ${canary}}${more}]}
`;
const PRIMARY = 'weights VirtualService spec.http[1].route';

const GATEWAY = 'plugins: {argoproj-labs/gatewayAPI: {httpRoute: web}}';
const httpRoute = (stable: number, canary: number, more = ''): string => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {rules: [{backendRefs: [{name: stable, weight: ${stable}}, {name: canary, weight: ${canary}}${more}]}]}
`;

describe('drift of weights', () => {
  it.each([
    ['as the status', virtualService(80, 20), []],
    ['others', virtualService(50, 50), [`${PRIMARY}: stable 50, canary 50`]],
    ['none at all', virtualService(0, 0), [`${PRIMARY}: stable 0, canary 0`]],
    ['the right canary with a wrong stable', virtualService(30, 20), [`${PRIMARY}: stable 30, canary 20`]],
    [
      'the same share with a destination of the user',
      virtualService(70, 20, ', {destination: {host: x}, weight: 10}'),
      [],
    ],
  ])('shows in a VirtualService: %s', (_, route, found) => {
    expect(drifts(rollout() + SERVICES + route)).toEqual(found);
  });

  it('shows an experiment whose weight is another one', () => {
    const weights = `canary: {weight: 20}, stable: {weight: 70}, additional: [{serviceName: exp, weight: 10}]`;
    const route = (weight: number): string => virtualService(70, 20, `, {destination: {host: exp}, weight: ${weight}}`);
    expect(drifts(rollout({ weights }) + SERVICES + route(10))).toEqual([]);
    expect(drifts(rollout({ weights }) + SERVICES + route(30))).toEqual([`${PRIMARY}: stable 70, canary 20, exp 30`]);
  });

  it('shows nothing where an experiment takes more than stable has left', () => {
    const weights = `canary: {weight: 80}, stable: {weight: -10}, additional: [{serviceName: exp, weight: 30}]`;
    const route = (stable: number): string => virtualService(stable, 80, ', {destination: {host: exp}, weight: 30}');
    expect(drifts(rollout({ weights }) + SERVICES + route(0))).toEqual([]);
    expect(drifts(rollout({ weights }) + SERVICES + route(20))).toHaveLength(1);
  });

  it.each([
    ['as the status', 80, 20, '', []],
    ['others', 50, 50, '', ['weights HTTPRoute spec.rules[0].backendRefs: stable 50, canary 50']],
    ['out of maxTrafficWeight', 800, 200, 'maxTrafficWeight: 1000, ', []],
    [
      'half, not 20 of 1000',
      500,
      500,
      'maxTrafficWeight: 1000, ',
      ['weights HTTPRoute spec.rules[0].backendRefs: stable 500, canary 500'],
    ],
  ])('shows in a HTTPRoute: %s', (_, stable, canary, max, found) => {
    const weights = max === '' ? AT_20 : 'canary: {weight: 200}, stable: {weight: 800}';
    expect(drifts(rollout({ routing: `${max}${GATEWAY}`, weights }) + SERVICES + httpRoute(stable, canary))).toEqual(
      found,
    );
  });

  it('counts out of 100 where the plugin ignores maxTrafficWeight, as 0.15.0 does', () => {
    const weights = 'canary: {weight: 50}, stable: {weight: 950}';
    const text = rollout({ routing: `maxTrafficWeight: 1000, ${GATEWAY}`, weights });
    expect(drifts(text + httpRoute(50, 50))).toEqual([]);
    expect(drifts(text + httpRoute(60, 40))).toHaveLength(1);
  });

  it('shows in routes by label', () => {
    const routing = 'plugins: {argoproj-labs/gatewayAPI: {httpRouteSelector: {matchLabels: {app: web}}}}';
    expect(drifts(rollout({ routing }) + SERVICES + httpRoute(50, 50))).toHaveLength(1);
    const other = routing.replace('app: web', 'app: other');
    expect(drifts(rollout({ routing: other }) + SERVICES + httpRoute(50, 50))).toEqual([]);
  });

  it.each([
    [
      'TraefikService',
      'traefik: {weightedTraefikServiceName: web}',
      (stable: number, canary: number) => `
---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: {name: web, namespace: shop}
spec: {weighted: {services: [{name: stable, weight: ${stable}}, {name: canary, weight: ${canary}}]}}
`,
      'spec.weighted.services',
    ],
    [
      'ApisixRoute',
      'apisix: {route: {name: web, rules: [main]}}',
      (stable: number, canary: number) => `
---
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
metadata: {name: web, namespace: shop}
spec: {http: [{name: main, backends: [{serviceName: stable, weight: ${stable}}, {serviceName: canary, weight: ${canary}}]}]}
`,
      'spec.http[0].backends',
    ],
    [
      'VirtualRouter',
      'appMesh: {virtualService: {name: web, routes: [main]}, virtualNodeGroup: {stableVirtualNodeRef: {name: stable}, canaryVirtualNodeRef: {name: canary}}}',
      (stable: number, canary: number) => `
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {provider: {virtualRouter: {virtualRouterRef: {name: web}}}}
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualRouter
metadata: {name: web, namespace: shop}
spec:
  routes:
    - name: main
      httpRoute:
        action:
          weightedTargets: [{virtualNodeRef: {name: stable}, weight: ${stable}}, {virtualNodeRef: {name: canary}, weight: ${canary}}]
`,
      'spec.routes[0].httpRoute.action.weightedTargets',
    ],
    [
      'Ingress',
      'alb: {ingress: web, servicePort: 80}',
      (stable: number, canary: number) => `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations:
    alb.ingress.kubernetes.io/actions.stable: '{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"canary","ServicePort":"80","Weight":${canary}},{"ServiceName":"stable","ServicePort":"80","Weight":${stable}}]}}'
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: stable, port: {name: use-annotation}}}}]}}]}
`,
      'metadata.annotations["alb.ingress.kubernetes.io/actions.stable"]',
    ],
  ])('shows in a %s', (kind, routing, object, path) => {
    const text = rollout({ routing }) + SERVICES;
    expect(drifts(text + object(80, 20))).toEqual([]);
    const list = kind === 'Ingress' ? 'canary 50, stable 50' : 'stable 50, canary 50';
    expect(drifts(text + object(50, 50))).toEqual([`weights ${kind} ${path}: ${list}`]);
  });

  it.each([
    ['the status has no weights', rollout({ weights: '' }).replace('weights: {}', '')],
    [
      'the status is of Services with other names',
      rollout({ weights: AT_20.replace('{weight: 20', '{serviceName: old, weight: 20') }),
    ],
    ['the Rollout is new', rollout({ status: 'phase: Progressing' })],
    [
      'the Rollout is being deleted',
      rollout().replace('{name: web,', '{name: web, deletionTimestamp: "2026-01-01T00:00:00Z",'),
    ],
  ])('is not certain if %s', (_, text) => {
    expect(drifts(text + virtualService(50, 50))).toEqual([]);
  });
});

describe('a look', () => {
  it('ends where it may cost no more', () => {
    const text = rollout() + SERVICES + virtualService(50, 50);
    expect(drifts(text, 2)).toEqual([]);
    expect(drifts(text, 40)).toHaveLength(1);
  });

  const costOf = (text: string): number => {
    const objects = read(text);
    return driftsOf(objects[0] as KubeObject, storeOf(objects), 5_000).operations;
  };

  // What a Rollout names is listed before any of it is looked up.
  it('counts the values of the Rollout, and leaves out one that has too many', () => {
    const steps = (count: number): string => rollout({ canary: `steps: [${'{pause: {}},'.repeat(count)}],` });
    const others = SERVICES + virtualService(50, 50);
    expect(costOf(steps(2_000) + others)).toBeGreaterThan(2_000);
    expect(drifts(steps(2_000) + others, 5_000)).toHaveLength(1);
    expect(costOf(steps(20_000) + others)).toBeGreaterThan(200);
    expect(drifts(steps(20_000) + others, 5_000)).toEqual([]);
    expect(drifts(steps(20_000) + others)).toHaveLength(1);
  });

  it('counts the text of the annotations of an Ingress', () => {
    const ingress = (text: string): string => `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, annotations: {alb.ingress.kubernetes.io/actions.stable: '${text}'}}
spec: {rules: []}
`;
    const alb = rollout({ routing: 'alb: {ingress: web, servicePort: 80}' });
    expect(costOf(alb + ingress('['.repeat(100_000))) - costOf(alb + ingress('['))).toBeGreaterThan(900);
  });

  it('says what is different', () => {
    const [one, two] = [virtualService(50, 50), virtualService(60, 40)].map((route) => {
      const objects = read(rollout() + SERVICES + route);
      return driftsOf(objects[0] as KubeObject, storeOf(objects), Infinity).drifts[0];
    });
    expect(one?.message).toBe(
      'http route "primary" has weights stable 50, canary 50, but the status of Rollout "web" has canary 20 of 100',
    );
    expect(one && two && driftId(one) === driftId(two)).toBe(false);
  });
});
