import type { Log } from './log.ts';
import { Poller } from './poller.ts';

/** What is asked about the keeps. */
export interface KeepsQuestions {
  /** Out: whether no controller account is known, so that nothing is kept. */
  off(): boolean;
  /** Out: whether that can be told yet: before the cluster was read no account is known. */
  settled(): boolean;
}

/** Says in the log when the keeps go off and come back: once for each change, not for each request. */
export class KeepsState {
  readonly #questions: KeepsQuestions;
  readonly #log: Log;
  readonly #poller: Poller;
  #off = false;

  /** In: what to ask, the log, and how often to ask, in milliseconds. */
  constructor(questions: KeepsQuestions, log: Log, interval: number) {
    this.#questions = questions;
    this.#log = log;
    this.#poller = new Poller(() => Promise.resolve(this.check()), interval);
  }

  /** Asks once. */
  check(): void {
    if (!this.#questions.settled()) return;
    const off = this.#questions.off();
    if (off === this.#off) return;
    this.#off = off;
    if (off) {
      this.#log.warn(
        'no account of an Argo Rollouts controller is known, so that nothing is kept: label its Deployment app.kubernetes.io/name: argo-rollouts, or name the account in controllers.accounts of the policy',
      );
    } else this.#log.info('an account of an Argo Rollouts controller is known: what it owns is kept');
  }

  stop(): void {
    this.#poller.stop();
  }
}
