import fc from 'fast-check';
import { maybe, record } from '../arbitraries.ts';
import { asKube, type Fields, type Json } from '../json-objects.ts';

/** The Service of an experiment. */
export const EXPERIMENT = 'exp';
/** The names of managed routes, which the controller adds. */
export const MANAGED = ['m-header', 'm-mirror'];

/** An arbitrary of the hashes of ReplicaSets. */
export const hash = fc.constantFrom('old', 'new', 'exp', 'gone');
/** An arbitrary of weights. */
export const weight = fc.constantFrom(0, 1, 20, 50, 100);

const services = fc.constant<Json>({ stableService: 'stable', canaryService: 'canary' });
const pingPong = fc.constant<Json>({ pingPong: { pingService: 'stable', pongService: 'canary' } });
const routers: fc.Arbitrary<Fields> = record({
  managedRoutes: maybe(fc.constant<Json>(MANAGED.map((name) => ({ name })))),
  istio: maybe(
    record({
      virtualService: fc.oneof(
        fc.constant<Json>({ name: 'web' }),
        fc.constant<Json>({ name: 'web', routes: ['primary'], tcpRoutes: [{ port: 3000 }] }),
      ),
      destinationRule: maybe(
        fc.constant<Json>({
          name: 'web',
          stableSubsetName: 'st',
          canarySubsetName: 'ca',
          additionalSubsetNames: ['extra'],
        }),
      ),
    }),
  ),
  alb: maybe(fc.constantFrom<Json>({ ingress: 'web', rootService: 'root', servicePort: 80 }, { ingresses: ['web'] })),
  traefik: maybe(fc.constant<Json>({ weightedTraefikServiceName: 'web' })),
  apisix: maybe(fc.constantFrom<Json>({ route: { name: 'web' } }, { route: { name: 'web', rules: ['main', 'web'] } })),
  appMesh: maybe(
    fc.constantFrom<Json>(
      ...[{}, { routes: ['main'] }].map((routes) => ({
        virtualService: { name: 'web', ...routes },
        virtualNodeGroup: { stableVirtualNodeRef: { name: 'stable' }, canaryVirtualNodeRef: { name: 'canary' } },
      })),
    ),
  ),
  plugins: maybe(fc.constant<Json>({ 'argoproj-labs/gatewayAPI': { httpRoute: 'web', tcpRoutes: [{ name: 'web' }] } })),
});
const steps = fc.constantFrom<Json>(
  [{ setWeight: 20 }],
  [
    { setHeaderRoute: { name: 'm-header', match: [{ headerName: 'x', headerValue: { exact: '1' } }] } },
    { setMirrorRoute: { name: 'm-mirror', match: [{}] } },
    { pause: {} },
  ],
);
const canaryStrategy = fc
  .tuple(fc.oneof(services, pingPong), maybe(routers), steps)
  .map(([named, trafficRouting, list]): Json => ({
    canary: {
      ...(named as Fields),
      steps: list,
      ...(trafficRouting === undefined ? {} : { trafficRouting }),
    },
  }));
const blueGreen = fc.constant<Json>({ blueGreen: { activeService: 'stable', previewService: 'canary' } });
const destination = (weight: fc.Arbitrary<number>): fc.Arbitrary<Json> =>
  record({ weight, podTemplateHash: maybe(hash) });
const status = record({
  currentPodHash: maybe(hash),
  stableRS: maybe(hash),
  abort: maybe(fc.boolean()),
  phase: maybe(fc.constantFrom('Healthy', 'Progressing', 'Degraded')),
  replicas: maybe(fc.nat(6)),
  updatedReplicas: maybe(fc.nat(6)),
  availableReplicas: maybe(fc.nat(6)),
  currentStepIndex: maybe(fc.nat(3)),
  blueGreen: maybe(record({ activeSelector: maybe(hash), previewSelector: maybe(hash) })),
  canary: record({
    stablePingPong: maybe(fc.constantFrom('ping', 'pong')),
    weights: maybe(
      record({
        canary: destination(weight),
        stable: destination(weight),
        additional: maybe(fc.constant<Json>([{ serviceName: EXPERIMENT, weight: 10, podTemplateHash: 'exp' }])),
      }),
    ),
  }),
});
/** An arbitrary of Rollouts with any router, in any state. */
export const rollout = fc
  .tuple(
    fc.oneof(canaryStrategy, canaryStrategy, blueGreen),
    maybe(fc.constantFrom('onsuccess', 'progressively', 'never')),
    status,
  )
  .map(([strategy, scaleDown, status]) =>
    asKube({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        strategy,
        ...(scaleDown === undefined
          ? {}
          : { workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', scaleDown } }),
      },
      status,
    }),
  );
