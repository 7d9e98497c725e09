import { describe, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { expectLinear } from './linear.ts';
import { driftsOf } from '../../src/preserve/drift.ts';
import { Copies } from '../../src/preserve/drift-look.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { HASH_LABEL } from '../../src/world/rollout.ts';
import { storeOf } from '../../src/world/store.ts';
import { istio, object, rollout, times, virtualService, type Json } from './objects.ts';

function inCanary(name: string, canary: Json): KubeObject {
  const hashes = { currentPodHash: 'new', stableRS: 'old', replicas: 5, updatedReplicas: 1, availableReplicas: 5 };
  const weights = { canary: { weight: 20, podTemplateHash: 'new' }, stable: { weight: 80, podTemplateHash: 'old' } };
  return { ...rollout(name, { canary }), status: { ...hashes, canary: { weights } } };
}

function route(name: string, canary: number, app = 'app'): Json {
  const to = (host: string, weight: number): Json => ({ destination: { host }, weight });
  return { name, route: [to(`${app}-stable`, 100 - canary), to(`${app}-canary`, canary)] };
}

const httpRoute = (name: string, rules: number): KubeObject =>
  object('gateway.networking.k8s.io/v1', 'HTTPRoute', name, {
    rules: times(rules, () => ({
      backendRefs: [
        { name: 'app-stable', weight: 80 },
        { name: 'app-canary', weight: 20 },
      ],
    })),
  });
const plugin = (config: Json): Json => ({ trafficRouting: { plugins: { 'argoproj-labs/gatewayAPI': config } } });
const service = (name: string, hash: string): KubeObject =>
  object('v1', 'Service', name, { selector: { app: 'app', [HASH_LABEL]: hash } });

const SETUPS: Readonly<Record<string, (n: number) => KubeObject[]>> = {
  'Rollouts with a VirtualService and two Services each': (n) =>
    times(n, (i) => [
      inCanary(`app-${i}`, istio(`vs-${i}`, ['main'])),
      virtualService(`vs-${i}`, { http: [route('main', 50, `app-${i}`)] }),
      service(`app-${i}-stable`, 'new'),
      service(`app-${i}-canary`, 'old'),
    ]).flat(),
  'entries of a Rollout for one VirtualService, and its tcp routes of one port': (n) => [
    inCanary('app', {
      trafficRouting: { istio: { virtualServices: times(n, () => ({ name: 'vs', tcpRoutes: [{ port: 80 }] })) } },
    }),
    virtualService('vs', { tcp: times(n, () => ({ ...route('', 20), match: [{ port: 80 }] })) }),
  ],
  'Rollouts and routes of one VirtualService': (n) => [
    ...times(n, (i) => inCanary(`app-${i}`, istio('vs', [`r-${i}`]))),
    virtualService('vs', { http: times(n, (i) => route(`r-${i}`, 50, `app-${i}`)) }),
  ],
  'Rollouts that share Services and a route': (n) => [
    ...times(n, (i) =>
      inCanary(`app-${i}`, { ...istio('vs', ['main']), stableService: 'app-stable', canaryService: 'app-canary' }),
    ),
    virtualService('vs', { http: [route('main', 50)] }),
    service('app-stable', 'new'),
    service('app-canary', 'old'),
  ],
  'routes of one Rollout': (n) => [
    inCanary(
      'app',
      istio(
        'vs',
        times(n, (i) => `r-${i}`),
      ),
    ),
    virtualService('vs', { http: times(n, (i) => route(`r-${i}`, 20)) }),
  ],
  'subsets of a DestinationRule': (n) => [
    inCanary('app', {
      trafficRouting: { istio: { destinationRule: { name: 'dr', stableSubsetName: 's-0', canarySubsetName: 's-1' } } },
    }),
    object('networking.istio.io/v1', 'DestinationRule', 'dr', {
      subsets: times(n, (i) => ({ name: `s-${i}`, labels: { [HASH_LABEL]: 'old' } })),
    }),
  ],
  'rules of a HTTPRoute': (n) => [inCanary('app', plugin({ httpRoute: 'route' })), httpRoute('route', n)],
  'Rollouts and rules of one ApisixRoute': (n) => [
    ...times(n, (i) =>
      inCanary(`app-${i}`, { trafficRouting: { apisix: { route: { name: 'route', rules: [`r-${i}`] } } } }),
    ),
    object('apisix.apache.org/v2', 'ApisixRoute', 'route', {
      http: times(n, (i) => ({
        name: `r-${i}`,
        backends: [
          { serviceName: `app-${i}-stable`, weight: 50 },
          { serviceName: `app-${i}-canary`, weight: 50 },
        ],
      })),
    }),
  ],
  'HTTPRoutes of a namespace, found by label': (n) => [
    inCanary('app', plugin({ httpRouteSelector: { matchLabels: {} } })),
    ...times(n, (i) => httpRoute(`route-${i}`, 1)),
  ],
};

describe('the cost of a look for drift', () => {
  it.each(Object.entries(SETUPS))('grows no faster than %s', (title, make) => {
    expectLinear({
      [title]: (n) => {
        const objects = make(n);
        const world = storeOf(objects);
        const rollouts = objects.filter(({ kind }) => kind === 'Rollout');
        return () => {
          const copies = new Copies();
          for (const one of rollouts) driftsOf(one, world, Infinity, copies);
        };
      },
    });
  });
});
