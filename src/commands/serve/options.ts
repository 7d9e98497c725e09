import type { LogLevel } from '../../server/log.ts';
import type { ClusterOptions } from '../cluster.ts';

/** The options of `rollgate serve`. */
export interface ServeOptions extends ClusterOptions {
  /** Directories or files of manifests that are served instead of a cluster. */
  readonly manifests?: readonly string[];
  readonly policy?: string;
  /**
   * The account that Rollgate runs as in the cluster, `system:serviceaccount:NAMESPACE:NAME`. What it writes itself is
   * not evaluated.
   */
  readonly account?: string;
  /**
   * The Lease, `NAMESPACE/NAME`, whose holder makes Rollouts of Deployments. Without one nothing is converted in a
   * cluster.
   */
  readonly conversionLease?: string;
  /** The name of the ValidatingAdmissionPolicy, and of its binding, without which no Rollout is created. */
  readonly conversionPolicy?: string;
  /** The directory of tls.crt and tls.key. Without a cluster a certificate is generated where none is given. */
  readonly certDir?: string;
  /**
   * The Secret, `NAMESPACE/NAME`, in which Rollgate keeps a CA and the certificate that it serves. The holder of the
   * Lease of the same name renews them.
   */
  readonly certificateSecret?: string;
  /** The Service, `NAMESPACE/NAME`, for whose names that certificate is issued. */
  readonly certificateService?: string;
  /** The name of the webhook configurations whose `caBundle` is set to that CA. */
  readonly webhookConfigurations?: string;
  /** Write Events about objects to the API server. */
  readonly events?: boolean;
  readonly host?: string;
  readonly port: number;
  readonly healthPort: number;
  readonly logLevel: LogLevel;
  readonly maxInFlight: number;
  /** The most MiB that the objects of the cluster may take in memory, estimated. */
  readonly maxCacheSize?: number;
  readonly tlsMinVersion: '1.2' | '1.3';
}

/** How often files and the state of keeps are looked at, in milliseconds. */
export const POLL_INTERVAL = 5_000;
