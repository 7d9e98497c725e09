import { setTimeout as sleep } from 'node:timers/promises';
import { Forwarder, type Address } from '../../support/forwarder.ts';
import type { Rollgate } from './rollgate.ts';

// Endpoints and the rules of kube-proxy lag behind the deletion of a pod. During that time the pod still gets requests.
const LAG = 2_000;

/** Plays the Service of Rollgate. New connections go to the ready processes in turn, and stay where they are. */
export class RollgateService {
  #endpoints: readonly Rollgate[] = [];
  #turn = 0;
  #forwarder: Forwarder | undefined;

  /** Starts the Service without endpoints. */
  static async start(at: Address): Promise<RollgateService> {
    const service = new RollgateService();
    service.#forwarder = await Forwarder.start(
      at,
      () => service.#endpoints[service.#turn++ % Math.max(1, service.#endpoints.length)]?.address,
    );
    return service;
  }

  get endpoints(): readonly Rollgate[] {
    return this.#endpoints;
  }

  /** How many connections it has distributed. */
  get connections(): number {
    return this.#turn;
  }

  /** Starts a process, waits until it is ready, and makes it an endpoint. */
  async add(rollgate: Rollgate): Promise<void> {
    await rollgate.start();
    this.#endpoints = [...this.#endpoints, rollgate];
  }

  /**
   * Stops the process of an endpoint, and waits until it has ended. It stays an endpoint for a while after the signal.
   */
  async remove(rollgate: Rollgate, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const ended = rollgate.program.stop(signal);
    await sleep(LAG);
    this.#endpoints = this.#endpoints.filter((each) => each !== rollgate);
    await ended;
  }

  /** Stops the Service and all its endpoints at once. */
  async stop(): Promise<void> {
    await Promise.all(this.#endpoints.map((each) => each.program.stop('SIGKILL')));
    this.#endpoints = [];
    await this.#forwarder?.stop();
  }
}
