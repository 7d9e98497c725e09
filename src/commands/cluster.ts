import { AuthenticationV1Api, AuthorizationV1Api, KubeConfig } from '@kubernetes/client-node';
import { controllerAccounts } from '../cluster/controllers.ts';
import { useTokenFiles } from '../cluster/token-files.ts';
import { ClusterWorld } from '../cluster/world.ts';
import type { Policy } from '../policy/policy.ts';
import { clusterAuthorizer } from '../server/authorization.ts';
import type { Log } from '../server/log.ts';
import type { Metrics } from '../server/metrics.ts';
import type { ObjectKey } from '../world/object.ts';
import type { World } from '../world/world.ts';
import { startMigration, type RunningMigration } from './migration.ts';
import type { Cluster } from './serve.ts';

/** Which cluster is meant. */
export interface ClusterOptions {
  /** A kubeconfig file; by default what kubectl would use, or the service account in a pod. */
  readonly kubeconfig?: string;
  /** The context in it; by default the current one. */
  readonly context?: string;
  /** The kubeconfig of the cluster that holds the Istio objects, where that is another one. */
  readonly istioKubeconfig?: string;
}

/** In: which cluster. Out: how to reach it. Throws an Error for a person when there is no such file or context. */
export function kubeConfigOf({ kubeconfig, context }: ClusterOptions): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  useTokenFiles(config, kubeconfig);
  if (context !== undefined) {
    if (config.getContextObject(context) === null)
      throw new Error(
        `there is no context "${context}" in the kubeconfig (it has ${
          config
            .getContexts()
            .map(({ name }) => name)
            .join(', ') || 'none'
        })`,
      );
    config.setCurrentContext(context);
  }
  // This is what the client makes up where it finds no configuration at all.
  const cluster = config.getCurrentCluster();
  if (cluster === null || (kubeconfig === undefined && cluster.server === 'http://localhost:8080'))
    throw new Error('no cluster is configured: set KUBECONFIG, or give --kubeconfig');
  return config;
}

function worldOptions(options: ClusterOptions): { kubeConfig: KubeConfig; istioKubeConfig?: KubeConfig } {
  const kubeConfig = kubeConfigOf(options);
  return options.istioKubeconfig === undefined
    ? { kubeConfig }
    : { kubeConfig, istioKubeConfig: kubeConfigOf({ kubeconfig: options.istioKubeconfig }) };
}

// Which Deployments are controllers hardly ever changes, so looking again once a second is soon enough.
const LOOK_AGAIN = 1_000;

/** What serving a cluster needs besides. */
export interface ConnectOptions extends ClusterOptions {
  /** The account Rollgate runs as there, if it is known. */
  readonly account?: string;
  /** The Lease of whoever converts, `NAMESPACE/NAME`; undefined: nobody does. */
  readonly conversionLease?: string;
}

/** In: which cluster, the log, the policy in force, and the metrics. Out: the cluster for `serve`, being read. */
export function connect(options: ConnectOptions, log: Log, policy: () => Policy, metrics: Metrics): Cluster {
  const { kubeConfig, istioKubeConfig } = worldOptions(options);
  let conversion: RunningMigration | undefined;
  const onChange = (key: ObjectKey): void => conversion?.reconciler.changed(key);
  const cluster = new ClusterWorld({
    kubeConfig,
    logger: log,
    onChange,
    ...(istioKubeConfig === undefined ? {} : { istioKubeConfig }),
  });
  if (options.conversionLease !== undefined)
    conversion = startMigration({ kubeConfig, cluster, lease: options.conversionLease, log, metrics, policy });
  cluster.start();
  let accounts: readonly string[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    world: cluster.world,
    live: cluster,
    authorizer: clusterAuthorizer({
      authentication: kubeConfig.makeApiClient(AuthenticationV1Api),
      authorization: kubeConfig.makeApiClient(AuthorizationV1Api),
    }),
    self: options.account,
    converts: conversion !== undefined,
    checks: [
      {
        name: 'caches',
        failing: () => {
          const { ok, reasons } = cluster.ready();
          return ok ? undefined : reasons.join('; ');
        },
      },
    ],
    discovered() {
      const { discover, namespaces } = policy().controllers;
      if (!discover) return [];
      if (performance.now() - lookedAt > LOOK_AGAIN) {
        accounts = controllerAccounts(cluster.world, namespaces.length === 0 ? undefined : namespaces);
        lookedAt = performance.now();
      }
      return accounts;
    },
    caches() {
      const unknown = cluster.unknown();
      return [...cluster.staleness()].map(([kind, staleness]) => ({ kind, synced: !unknown.has(kind), staleness }));
    },
    async stop() {
      await conversion?.stop();
      await cluster.stop();
    },
  };
}

/** A cluster that was read once. */
export interface ReadCluster {
  readonly world: World;
  stop(): Promise<void>;
}

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const PATIENCE = 60_000;

/**
 * In: which cluster. Out: its world, read completely. Rejects with an Error for a person when it cannot be read within
 * a minute.
 */
export async function readCluster(options: ClusterOptions): Promise<ReadCluster> {
  const cluster = new ClusterWorld({ ...worldOptions(options), logger: SILENT });
  cluster.start();
  if (!(await cluster.waitForSync(PATIENCE))) {
    const { reasons } = cluster.ready();
    await cluster.stop();
    throw new Error(`the cluster could not be read: ${reasons.join('; ')}`);
  }
  return { world: cluster.world, stop: () => cluster.stop() };
}
