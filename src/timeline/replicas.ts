import { kindOf, keyOf, type KubeObject } from '../world/object.ts';
import { dig, int32 } from '../world/read.ts';
import type { World } from '../world/world.ts';

const DEFAULT_MOST_OF_KEDA = 100;

/** A number of pods that an update is looked at with, and where it comes from. */
export interface ReplicaCount {
  readonly replicas: number;
  readonly from: string;
}

/**
 * Returns the numbers of pods that a Rollout may have: the least and the most of its autoscaler, or else its `replicas`.
 * Source of the defaults: Kubernetes 1.34, `pkg/apis/autoscaling`; KEDA 2.17, `apis/keda/v1alpha1`.
 */
export function replicaCounts(rollout: KubeObject, world: World): readonly ReplicaCount[] {
  for (const scaler of world.referrers(keyOf(rollout))) {
    const [least, most] = boundsOf(scaler) ?? [];
    if (least === undefined || most === undefined) continue;
    const name = `${scaler.kind} "${scaler.metadata.name}"`;
    const atLeast = { replicas: least, from: `the least of ${name}` };
    return least === most ? [atLeast] : [atLeast, { replicas: most, from: `the most of ${name}` }];
  }
  const replicas = int32(dig(rollout, 'spec', 'replicas'));
  return [
    replicas === undefined
      ? { replicas: 1, from: 'the default' }
      : { replicas: Math.max(0, replicas), from: 'spec.replicas' },
  ];
}

function boundsOf(scaler: KubeObject): readonly [least: number, most: number] | undefined {
  const number = (field: string): number | undefined => int32(dig(scaler, 'spec', field));
  switch (kindOf(scaler)) {
    case 'HorizontalPodAutoscaler.autoscaling': {
      const most = number('maxReplicas');
      return most === undefined ? undefined : [number('minReplicas') ?? 1, most];
    }
    case 'ScaledObject.keda.sh':
      return [number('minReplicaCount') ?? 0, number('maxReplicaCount') ?? DEFAULT_MOST_OF_KEDA];
    default:
      return undefined;
  }
}
