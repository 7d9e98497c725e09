import type { KubeConfig } from '@kubernetes/client-node';
import { LeaderLease } from '../../cluster/lease.ts';
import type { Protection } from '../../migration/conversion-policy.ts';
import { ClusterPolicyGuard, policyReader } from '../../migration/reconciler/policy-guard.ts';
import { Reconciler } from '../../migration/reconciler/reconciler.ts';
import { clusterWriter } from '../../migration/reconciler/writer.ts';
import type { ClusterWorld } from '../../cluster/world.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Log } from '../../server/log.ts';
import type { Metrics } from '../../server/metrics.ts';
import { namespacedName, newHolder } from './lease-options.ts';

/** What conversion needs. */
export interface MigrationRunnerOptions {
  readonly kubeConfig: KubeConfig;
  readonly cluster: ClusterWorld;
  /** The Lease, `NAMESPACE/NAME`. */
  readonly lease: string;
  /** The name of the ValidatingAdmissionPolicy, and of its binding, without which no Rollout is created. */
  readonly policyName: string | undefined;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'converted' | 'leading' | 'protectedBy'>;
  policy(): Policy;
}

/** Conversion that is running. */
export interface RunningMigration {
  readonly reconciler: Reconciler;
  /** Returns what protects the annotations of conversion. Never rejects. */
  protection(): Promise<Protection>;
  stop(): Promise<void>;
}

// The metric tells of a missing policy before a Deployment does.
const POLICY_INTERVAL = 30_000;

/**
 * Starts conversion. The reconciler acts while this process holds the Lease.
 *
 * @throws Error with a sentence for the user where the name of the Lease is invalid, or the policy is not named.
 */
export function startMigration({
  kubeConfig,
  cluster,
  lease: where,
  policyName,
  log,
  metrics,
  policy,
}: MigrationRunnerOptions): RunningMigration {
  const [namespace, name] = namespacedName('--conversion-lease', where);
  if (policyName === undefined) throw new Error('--conversion-lease needs --conversion-policy');
  const identity = newHolder();
  // Another process may know the policy.
  const mayLead = (): boolean => policy().isFallback !== true;
  const task = 'converts Deployments';
  const lease = new LeaderLease({ kubeConfig, namespace, name, identity, task, log, mayLead });
  const guard = new ClusterPolicyGuard(policyName, policyReader(kubeConfig, policyName), log);
  const reconciler = new Reconciler({
    sources: { world: cluster.world, policy, fetch: (keys, deadline) => cluster.fetch(keys, deadline) },
    writer: clusterWriter(kubeConfig, identity),
    guard,
    log,
    mayAct: () => lease.leading && cluster.ready().ok,
    acted: (action, result) => metrics.converted(action, result),
  });
  metrics.leading(() => lease.leading);
  metrics.protectedBy(() => guard.ok);
  lease.start();
  reconciler.start();
  const look = (): void => void guard.protection();
  const timer = setInterval(look, POLICY_INTERVAL).unref();
  look();
  return {
    reconciler,
    protection: () => guard.protection(),
    async stop() {
      clearInterval(timer);
      await reconciler.stop();
      await lease.stop();
    },
  };
}
