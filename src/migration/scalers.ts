import { keyFor, kindOf, keyOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, optionalNumber } from '../world/read.ts';
import { references, SCALERS } from '../world/references.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';

/** In: a world, a kind and a place. Out: the autoscalers that aim at it, in a fixed order. */
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
 * In: autoscalers. Out: the fewest pods that one of them would have; 0 where none counts pods. A VerticalPodAutoscaler
 * does not.
 */
export function minimumOf(scalers: readonly KubeObject[]): number {
  return Math.max(0, ...scalers.map(leastOf));
}

/** In: autoscalers. Out: whether one of them decides how many pods there are. */
export function countsPods(scalers: readonly KubeObject[]): boolean {
  return scalers.some((scaler) => kindOf(scaler) !== 'VerticalPodAutoscaler.autoscaling.k8s.io');
}

/**
 * In: an autoscaler, and the name of a Rollout. Out: what is to be written in it so that it aims at the Rollout, in
 * words.
 */
export function retarget(scaler: KubeObject, rollout: string): string {
  const field = kindOf(scaler) === 'VerticalPodAutoscaler.autoscaling.k8s.io' ? 'targetRef' : 'scaleTargetRef';
  return `${scaler.kind} "${scaler.metadata.name}" aims at the Deployment: set ${field} to apiVersion argoproj.io/v1alpha1, kind Rollout, name ${rollout}`;
}

/**
 * In: a world, a Deployment, and the name of its Rollout. Out: the fewest pods that the autoscalers of either would
 * have.
 */
export function leastReplicas(world: World, deployment: KubeObject, rollout: string): number {
  const namespace = namespaceOf(deployment);
  return minimumOf([
    ...scalersOf(world, 'Deployment.apps', namespace, deployment.metadata.name),
    ...scalersOf(world, 'Rollout.argoproj.io', namespace, rollout),
  ]);
}

function leastOf(scaler: KubeObject): number {
  switch (kindOf(scaler)) {
    // Kubernetes' own default is 1, KEDA's 0.
    case 'HorizontalPodAutoscaler.autoscaling':
      return optionalNumber(dig(scaler, 'spec', 'minReplicas')) ?? 1;
    case 'ScaledObject.keda.sh':
      return optionalNumber(dig(scaler, 'spec', 'minReplicaCount')) ?? 0;
    default:
      return 0;
  }
}
