import { setTimeout as sleep } from 'node:timers/promises';
import { Forwarder, type Address } from '../../support/forwarder.ts';
import type { Rollgate } from './rollgate.ts';

// Endpoints and the rules of kube-proxy follow the deletion of a pod after a while, in which the pod is asked as
// before.
const LAG = 2_000;

/**
 * Plays the Service of Rollgate: who connects to its address comes to one of the processes that are ready, each in
 * turn; a connection stays where it is.
 */
export class RollgateService {
  #endpoints: readonly Rollgate[] = [];
  #turn = 0;
  #forwarder: Forwarder | undefined;

  /** In: the ClusterIP and port. Out: the Service, without endpoints. */
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

  /** In: a process that was not started. Resolves when it is an endpoint: started and ready. */
  async add(rollgate: Rollgate): Promise<void> {
    await rollgate.start();
    this.#endpoints = [...this.#endpoints, rollgate];
  }

  /**
   * In: an endpoint, and how it ends. Resolves when its process has ended: it was asked to at once, and was an endpoint
   * for a while longer.
   */
  async remove(rollgate: Rollgate, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const ended = rollgate.program.stop(signal);
    await sleep(LAG);
    this.#endpoints = this.#endpoints.filter((each) => each !== rollgate);
    await ended;
  }

  /** Ends it, and its endpoints at once. */
  async stop(): Promise<void> {
    await Promise.all(this.#endpoints.map((each) => each.program.stop('SIGKILL')));
    this.#endpoints = [];
    await this.#forwarder?.stop();
  }
}
