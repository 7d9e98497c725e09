import { dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';

const API = 'argoproj.io/v1alpha1';

/**
 * In: a cluster, where, and a condition on a Rollout. Out: the Rollout, once it holds. Rejects with the status that it
 * has instead.
 */
export async function rolloutThat(
  cluster: Cluster,
  namespace: string,
  name: string,
  what: string,
  holds: (rollout: KubeObject) => boolean,
  within = 120_000,
): Promise<KubeObject> {
  let last: KubeObject | undefined;
  try {
    return await until(
      `Rollout ${name} ${what}`,
      async () => {
        last = await cluster.controlPlane.admin.get(API, 'Rollout', namespace, name);
        return last !== undefined && holds(last) ? last : undefined;
      },
      { within },
    );
  } catch (error) {
    throw new Error(`${String(error)}; its status: ${JSON.stringify(last?.['status'])}`, { cause: error });
  }
}

/** In: a Rollout. Out: whether the controller has seen its newest generation. */
function isObserved(rollout: KubeObject): boolean {
  return dig(rollout, 'status', 'observedGeneration') === String(rollout.metadata['generation']);
}

/** In: where. Out: the Rollout, once it is Healthy. */
export function healthy(cluster: Cluster, namespace: string, name: string): Promise<KubeObject> {
  return rolloutThat(
    cluster,
    namespace,
    name,
    'is healthy',
    (rollout) => isObserved(rollout) && dig(rollout, 'status', 'phase') === 'Healthy',
  );
}

/** In: where, and the canary weight. Out: the Rollout, once it pauses with that weight in its status. */
export function pausedAt(cluster: Cluster, namespace: string, name: string, weight: number): Promise<KubeObject> {
  return rolloutThat(
    cluster,
    namespace,
    name,
    `pauses at ${weight}`,
    (rollout) =>
      isObserved(rollout) &&
      dig(rollout, 'status', 'phase') === 'Paused' &&
      dig(rollout, 'status', 'canary', 'weights', 'canary', 'weight') === weight,
  );
}
