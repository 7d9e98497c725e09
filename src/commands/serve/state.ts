import { exemptAccounts } from '../../admission/exempt.ts';
import { DEFAULT_POLICY, type Policy } from '../../policy/policy.ts';
import type { CacheState } from '../../server/metrics.ts';
import type { PolicyFile } from '../../server/policy-file.ts';
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
  readonly discovered = (): readonly string[] => this.source?.discovered() ?? NONE;

  /** Returns whether no controller account is known, so that nothing is kept. */
  readonly keepsOff = (): boolean =>
    exemptAccounts(this.policy(), this.discovered(), this.source?.cluster?.self).controllers.size === 0;

  /** Returns the caches of the cluster. */
  readonly caches = (): readonly CacheState[] => this.source?.cluster?.caches() ?? [];
}

const NONE: readonly string[] = [];
