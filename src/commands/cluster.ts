import { KubeConfig } from '@kubernetes/client-node';
import { useTokenFiles } from '../cluster/token-files.ts';
import { ClusterWorld } from '../cluster/world.ts';
import { controllerNamespaces, type Policy } from '../policy/policy.ts';
import { readErrorOf } from '../world/error.ts';
import type { RolloutsVersions } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import { judgedVersions } from './versions.ts';

/** Which cluster a command reads. */
export interface ClusterOptions {
  /** A kubeconfig file; by default the one kubectl would use, or the service account in a pod. */
  readonly kubeconfig?: string;
  /** A context in it; by default the current one. */
  readonly context?: string;
  /** The kubeconfig of the cluster that holds the Istio objects, where that is another one. */
  readonly istioKubeconfig?: string;
}

/**
 * Returns how to reach a cluster.
 *
 * @throws Error with a sentence for the user when there is no such file or context.
 */
export function kubeConfigOf({ kubeconfig, context }: ClusterOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else loadFile(config, kubeconfig);
  useTokenFiles(config, kubeconfig);
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const names = config.getContexts().map(({ name }) => name);
      throw new Error(`context "${context}" not found in the kubeconfig (it has ${names.join(', ') || 'none'})`);
    }
    config.setCurrentContext(context);
  }
  // The client library invents this server where it finds no configuration at all.
  const cluster = config.getCurrentCluster();
  if (cluster === null || (kubeconfig === undefined && cluster.server === 'http://localhost:8080'))
    throw new Error('no cluster is configured: set KUBECONFIG, or use --kubeconfig');
  return config;
}

function loadFile(config: KubeConfig, kubeconfig: string): void {
  try {
    config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new Error(`${kubeconfig}: ${readErrorOf(error)}`, { cause: error });
  }
}

/** Returns how to reach a cluster, and that of the Istio objects where it is another one. */
export function kubeConfigsOf(options: ClusterOptions): { kubeConfig: KubeConfig; istioKubeConfig?: KubeConfig } {
  const kubeConfig = kubeConfigOf(options);
  return options.istioKubeconfig === undefined
    ? { kubeConfig }
    : { kubeConfig, istioKubeConfig: kubeConfigOf({ kubeconfig: options.istioKubeconfig }) };
}

/** A cluster that was read once. */
export interface ReadCluster {
  readonly world: World;
  stop(): Promise<void>;
}

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const SYNC_TIMEOUT = 60_000;
// Without them, the fields are those of the newest known versions.
const FIELDS_TIMEOUT = 10_000;

/**
 * Reads a cluster completely.
 *
 * @param policy - Names the namespaces of the Argo Rollouts controllers.
 * @throws Error with a sentence for the user when it cannot be read within a minute.
 */
export async function readCluster(options: ClusterOptions, policy: Policy): Promise<ReadCluster> {
  // Nobody asks before the cluster was read.
  let versions: RolloutsVersions | undefined;
  const cluster = new ClusterWorld({
    ...kubeConfigsOf(options),
    controllerNamespaces: () => controllerNamespaces(policy),
    versions: (world) => (versions ??= judgedVersions(world, policy).versions),
    logger: SILENT,
  });
  cluster.start();
  if (!(await cluster.waitForSync(SYNC_TIMEOUT))) {
    const { reasons } = cluster.ready();
    await cluster.stop();
    throw new Error(`the cluster could not be read: ${reasons.join('; ')}`);
  }
  await cluster.waitForFields(FIELDS_TIMEOUT);
  return { world: cluster.world, stop: () => cluster.stop() };
}
