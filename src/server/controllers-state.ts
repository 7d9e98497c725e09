import { TRUSTS_NO_CONTROLLER } from '../policy/warnings.ts';
import { rangeText, SUPPORTED_VERSIONS, type SupportedRange } from '../world/rollouts-versions.ts';
import type { Log } from './log.ts';
import { Poller } from './poller.ts';

/** The state that `ControllersState` watches. */
export interface ControllersQuestions {
  /** Returns the accounts that look like those of a controller, outside the namespaces that the policy names. */
  untrusted(): readonly string[];
  /** Reports whether the policy looks for controllers, but names neither a namespace nor an account of one. */
  trustsNone(): boolean;
  /** Returns the releases of Argo Rollouts that requests are judged for. */
  versions(): SupportedRange;
}

// Everybody who may create a Deployment can add an account, and another one the next second.
const MAX_ACCOUNTS = 100;

/**
 * Logs each account that only looks like that of a controller, once; a policy that trusts no controller; and the versions
 * of Argo Rollouts that requests are judged for, whenever they change.
 */
export class ControllersState {
  readonly #source: ControllersQuestions;
  readonly #log: Log;
  readonly #poller: Poller;
  readonly #seen = new Set<string>();
  #trustedNone = false;
  #versions: SupportedRange | undefined;

  /** @param interval - Milliseconds between two checks. */
  constructor(source: ControllersQuestions, log: Log, interval: number) {
    this.#source = source;
    this.#log = log;
    this.#poller = new Poller(() => Promise.resolve(this.check()), interval);
  }

  /** Checks once. */
  check(): void {
    const none = this.#source.trustsNone();
    if (none && !this.#trustedNone) this.#log.warn(TRUSTS_NO_CONTROLLER);
    this.#trustedNone = none;
    for (const account of this.#source.untrusted()) this.#see(account);
    this.#checkVersions();
  }

  stop(): void {
    this.#poller.stop();
  }

  #checkVersions(): void {
    const found = this.#source.versions();
    if (found === this.#versions) return;
    this.#versions = found;
    const versions = rangeText(found.versions);
    const plugin = found.versions.gatewayPlugin;
    const gatewayPlugin = plugin === undefined ? {} : { gatewayPlugin: rangeText(plugin) };
    if (found.isClamped)
      this.#log.warn(
        { versions, supported: rangeText(SUPPORTED_VERSIONS), ...gatewayPlugin },
        'a controller or the policy has a version of Argo Rollouts that is not supported: requests are checked for the nearest supported one; upgrade Rollgate',
      );
    else this.#log.info({ versions, ...gatewayPlugin }, 'requests are checked for these versions of Argo Rollouts');
  }

  #see(account: string): void {
    if (this.#seen.has(account) || this.#seen.size >= MAX_ACCOUNTS) return;
    this.#seen.add(account);
    this.#log.warn(
      { account },
      'an account outside controllers.namespaces looks like that of an Argo Rollouts controller: nothing is kept in its requests, but rules check them; if it is a controller, add its namespace to controllers.namespaces of the policy',
    );
    if (this.#seen.size === MAX_ACCOUNTS)
      this.#log.warn('more accounts that look like those of controllers are not logged; rollgate scan lists all');
  }
}
