import { ApiError } from '../../cluster/api-error.ts';
import { messageOf } from '../../world/error.ts';
import type { Log } from '../log.ts';
import { Poller } from '../poller.ts';
import type { CertificateApi, StoredSecret, WebhookConfiguration } from './api.ts';
import type { CertificateNames } from '../certificate.ts';
import { bundleOf, changesFor, readState, RENEW, type ReadState } from './secret-content.ts';
import { fulfills, nextAction, type CertificateAction, type CertificateState, type Times } from './next-action.ts';

/** Options of `CertificateRotator`. */
export interface RotatorOptions {
  readonly api: CertificateApi;
  readonly names: CertificateNames;
  /** Milliseconds between two checks. */
  readonly interval: number;
  readonly log: Log;
  /** Returns whether this process is the one that writes. */
  mayAct(): boolean;
  /** Returns milliseconds since the epoch. */
  now(): number;
  /** Returns milliseconds of a monotonic clock. */
  monotonic(): number;
}

const DONE: Readonly<Record<Exclude<CertificateAction['kind'], 'wait'>, string>> = {
  create: 'created a certificate authority and a certificate',
  prepare: 'created the next certificate authority',
  trust: 'set caBundle of the webhook configurations',
  switch: 'issued a certificate of the next certificate authority',
  renew: 'renewed the certificate',
  retire: 'removed earlier certificate authorities',
};
// A rotation has fewer. The rest waits for the next check.
const MOST_STEPS = 10;

/**
 * Keeps a certificate authority and a certificate in a Secret, and `caBundle` of the webhook configurations. It does one
 * step after the other, each decided by what the API server has then.
 */
export class CertificateRotator {
  readonly #options: RotatorOptions;
  readonly #nextTrusted = new Observation();
  readonly #served = new Observation();
  #poller: Poller | undefined;
  #lastError = '';
  #lastUnknown: string | undefined;

  constructor(options: RotatorOptions) {
    this.#options = options;
  }

  /** Starts to check, until `stop`. */
  start(): void {
    this.#poller = new Poller(() => this.check(), this.#options.interval);
  }

  /** No check starts after this. */
  stop(): void {
    this.#poller?.stop();
  }

  /** Does all steps that are due. Never rejects. */
  async check(): Promise<void> {
    try {
      for (let steps = 0; steps < MOST_STEPS; steps++) if ((await this.step()) === 'wait') break;
      this.#lastError = '';
    } catch (error) {
      // Another process, or a person, was faster.
      if (error instanceof ApiError && error.status === 409) return;
      const reason = messageOf(error);
      if (reason !== this.#lastError)
        this.#options.log.error({ reason }, 'cannot renew the certificate or its caBundle; trying again');
      this.#lastError = reason;
    }
  }

  /**
   * Does one step, and returns which. Rejects as `CertificateApi` does.
   */
  async step(): Promise<CertificateAction['kind']> {
    const { api, names, log, mayAct, now } = this.#options;
    if (!mayAct()) {
      // What happens meanwhile is not observed.
      this.#nextTrusted.forget();
      this.#served.forget();
      return 'wait';
    }
    // The configurations first: a bundle that is computed from an outdated Secret then conflicts, if another process has
    // set one since.
    const configurations = await api.configurations();
    const secret = await api.secret();
    const bundles = configurations.flatMap((each) => each.bundles);
    const read = readState(secret.data, bundles, names, secret.requested);
    this.#reportUnknown(secret.requested, read.state);
    const action = nextAction(read.state, this.#times(read.state, secret));
    if (action.kind === 'wait' || !mayAct()) return 'wait';
    if (action.kind === 'trust') await this.#trust(configurations, action.ids, read);
    else
      await api.changeSecret(secret, changesFor(action, secret.data, read, names, now()), fulfills(action, read.state));
    log.info({ action: action.kind }, DONE[action.kind]);
    return action.kind;
  }

  #reportUnknown(annotation: string | undefined, { requested }: CertificateState): void {
    const unknown = requested === undefined ? annotation : undefined;
    if (unknown !== undefined && unknown !== this.#lastUnknown)
      this.#options.log.warn(
        { annotation: unknown },
        `annotation ${RENEW} of the Secret has no effect: use "certificate" or "ca"`,
      );
    this.#lastUnknown = unknown;
  }

  #times({ next, bundles }: CertificateState, { data }: StoredSecret): Times {
    const { now, monotonic } = this.#options;
    const at = monotonic();
    const everywhere = next !== undefined && bundles.every((bundle) => bundle.includes(next.id));
    return {
      now: now(),
      nextTrusted: this.#nextTrusted.lasts(everywhere ? next.id : undefined, at),
      served: this.#served.lasts(data['tls.crt'], at),
    };
  }

  async #trust(
    configurations: readonly WebhookConfiguration[],
    ids: readonly string[],
    { certificates }: ReadState,
  ): Promise<void> {
    const bundle = bundleOf(ids, certificates);
    for (const configuration of configurations)
      if (configuration.bundles.some((each) => each !== bundle)) await this.#options.api.trust(configuration, bundle);
  }
}

/** For how long the same thing was seen. */
class Observation {
  #seen: { readonly what: string; readonly since: number } | undefined;

  /** Returns for how many milliseconds this was seen, 0 for undefined. */
  lasts(what: string | undefined, at: number): number {
    if (what === undefined) this.forget();
    else if (this.#seen?.what !== what) this.#seen = { what, since: at };
    return this.#seen === undefined ? 0 : at - this.#seen.since;
  }

  forget(): void {
    this.#seen = undefined;
  }
}
