import type { KubeObject } from '../../../src/world/object.ts';
import type { JsonObject } from '../../../src/world/read.ts';
import { destinationRule, hostCanary, rollout, service, subsetCanary, to, virtualService } from '../facts/manifests.ts';

/** An update, with everything that makes the controller go on. */
export interface SetUp {
  readonly strategy: JsonObject;
  readonly replicas: number;
  /** What tells the destination of the canary from that of the stable pods; undefined without a router. */
  readonly routedBy?: 'host' | 'subset' | 'ping-pong';
  /** The number of the step at which the update is aborted. */
  readonly abortAt?: number;
}

// Pods do not become available at the same moment. With one more pod at a time, their order does not matter.
const ONE_BY_ONE = { maxSurge: 1, maxUnavailable: 0 };
const SHORT = { scaleDownDelaySeconds: 1 };
const twoWeights = (first: number, second: number): JsonObject[] => [
  { setWeight: first },
  { pause: {} },
  { setWeight: second },
  { pause: {} },
];

/** The updates that the real controller makes, by what they show. */
export const SET_UPS: Readonly<Record<string, SetUp>> = {
  'without a router, with one pod more': {
    strategy: { canary: { steps: twoWeights(20, 60), ...ONE_BY_ONE } },
    replicas: 5,
  },
  'without a router, with one pod less': {
    strategy: { canary: { steps: twoWeights(25, 75), maxSurge: 0, maxUnavailable: 1 } },
    replicas: 4,
  },
  'with Services and without a router': {
    strategy: {
      canary: { stableService: 'web', canaryService: 'web-canary', steps: twoWeights(20, 80), ...ONE_BY_ONE },
    },
    replicas: 5,
  },
  'with a router': {
    strategy: hostCanary(twoWeights(20, 50), {}, {}, SHORT),
    replicas: 10,
    routedBy: 'host',
  },
  'with a router and dynamicStableScale': {
    strategy: hostCanary(twoWeights(25, 75), {}, {}, { dynamicStableScale: true }),
    replicas: 4,
    routedBy: 'host',
  },
  'with a router and setCanaryScale': {
    strategy: hostCanary(
      [
        { setCanaryScale: { replicas: 1 } },
        { setWeight: 50 },
        { pause: {} },
        { setCanaryScale: { matchTrafficWeight: true } },
        { pause: {} },
      ],
      {},
      {},
      SHORT,
    ),
    replicas: 6,
    routedBy: 'host',
  },
  'with a router and minPodsPerReplicaSet': {
    strategy: hostCanary(twoWeights(5, 40), {}, {}, { minPodsPerReplicaSet: 2, ...SHORT }),
    replicas: 4,
    routedBy: 'host',
  },
  'with a router, aborted': {
    strategy: hostCanary(twoWeights(20, 60), {}, {}, { abortScaleDownDelaySeconds: 1 }),
    replicas: 5,
    routedBy: 'host',
    abortAt: 4,
  },
  'with a router and dynamicStableScale, aborted': {
    strategy: hostCanary(twoWeights(20, 60), {}, {}, { dynamicStableScale: true }),
    replicas: 5,
    routedBy: 'host',
    abortAt: 4,
  },
  'with a router and dynamicStableScale, aborted with a weight until the canary has gone': {
    strategy: hostCanary(twoWeights(5, 50), {}, {}, { dynamicStableScale: true, abortScaleDownDelaySeconds: 1 }),
    replicas: 10,
    routedBy: 'host',
    abortAt: 4,
  },
  'with a router and dynamicStableScale, aborted for ever': {
    strategy: hostCanary(twoWeights(20, 60), {}, {}, { dynamicStableScale: true, abortScaleDownDelaySeconds: 1 }),
    replicas: 5,
    routedBy: 'host',
    abortAt: 4,
  },
  'with subsets': {
    strategy: subsetCanary(twoWeights(20, 60), {}, SHORT),
    replicas: 5,
    routedBy: 'subset',
  },
  'with ping-pong, in which the Services change their roles': {
    strategy: {
      canary: {
        pingPong: { pingService: 'web', pongService: 'web-canary' },
        trafficRouting: { istio: { virtualService: { name: 'web' } } },
        steps: twoWeights(25, 50),
        ...SHORT,
      },
    },
    replicas: 4,
    routedBy: 'ping-pong',
  },
  'with an experiment, which gets its weight when it has its pods and keeps them for a while': {
    strategy: hostCanary(
      [
        { setWeight: 20 },
        {
          experiment: {
            duration: '1s',
            // Long enough for the weight to be taken away first.
            scaleDownDelaySeconds: 10,
            templates: [{ name: 'baseline', specRef: 'stable', replicas: 2, weight: 15 }],
          },
        },
        { pause: {} },
      ],
      {},
      {},
      SHORT,
    ),
    replicas: 5,
    routedBy: 'host',
  },
  'blue-green with fewer pods in the preview': {
    strategy: {
      blueGreen: {
        activeService: 'web',
        previewService: 'web-canary',
        previewReplicaCount: 1,
        autoPromotionEnabled: false,
        ...SHORT,
      },
    },
    replicas: 3,
  },
};

/** Returns the objects of an update. */
export function objectsOf({ strategy, replicas, routedBy }: SetUp): KubeObject[] {
  const route =
    routedBy === 'subset' ? [to('web', 100, 'stable'), to('web', 0, 'canary')] : [to('web', 100), to('web-canary', 0)];
  return [
    service('web'),
    service('web-canary'),
    ...(routedBy === undefined ? [] : [virtualService([{ route }])]),
    ...(routedBy === 'subset' ? [destinationRule('stable', 'canary')] : []),
    rollout(strategy, { replicas }),
  ];
}
