import type { Log } from './log.ts';
import { Poller } from './poller.ts';

/** The state that `KeepsState` watches. */
export interface PreservingSource {
  /** Reports whether no controller account is known, so that nothing is kept. */
  off(): boolean;
  /** Reports whether `off` is reliable yet: before the cluster has been read no account is known. */
  settled(): boolean;
}

/** Logs when the keeps turn off and on again, once for each change. */
export class KeepsState {
  readonly #source: PreservingSource;
  readonly #log: Log;
  readonly #poller: Poller;
  #off = false;

  /** @param interval - Milliseconds between two checks. */
  constructor(source: PreservingSource, log: Log, interval: number) {
    this.#source = source;
    this.#log = log;
    this.#poller = new Poller(() => Promise.resolve(this.check()), interval);
  }

  /** Checks once. */
  check(): void {
    if (!this.#source.settled()) return;
    const off = this.#source.off();
    if (off === this.#off) return;
    this.#off = off;
    if (off) {
      this.#log.warn(
        'no account of an Argo Rollouts controller is known, so nothing is kept: label its Deployment app.kubernetes.io/name: argo-rollouts, or add the account to controllers.accounts of the policy',
      );
    } else this.#log.info('an account of an Argo Rollouts controller is known: keeps are on');
  }

  stop(): void {
    this.#poller.stop();
  }
}
