import type { Worker } from 'node:worker_threads';
import { messageOf } from '../world/error.ts';
import {
  clockNow,
  evaluate,
  type FromHealthThread,
  type HealthCheck,
  type HealthLimits,
  type HealthThreadData,
  type HealthTopic,
  type ToHealthThread,
} from './health.ts';
import { startLimitedWorker } from './limited-worker.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Options of `HealthThread`. */
export interface HealthThreadOptions {
  readonly host: string | undefined;
  /** 0 means any free port. */
  readonly port: number;
  readonly checks: readonly HealthCheck[];
  readonly metrics: Pick<Metrics, 'registry'>;
  readonly log: Log;
  readonly limits?: HealthLimits;
  /** Starts the thread. */
  createWorker?(data: HealthThreadData): Worker;
  /** Returns the time of a heartbeat, on the clock of the thread. */
  now?(): number;
}

const LIMITS: HealthLimits = { live: 30_000, ready: 5_000 };
const HEARTBEAT = 1_000;
const RESTART_PAUSE = 1_000;
// The thread needs a few megabytes. The memory of the gate is not for it.
const MEMORY = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

/**
 * Answers the health port in a thread of its own, so that probes are answered while the event loop is busy. The event
 * loop leaves a heartbeat in shared memory, evaluates the checks every second, and writes the metrics when it is asked.
 * The thread is started again if it dies. It does not keep the process alive.
 */
export class HealthThread {
  readonly #options: HealthThreadOptions;
  readonly #heartbeat = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  readonly #beats = new BigInt64Array(this.#heartbeat);
  readonly #timer: NodeJS.Timeout;
  #worker: Worker | undefined;
  #port: number;
  #isStopped = false;

  /** Starts the thread. Rejects with the error of the port if it cannot be opened. */
  static async start(options: HealthThreadOptions): Promise<HealthThread> {
    const thread = new HealthThread(options);
    try {
      await thread.#start();
      return thread;
    } catch (error) {
      await thread.stop();
      throw error;
    }
  }

  private constructor(options: HealthThreadOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#timer = setInterval(() => this.#beat(), HEARTBEAT).unref();
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port;
  }

  /** Ends the thread, and closes the port. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#worker?.terminate();
  }

  #start(): Promise<void> {
    const { host, limits = LIMITS, createWorker = startWorker, log } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const worker = createWorker({ host, port: this.#port, limits, heartbeat: this.#heartbeat });
    this.#worker = worker;
    this.#beat();
    let reason = 'it ended by itself';
    worker.on('message', (message: FromHealthThread) => {
      if ('ask' in message) void this.#answer(message.ask);
      else if ('listening' in message) {
        this.#port = message.listening;
        worker.unref();
        resolve();
      } else {
        const { failed } = message;
        reason = failed.message;
        reject(Object.assign(new Error(reason), { code: failed.code, port: failed.port }));
      }
    });
    worker.on('error', (error) => (reason = messageOf(error)));
    worker.once('exit', () => {
      reject(new Error(`the thread of the health port ended: ${reason}`));
      if (this.#isStopped || this.#worker !== worker) return;
      this.#worker = undefined;
      log.error({ reason }, 'the thread of the health port ended; starting it again');
      setTimeout(() => this.#restart(), RESTART_PAUSE).unref();
    });
    return promise;
  }

  // What goes wrong is logged when the thread ends. If that goes on, the kubelet restarts the container.
  #restart(): void {
    if (!this.#isStopped) this.#start().catch(() => undefined);
  }

  #beat(): void {
    const { now = clockNow } = this.#options;
    Atomics.store(this.#beats, 0, BigInt(now()));
    void this.#answer('checks');
  }

  async #answer(topic: HealthTopic): Promise<void> {
    const message = topic === 'checks' ? this.#results() : await this.#metrics();
    this.#worker?.postMessage(message);
  }

  #results(): ToHealthThread {
    return { topic: 'checks', results: evaluate(this.#options.checks) };
  }

  async #metrics(): Promise<ToHealthThread> {
    const { metrics, log } = this.#options;
    try {
      const body = await metrics.registry.metrics();
      return { topic: 'metrics', metrics: { type: metrics.registry.contentType, body } };
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'the metrics cannot be written');
      return { topic: 'metrics', metrics: undefined };
    }
  }
}

function startWorker(data: HealthThreadData): Worker {
  const file = import.meta.url.endsWith('.ts') ? './health-worker.ts' : './health-worker.js';
  return startLimitedWorker(new URL(file, import.meta.url), { limits: MEMORY, name: 'health', data });
}
