import { setTimeout as sleep } from 'node:timers/promises';
import { CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node';
import { dig, optionalNumber, asString } from '../world/read.ts';
import type { Logger } from './reflector.ts';
import { requestOptions } from './request-options.ts';
import { answered, ApiError } from './api-error.ts';
import { messageOf } from '../world/error.ts';

/** Options of `LeaderLease`. Times in milliseconds. */
export interface LeaseOptions {
  readonly kubeConfig: KubeConfig;
  readonly namespace: string;
  readonly name: string;
  /** The holder identity of this process. */
  readonly identity: string;
  /** What the holder does, for the log: `converts Deployments`. */
  readonly task: string;
  readonly log: Logger;
  /** How long others wait for a silent holder. */
  readonly duration?: number;
  /** How often to renew or acquire it. */
  readonly period?: number;
  /** Returns whether this process may acquire it. By default always. */
  readonly mayLead?: () => boolean;
}

const DURATION = 15_000;
const PERIOD = 2_000;
// By its own clock, the holder gives up well before others take over.
const RENEW_DEADLINE = 2 / 3;

interface LeaseState {
  readonly holder: string;
  readonly renewTime: string;
  readonly acquireTime: string;
  readonly resourceVersion: unknown;
  readonly seconds: number;
  readonly transitions: number;
}

/** A Lease to be written. Without an acquireTime it is acquired now. */
type LeaseWrite = Pick<LeaseState, 'holder' | 'transitions'> &
  Partial<Pick<LeaseState, 'acquireTime' | 'resourceVersion'>>;

/**
 * A Lease (coordination.k8s.io/v1) that elects the one of several processes that acts. Clocks of different machines are
 * never compared: a holder has expired when the Lease has not changed for its duration.
 */
export class LeaderLease {
  readonly #options: Required<LeaseOptions>;
  readonly #api: CustomObjectsApi;
  readonly #request = requestOptions(4_000, () => performance.now());
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #renewedAt = Number.NEGATIVE_INFINITY;
  #observed: { readonly state: string; readonly at: number } | undefined;
  #leading = false;

  constructor(options: LeaseOptions) {
    this.#options = { duration: DURATION, period: PERIOD, mayLead: () => true, ...options };
    this.#api = options.kubeConfig.makeApiClient(CustomObjectsApi);
  }

  /** Starts to acquire the Lease, and continues until `stop`. */
  start(): void {
    this.#running = this.#run();
  }

  /** Whether this process may act now. */
  get leading(): boolean {
    return performance.now() - this.#renewedAt < this.#options.duration * RENEW_DEADLINE;
  }

  /** Releases the Lease, so that no process has to wait. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (!this.leading) return;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    await this.#release().catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { log, period, namespace, name, task, mayLead } = this.#options;
    let lastError = '';
    while (!this.#stop.signal.aborted) {
      const started = performance.now();
      try {
        // When another process holds the Lease, this one stops acting at once.
        this.#renewedAt = mayLead() && (await this.#acquireOrRenew()) ? started : Number.NEGATIVE_INFINITY;
        lastError = '';
      } catch (error) {
        const reason = messageOf(error);
        if (reason !== lastError)
          log.warn({ lease: `${namespace}/${name}`, reason }, 'cannot acquire the Lease; trying again');
        lastError = reason;
      }
      if (this.leading !== this.#leading) {
        this.#leading = this.leading;
        log.info({ lease: `${namespace}/${name}` }, `${this.#leading ? 'this' : 'another'} process ${task}`);
      }
      await sleep(period, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Returns whether this process now holds the Lease. */
  async #acquireOrRenew(): Promise<boolean> {
    const { identity, duration } = this.#options;
    const lease = await this.#read();
    if (lease === undefined) return this.#tryAcquire({ holder: identity, transitions: 0 });
    const state = `${lease.holder} ${lease.renewTime}`;
    if (this.#observed?.state !== state) this.#observed = { state, at: performance.now() };
    const silent = performance.now() - this.#observed.at > Math.max(lease.seconds * 1000, duration);
    if (lease.holder !== identity && lease.holder !== '' && !silent) return false;
    const { resourceVersion, acquireTime, transitions } = lease;
    return this.#tryAcquire(
      lease.holder === identity
        ? { holder: identity, resourceVersion, acquireTime, transitions }
        : { holder: identity, resourceVersion, transitions: transitions + 1 },
    );
  }

  /** Returns false if another process was faster. */
  async #tryAcquire(lease: LeaseWrite): Promise<boolean> {
    try {
      await this.#write(lease);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) return false;
      throw error;
    }
  }

  async #release(): Promise<void> {
    const lease = await this.#read();
    if (lease?.holder === this.#options.identity) await this.#write({ ...lease, holder: '' });
  }

  async #read(): Promise<LeaseState | undefined> {
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
