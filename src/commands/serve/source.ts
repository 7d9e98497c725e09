import process from 'node:process';
import type { ControllerAccounts } from '../../cluster/controllers.ts';
import { discoveryIn, versionsIn } from './discovery.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Log } from '../../server/log.ts';
import type { Metrics } from '../../server/metrics.ts';
import { bundleWorld, placeObjects } from '../../world/manifests.ts';
import type { SupportedRange } from '../../world/rollouts-versions.ts';
import type { World } from '../../world/world.ts';
import { readManifests } from '../files.ts';
import type { Cluster } from './cluster.ts';
import type { ServeOptions } from './options.ts';

/**
 * Connects to the cluster that is served, and starts to read it. Rejects when there is no way to reach one.
 */
export type Connect = (options: ServeOptions, log: Log, policy: () => Policy, metrics: Metrics) => Promise<Cluster>;

/** Where the world that is served comes from. */
export interface Source {
  readonly world: World;
  /** Undefined where manifests are served. */
  readonly cluster: Cluster | undefined;
  /** Returns the accounts of Argo Rollouts controllers in it. */
  discovered(): ControllerAccounts;
  /** Returns the releases of Argo Rollouts that requests are judged for. */
  versions(): SupportedRange;
}

/** Returns the world of the manifests that are served. */
export async function manifestSource(paths: readonly string[], log: Log, policy: () => Policy): Promise<Source> {
  const { manifests, notes, problems } = await readManifests(paths, { cwd: process.cwd(), stdin: process.stdin });
  if (problems.length > 0) throw new Error(problems.join('; '));
  for (const note of notes) log.warn(note);
  for (const { file, line, column, message } of manifests.errors)
    log.warn({ file, line, column, reason: message }, 'a manifest could not be read');
  const { sources } = placeObjects(manifests.objects);
  log.info({ paths, objects: sources.length }, 'manifests read');
  const versions = versionsIn(policy);
  const objects = sources.map(({ object }) => object);
  const world: World = bundleWorld(objects, { versions: () => versions(world).versions });
  return { world, cluster: undefined, discovered: discoveryIn(world, policy), versions: () => versions(world) };
}

/** Returns the world of a cluster. */
export function clusterSource(cluster: Cluster): Source {
  return { world: cluster.world, cluster, discovered: () => cluster.discovered(), versions: () => cluster.versions() };
}

/** Connects to a cluster with the client library, which is large: serving manifests does without it. */
export const connectToCluster: Connect = async (options, log, policy, metrics) => {
  const { connect } = await import('./cluster.ts');
  return connect(options, log, policy, metrics);
};
