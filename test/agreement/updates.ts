import type fc from 'fast-check';
import { drawn, type Draw, type Fields, type Json } from './draw.ts';

/**
 * Returns Rollouts that differ in all that their numbers of pods and their weights depend on. They are not complete: the
 * code that counts pods reads nothing else.
 */
export function updates(): fc.Arbitrary<Fields> {
  return drawn((draw) => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      ...draw.perhaps(0.95, () => ({ replicas: draw.int(0, 50) })),
      strategy: draw.maybe(0.1) ? { blueGreen: blueGreen(draw) } : { canary: canary(draw) },
    },
  }));
}

function blueGreen(draw: Draw): Fields {
  return {
    activeService: 'web-active',
    ...draw.perhaps(0.6, () => ({ previewReplicaCount: draw.int(0, 20) })),
    ...draw.perhaps(0.3, () => ({ autoPromotionEnabled: draw.maybe(0.5) })),
  };
}

function canary(draw: Draw): Fields {
  const routing = draw.pick('none', 'router', 'router', 'empty');
  const most = routing === 'none' ? 100 : draw.pick(100, 100, 100, 1000, 7, 256);
  return {
    ...draw.perhaps(0.6, () => ({ maxSurge: podLimit(draw) })),
    ...draw.perhaps(0.6, () => ({ maxUnavailable: podLimit(draw) })),
    ...(routing === 'none'
      ? {}
      : {
          trafficRouting: {
            ...(routing === 'router' ? { smi: {} } : {}),
            ...(most === 100 ? {} : { maxTrafficWeight: most }),
          },
        }),
    ...draw.perhaps(0.35, () => ({ dynamicStableScale: true })),
    ...draw.perhaps(0.25, () => ({ minPodsPerReplicaSet: draw.int(1, 12) })),
    ...draw.perhaps(0.3, () => ({ abortScaleDownDelaySeconds: draw.pick<Json>(0, 30, 600) })),
    ...draw.perhaps(0.15, () => ({
      replicaProgressThreshold: { type: draw.pick('Percent', 'Pod'), value: draw.int(0, 100) },
    })),
    steps: draw.list(0, 8, () => step(draw, most)),
  };
}

function podLimit(draw: Draw): Json {
  return draw.pick<() => Json>(
    () => draw.int(0, 10),
    () => draw.int(11, 60),
    () => `${draw.int(0, 100)}%`,
    () => String(draw.int(0, 100)),
    () => 'some',
  )();
}

function step(draw: Draw, most: number): Fields {
  return draw.pick<() => Fields>(
    () => ({ setWeight: draw.int(0, most) }),
    () => ({ setWeight: draw.int(0, most) }),
    () => ({ setWeight: draw.pick(0, Math.floor(most / 2), most) }),
    () => ({ pause: {} }),
    () => ({
      setCanaryScale: draw.pick<Fields>(
        { replicas: draw.int(0, 60) },
        { weight: draw.int(0, most) },
        { matchTrafficWeight: true },
        {},
      ),
    }),
  )();
}
