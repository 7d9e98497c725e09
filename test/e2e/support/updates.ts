import type { KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';
import { controllersPart, driven, objectsIn, type Canary } from './canaries.ts';
import { healthy, pausedAt } from './rollouts.ts';

/** A canary in a namespace. */
export interface Running {
  readonly namespace: string;
  readonly objects: readonly KubeObject[];
}

/**
 * Applies the objects of a canary in a new namespace, and waits until its Rollout is Healthy.
 *
 * @param change - Changes the objects before.
 */
export async function begin(
  cluster: Cluster,
  canary: Canary,
  change: (object: KubeObject) => KubeObject = (object) => object,
): Promise<Running> {
  const namespace = await cluster.namespace(canary.name);
  const objects = objectsIn(canary, namespace).map(change);
  await cluster.developer.apply(objects);
  await healthy(cluster, namespace, canary.rollout);
  return { namespace, objects };
}

/**
 * Runs an update of a canary to its end, and asserts that the controller moves the weights at each step.
 *
 * @param atPause - Called at each pause.
 */
export async function runUpdate(
  cluster: Cluster,
  canary: Canary,
  { namespace, objects }: Running,
  atPause: (weighed: KubeObject, controllersWeights: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const [weighed] = driven(objects).filter(({ kind }) => kind === 'VirtualService' || kind === 'HTTPRoute');
  if (weighed === undefined) throw new Error('no route');
  const { apiVersion, kind, metadata } = weighed;
  const weights = async (): Promise<string> => {
    const live = await cluster.controlPlane.admin.get(apiVersion, kind, namespace, metadata.name);
    return live === undefined ? 'no route' : controllersPart(live);
  };
  const plugin = (...args: readonly string[]): Promise<unknown> =>
    cluster.developer.run(['argo', 'rollouts', ...args, '-n', namespace]);
  await plugin('set', 'image', canary.rollout, `${canary.container}=registry.example.com/app:2`);
  for (const weight of canary.weights) {
    await pausedAt(cluster, namespace, canary.rollout, weight);
    await until(`weight ${weight}`, async () => (await weights()).includes(`=${weight}`));
    await atPause(weighed, await weights());
    await quiet(cluster, canary, namespace);
    await plugin('promote', canary.rollout);
  }
  await healthy(cluster, namespace, canary.rollout);
  await until('the weights of before', async () => (await weights()).includes('=100'));
}

/** Waits until the controller has written all about a pause: what it writes after a promotion would revert that. */
async function quiet(cluster: Cluster, { rollout }: Canary, namespace: string): Promise<void> {
  let last: unknown;
  await until(
    'the controller to be quiet',
    async () => {
      const live = await cluster.controlPlane.admin.get('argoproj.io/v1alpha1', 'Rollout', namespace, rollout);
      const before = last;
      last = live?.metadata['resourceVersion'];
      return last !== undefined && last === before;
    },
    { every: 1_000 },
  );
}
