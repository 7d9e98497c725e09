import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api.ts';
import { pathOf } from './paths.ts';
import { until } from './program.ts';
import { virtualService } from './shop.ts';

/** Values of the chart for failurePolicy Fail in all groups: no lost request goes unnoticed. */
export const FAIL = [
  'argoproj',
  'istio',
  'gateway',
  'services',
  'workloads',
  'ingresses',
  'routers',
  'autoscalers',
].map((group) => `webhooks.failurePolicy.${group}=Fail`);

// About 150 updates a second. Without a pause they would take both cores from what they are to test.
const WORKERS = 6;
const PAUSE = 25;
// A limit, so that it always ends.
const MOST = 30_000;

/** Updates VirtualServices continuously in a way that both webhooks must check, and records rejected requests. */
export class Load {
  readonly failures: string[] = [];
  #admitted = 0;
  #stopped = false;
  #working: Promise<unknown> = Promise.resolve();

  private constructor() {}

  /** Creates its VirtualServices and starts the load. Nothing refers to these VirtualServices. */
  static async start(api: Api, namespace: string): Promise<Load> {
    const load = new Load();
    const names = Array.from({ length: WORKERS }, (_, index) => `load-${index}`);
    for (const name of names) await api.create(virtualService(namespace, name));
    load.#working = Promise.all(names.map((name) => load.#work(api, namespace, name)));
    return load;
  }

  get admitted(): number {
    return this.#admitted;
  }

  /** Resolves when a number of further updates were admitted, or one has failed. */
  async more(updates: number): Promise<void> {
    const wanted = this.#admitted + updates;
    await until(`${updates} more updates`, () => this.#admitted >= wanted || this.failures.length > 0);
  }

  /** Resolves when an update has failed. */
  async fails(): Promise<void> {
    await until('an update that fails', () => this.failures.length > 0);
  }

  /** Stops the load, and waits for requests in progress. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #work(api: Api, namespace: string, name: string): Promise<void> {
    const path = pathOf({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', namespace, name });
    for (let count = 0; !this.#stopped && count < MOST / WORKERS; count++) {
      try {
        await api.call('PATCH', path, { spec: { hosts: [`${name}-${count}`] } }, 'application/merge-patch+json');
        this.#admitted++;
      } catch (error) {
        this.failures.push(String(error));
      }
      await sleep(PAUSE);
    }
  }
}
