import { dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from '../harness/cluster.ts';
import { controllerReacts } from '../harness/controller-reacts.ts';

const API = 'argoproj.io/v1alpha1';

/** Waits until the controller makes a condition hold for a Rollout, and returns it. Rejects with its status at the end. */
export async function rolloutThat(
  cluster: Cluster,
  namespace: string,
  name: string,
  what: string,
  holds: (rollout: KubeObject) => boolean,
  within = 120_000,
): Promise<KubeObject> {
  const { admin } = cluster.controlPlane;
  let last: KubeObject | undefined;
  try {
    const look = async (): Promise<KubeObject | undefined> => {
      last = await admin.get(API, 'Rollout', namespace, name);
      return last !== undefined && holds(last) ? last : undefined;
    };
    return await controllerReacts(admin, { namespace, name }, `Rollout ${name} ${what}`, look, within);
  } catch (error) {
    throw new Error(`${String(error)}; its status: ${JSON.stringify(last?.['status'])}`, { cause: error });
  }
}

/** Returns whether the controller has observed the newest generation of a Rollout. */
function isObserved(rollout: KubeObject): boolean {
  return dig(rollout, 'status', 'observedGeneration') === String(rollout.metadata['generation']);
}

/** Waits until a Rollout is Healthy, and returns it. */
export function healthy(cluster: Cluster, namespace: string, name: string): Promise<KubeObject> {
  return rolloutThat(
    cluster,
    namespace,
    name,
    'is healthy',
    (rollout) => isObserved(rollout) && dig(rollout, 'status', 'phase') === 'Healthy',
  );
}

/** Waits until a Rollout pauses with a canary weight in its status, and returns it. */
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
