import { setTimeout as sleep } from 'node:timers/promises';
import { CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node';
import { dig, optionalNumber, asString } from '../world/read.ts';
import type { Logger } from './reflector.ts';
import { requestOptions } from './request-options.ts';
import { answered, ApiError } from './api-error.ts';
import { messageOf } from '../world/error.ts';

/** How a Lease is held. Times in milliseconds. */
export interface LeaseOptions {
  readonly kubeConfig: KubeConfig;
  readonly namespace: string;
  readonly name: string;
  /** Who holds it. */
  readonly identity: string;
  readonly log: Logger;
  /** How long others wait for a holder that is silent. */
  readonly duration?: number;
  /** How often it is renewed, and asked for. */
  readonly period?: number;
}

const DURATION = 15_000;
const PERIOD = 2_000;
// The holder gives up well before others take over, by its own clock.
const GIVE_UP = 2 / 3;

interface HeldLease {
  readonly holder: string;
  readonly renewTime: string;
  readonly acquireTime: string;
  readonly resourceVersion: unknown;
  readonly seconds: number;
  readonly transitions: number;
}

/** A Lease to be written. Without an acquireTime it is acquired now. */
type LeaseWrite = Pick<HeldLease, 'holder' | 'transitions'> &
  Partial<Pick<HeldLease, 'acquireTime' | 'resourceVersion'>>;

/**
 * One Lease (coordination.k8s.io/v1) that says which of several processes acts. Clocks of different machines are never
 * compared: a holder counts as gone when the Lease has not changed for as long as it was taken for.
 */
export class LeaderLease {
  readonly #options: Required<LeaseOptions>;
  readonly #api: CustomObjectsApi;
  readonly #request = requestOptions(4_000, () => performance.now());
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #renewedAt = Number.NEGATIVE_INFINITY;
  #seen: { readonly state: string; readonly at: number } | undefined;
  #leading = false;

  constructor(options: LeaseOptions) {
    this.#options = { duration: DURATION, period: PERIOD, ...options };
    this.#api = options.kubeConfig.makeApiClient(CustomObjectsApi);
  }

  /** Begins to ask for it, and goes on until `stop`. */
  start(): void {
    this.#running = this.#run();
  }

  /** Out: whether this process may act now. */
  get leading(): boolean {
    return performance.now() - this.#renewedAt < this.#options.duration * GIVE_UP;
  }

  /** Gives it back, so that nobody has to wait. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (!this.leading) return;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    await this.#release().catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { log, period, namespace, name } = this.#options;
    let complaint = '';
    while (!this.#stop.signal.aborted) {
      const began = performance.now();
      try {
        // Who knows that somebody else has it does not act on for the rest of its own time.
        this.#renewedAt = (await this.#hold()) ? began : Number.NEGATIVE_INFINITY;
        complaint = '';
      } catch (error) {
        const reason = messageOf(error);
        if (reason !== complaint)
          log.warn({ lease: `${namespace}/${name}`, reason }, 'the Lease could not be asked for; trying again');
        complaint = reason;
      }
      if (this.leading !== this.#leading) {
        this.#leading = this.leading;
        log.info(
          { lease: `${namespace}/${name}` },
          this.#leading ? 'this process converts Deployments' : 'another process converts Deployments',
        );
      }
      await sleep(period, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Out: whether it is held by this process now. */
  async #hold(): Promise<boolean> {
    const { identity, duration } = this.#options;
    const held = await this.#read();
    if (held === undefined) return this.#take({ holder: identity, transitions: 0 });
    const state = `${held.holder} ${held.renewTime}`;
    if (this.#seen?.state !== state) this.#seen = { state, at: performance.now() };
    const silent = performance.now() - this.#seen.at > Math.max(held.seconds * 1000, duration);
    if (held.holder !== identity && held.holder !== '' && !silent) return false;
    const { resourceVersion, acquireTime, transitions } = held;
    return this.#take(
      held.holder === identity
        ? { holder: identity, resourceVersion, acquireTime, transitions }
        : { holder: identity, resourceVersion, transitions: transitions + 1 },
    );
  }

  /** Out: whether it was taken; somebody else may have been faster. */
  async #take(lease: LeaseWrite): Promise<boolean> {
    try {
      await this.#write(lease);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) return false;
      throw error;
    }
  }

  async #release(): Promise<void> {
    const held = await this.#read();
    if (held?.holder === this.#options.identity) await this.#write({ ...held, holder: '' });
  }

  async #read(): Promise<HeldLease | undefined> {
    const { namespace, name } = this.#options;
    try {
      const lease = await answered(this.#api.getNamespacedCustomObject({ ...LEASES, namespace, name }, this.#request));
      const spec = dig(lease, 'spec');
      return {
        holder: asString(dig(spec, 'holderIdentity')),
        renewTime: asString(dig(spec, 'renewTime')),
        acquireTime: asString(dig(spec, 'acquireTime')),
        resourceVersion: dig(lease, 'metadata', 'resourceVersion'),
        seconds: optionalNumber(dig(spec, 'leaseDurationSeconds')) ?? 0,
        transitions: optionalNumber(dig(spec, 'leaseTransitions')) ?? 0,
      };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Creates the Lease where none was read, and else replaces the one that was. */
  async #write({ holder, transitions, acquireTime = '', resourceVersion }: LeaseWrite): Promise<void> {
    const { namespace, name, duration } = this.#options;
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const spec = {
      holderIdentity: holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(duration / 1000)),
      renewTime,
      acquireTime: acquireTime === '' ? renewTime : acquireTime,
      leaseTransitions: transitions,
    };
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      spec,
    };
    const what = { ...LEASES, namespace, body };
    await answered(
      resourceVersion === undefined
        ? this.#api.createNamespacedCustomObject(what, this.#request)
        : this.#api.replaceNamespacedCustomObject({ ...what, name }, this.#request),
    );
  }
}

const LEASES = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' } as const;
