import { largest } from '../world/extremes.ts';
import { keyFor, kindOf, keyOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, optionalNumber } from '../world/read.ts';
import { references, SCALERS } from '../world/references.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';

/** Returns the autoscalers of a workload, in a fixed order. */
export function scalersOf(
  world: World,
  kind: 'Deployment.apps' | 'Rollout.argoproj.io',
  namespace: string,
  name: string,
): KubeObject[] {
  const key = keyFor(kind, namespace, name);
  return world
    .referrers(key)
    .filter((object) => {
      const id = kindOf(object);
      return (
        id !== undefined &&
        SCALERS.includes(id) &&
        !isBeingDeleted(object) &&
        references(object).some((reference) => reference.key === key && reference.role === 'scale target')
      );
    })
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/**
 * Returns the highest minimum of pods among autoscalers; 0 where none counts pods, as a VerticalPodAutoscaler does not.
 */
export function minimumOf(scalers: readonly KubeObject[]): number {
  return Math.max(0, largest(scalers.map(leastOf)) ?? 0);
}

/** Returns whether one of the autoscalers decides how many pods there are. */
export function countsPods(scalers: readonly KubeObject[]): boolean {
  return scalers.some((scaler) => kindOf(scaler) !== 'VerticalPodAutoscaler.autoscaling.k8s.io');
}

/** Returns what to change in an autoscaler so that it targets the Rollout, in words. */
export function retarget(scaler: KubeObject, rollout: string): string {
  const field = kindOf(scaler) === 'VerticalPodAutoscaler.autoscaling.k8s.io' ? 'targetRef' : 'scaleTargetRef';
  return `${scaler.kind} "${scaler.metadata.name}" targets the Deployment: set ${field} to apiVersion argoproj.io/v1alpha1, kind Rollout, name ${rollout}`;
}

/** Returns the highest minimum of pods among the autoscalers of a Deployment and its Rollout. */
export function leastReplicas(world: World, deployment: KubeObject, rollout: string): number {
  const namespace = namespaceOf(deployment);
  return minimumOf([
    ...scalersOf(world, 'Deployment.apps', namespace, deployment.metadata.name),
    ...scalersOf(world, 'Rollout.argoproj.io', namespace, rollout),
  ]);
}

function leastOf(scaler: KubeObject): number {
  switch (kindOf(scaler)) {
    // The default of Kubernetes is 1, that of KEDA 0.
    case 'HorizontalPodAutoscaler.autoscaling':
      return optionalNumber(dig(scaler, 'spec', 'minReplicas')) ?? 1;
    case 'ScaledObject.keda.sh':
      return optionalNumber(dig(scaler, 'spec', 'minReplicaCount')) ?? 0;
    default:
      return 0;
  }
}
