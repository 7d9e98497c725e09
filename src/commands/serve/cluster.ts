import type { KubeConfig } from '@kubernetes/client-node';
import { AuthenticationV1Api, AuthorizationV1Api } from '@kubernetes/client-node';
import type { GateParts } from '../../admission/gate.ts';
import type { ApiReader } from '../../admission/live-reads.ts';
import type { ControllerAccounts } from '../../cluster/controllers.ts';
import { eventWriter, type EventWriter } from '../../cluster/event-writer.ts';
import { ClusterWorld } from '../../cluster/world.ts';
import { controllerNamespaces, type Policy } from '../../policy/policy.ts';
import { clusterAuthorizer, type Authorizer } from '../../server/authorization.ts';
import type { HealthCheck } from '../../server/health.ts';
import type { Log } from '../../server/log.ts';
import type { Metrics } from '../../server/metrics.ts';
import type { CacheState } from '../../server/source-metrics.ts';
import type { ObjectKey } from '../../world/object.ts';
import type { SupportedRange } from '../../world/rollouts-versions.ts';
import type { World } from '../../world/world.ts';
import { kubeConfigsOf, type ClusterOptions } from '../cluster.ts';
import { discoveryIn, versionsIn } from './discovery.ts';
import { newHolder } from './lease-options.ts';
import { startMigration, type RunningMigration } from './migration.ts';

const MIB = 1024 * 1024;

/** A cluster, as far as serving needs one. */
export interface Cluster {
  readonly world: World;
  readonly live: ApiReader;
  readonly authorizer: Authorizer;
  /** The account that Rollgate runs as, where it is known. */
  readonly self?: string | undefined;
  /** What must hold before the gate is ready: caches synced and fresh. */
  readonly checks: readonly HealthCheck[];
  /** Whether this process converts what admission lets in to be converted. */
  readonly converts?: boolean;
  /** Writes Events about objects, if `--events` asks for them. */
  readonly events?: EventWriter | undefined;
  /** As of `GateParts`. */
  readonly protection?: GateParts['protection'];
  /** Returns the accounts of Argo Rollouts controllers that were discovered. */
  discovered(): ControllerAccounts;
  /** Returns the releases of Argo Rollouts that requests are judged for. */
  versions(): SupportedRange;
  caches(): readonly CacheState[];
  /** Returns the estimated bytes of all cached objects. */
  cacheBytes(): number;
  stop(): Promise<void>;
}

/** How to connect to the cluster that is served. */
export interface ConnectOptions extends ClusterOptions {
  /** The account that Rollgate runs as there, if it is known. */
  readonly account?: string;
  /** The Lease of the process that converts, `NAMESPACE/NAME`. Undefined: this process does not convert. */
  readonly conversionLease?: string;
  /** The ValidatingAdmissionPolicy without which no Rollout is created. */
  readonly conversionPolicy?: string;
  /** Write Events about objects. */
  readonly events?: boolean;
  /** The most MiB that the cached objects may take in memory, estimated. */
  readonly maxCacheSize?: number;
}

/**
 * Connects to a cluster and starts to read it.
 *
 * @param policy - Returns the policy in effect.
 * @throws Error with a sentence for the user when there is no way to reach the cluster.
 */
export function connect(options: ConnectOptions, log: Log, policy: () => Policy, metrics: Metrics): Cluster {
  const { kubeConfig, istioKubeConfig } = kubeConfigsOf(options);
  let conversion: RunningMigration | undefined;
  const versions = versionsIn(policy);
  const onChange = (key: ObjectKey): void => conversion?.reconciler.changed(key);
  const cluster = new ClusterWorld({
    kubeConfig,
    logger: log,
    controllerNamespaces: () => controllerNamespaces(policy()),
    versions: (world) => versions(world).versions,
    onChange,
    ...(options.maxCacheSize === undefined ? {} : { maxBytes: options.maxCacheSize * MIB }),
    ...(istioKubeConfig === undefined ? {} : { istioKubeConfig }),
  });
  if (options.conversionLease !== undefined)
    conversion = startMigration({
      kubeConfig,
      cluster,
      lease: options.conversionLease,
      policyName: options.conversionPolicy,
      log,
      metrics,
      policy,
    });
  cluster.start();
  return {
    world: cluster.world,
    live: cluster,
    authorizer: authorizerOf(kubeConfig, metrics),
    self: options.account,
    converts: conversion !== undefined,
    protection: conversion?.protection,
    events: options.events === true ? eventWriter(kubeConfig, newHolder()) : undefined,
    checks: [{ name: 'caches', failing: () => whyNotReady(cluster) }],
    discovered: discoveryIn(cluster.world, policy),
    versions: () => versions(cluster.world),
    caches: () => cachesOf(cluster),
    cacheBytes: () => cluster.cacheBytes,
    async stop() {
      await conversion?.stop();
      await cluster.stop();
    },
  };
}

function authorizerOf(kubeConfig: KubeConfig, metrics: Metrics): Authorizer {
  return clusterAuthorizer({
    authentication: kubeConfig.makeApiClient(AuthenticationV1Api),
    authorization: kubeConfig.makeApiClient(AuthorizationV1Api),
    metrics,
  });
}

function whyNotReady(cluster: ClusterWorld): string | undefined {
  const { ok, reasons } = cluster.ready();
  return ok ? undefined : reasons.join('; ');
}

function cachesOf(cluster: ClusterWorld): CacheState[] {
  const unknown = cluster.unknown();
  const nameOnly = cluster.nameOnly();
  return [...cluster.staleness()].map(([kind, staleness]) => ({
    kind,
    synced: !unknown.has(kind),
    staleness,
    nameOnly: nameOnly.get(kind) ?? 0,
  }));
}
