import { knownAccounts } from '../../admission/exempt.ts';
import { NO_CONTROLLERS, type ControllerAccounts } from '../../cluster/controllers.ts';
import { DEFAULT_POLICY, type Policy } from '../../policy/policy.ts';
import type { CacheState } from '../../server/source-metrics.ts';
import type { PolicyFile } from '../../server/policy-file.ts';
import { supportedRange, type SupportedRange } from '../../world/rollouts-versions.ts';
import type { Source } from './source.ts';

/**
 * What the parts of `serve` ask each other. It exists before the parts do: the metrics ask for the caches of a cluster
 * that is connected to later, and connecting asks for the policy.
 */
export class ServeState {
  policyFile: PolicyFile | undefined;
  source: Source | undefined;

  /** Returns the policy in effect. */
  readonly policy = (): Policy => this.policyFile?.current ?? DEFAULT_POLICY;

  /** Returns the accounts of Argo Rollouts controllers that were discovered. */
  readonly discovered = (): ControllerAccounts => this.source?.discovered() ?? NO_CONTROLLERS;

  /** Returns the releases of Argo Rollouts that requests are judged for. */
  readonly versions = (): SupportedRange => this.source?.versions() ?? supportedRange([]);

  /** Returns whether no controller account is known, trusted or not, so that nothing is kept. */
  readonly keepsOff = (): boolean => {
    const { trusted, untrusted } = this.discovered();
    return knownAccounts(this.policy(), trusted, untrusted, undefined).notKeptAgainst.size === 0;
  };

  /** Returns the caches of the cluster. */
  readonly caches = (): readonly CacheState[] => this.source?.cluster?.caches() ?? [];

  /** Returns the estimated bytes of the objects of the cluster. */
  readonly cacheBytes = (): number => this.source?.cluster?.cacheBytes() ?? 0;
}
