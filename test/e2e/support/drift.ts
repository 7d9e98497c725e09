import type { Cluster } from '../harness/cluster.ts';

/** How long drift takes to show, or to be gone. */
export const NOTICED = { within: 150_000, every: 1_000 };

/** Returns the lines of the metric of drift about a namespace, or about all. */
export async function driftIn(cluster: Cluster, namespace?: string): Promise<string[]> {
  const metrics = await cluster.rollgate.metrics();
  const lines = metrics.split('\n').filter((line) => line.startsWith('rollgate_drift{'));
  return namespace === undefined ? lines : lines.filter((line) => line.includes(`namespace="${namespace}"`));
}
