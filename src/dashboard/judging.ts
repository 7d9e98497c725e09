import type { Worker } from 'node:worker_threads';
import { startLimitedWorker } from '../server/limited-worker.ts';
import { problem, type Reply } from '../server/reply.ts';

const TIME_LIMIT = 10_000;
// What the thread loads takes a second, and on a busy machine many times as long.
const START_LIMIT = 60_000;
// Manifests of 1 MiB, the most that is read, with what is derived from them.
const LIMITS = { maxOldGenerationSizeMb: 384, maxYoungGenerationSizeMb: 32 };
// Pages that are open at once.
const MOST_WAITING = 8;

/** What the thread says first: it has loaded everything. */
export const READY = 'ready';

interface Thread {
  readonly worker: Worker;
  isReady: boolean;
}

interface Waiting {
  readonly body: Uint8Array;
  readonly page: string;
  readonly resolve: (reply: Reply) => void;
}

/** Options of `Judging`. */
export interface JudgingOptions {
  /** Milliseconds that one answer may take, without the start of the thread. */
  readonly timeLimit?: number;
  /** The file of the thread. */
  readonly script?: URL;
}

/**
 * Answers questions one at a time in a thread of its own, which is replaced when it dies or takes too long. Of the
 * questions of a page that wait, only the latest one is answered.
 */
export class Judging {
  readonly #timeLimit: number;
  readonly #script: URL;
  #thread: Thread | undefined;
  #isBusy = false;
  #waiting: Waiting[] = [];

  constructor({ timeLimit = TIME_LIMIT, script }: JudgingOptions = {}) {
    this.#timeLimit = timeLimit;
    const file = import.meta.url.endsWith('.ts') ? './judge-worker.ts' : './judge-worker.js';
    this.#script = script ?? new URL(file, import.meta.url);
  }

  /**
   * Answers a question. Never rejects.
   *
   * @param page - Names the open page. A later question of the same page takes the place of one that waits.
   */
  answer(body: Uint8Array, page: string): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const waits = (each: Waiting): boolean => each.page === page;
    this.#waiting.filter(waits).forEach((each) => each.resolve(problem(409, 'replaced by a later request')));
    this.#waiting = [...this.#waiting.filter((each) => !waits(each)), { body, page, resolve }];
    if (this.#waiting.length > MOST_WAITING)
      this.#waiting.shift()?.resolve(problem(503, 'too many pages are open: close some'));
    void this.#work();
    return promise;
  }

  /** Starts the thread, so that the first question does not wait for it. */
  warmUp(): void {
    this.#thread ??= this.#start();
  }

  /** Ends the thread. */
  async stop(): Promise<void> {
    await this.#thread?.worker.terminate();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      next.resolve(await this.#inWorker(next.body));
    this.#isBusy = false;
  }

  #inWorker(body: Uint8Array): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const { worker, isReady } = (this.#thread ??= this.#start());
    const onExit = (): void => resolve(problem(413, 'the manifests need too much memory: use fewer'));
    const endAfter = (limit: number, error: string): NodeJS.Timeout =>
      setTimeout(() => {
        this.#discard(worker);
        resolve(problem(504, error));
      }, limit);
    const begin = (): NodeJS.Timeout =>
      endAfter(this.#timeLimit, `this takes longer than ${this.#timeLimit / 1000} s: use fewer manifests`);
    let timer = isReady
      ? begin()
      : endAfter(START_LIMIT, `the thread has not started in ${START_LIMIT / 1000} s: the machine is too busy`);
    const onMessage = (message: Reply | typeof READY): void => {
      if (message !== READY) return resolve(message);
      clearTimeout(timer);
      timer = begin();
    };
    worker.on('message', onMessage).on('exit', onExit);
    worker.postMessage(body);
    return promise.finally(() => {
      clearTimeout(timer);
      worker.off('message', onMessage).off('exit', onExit);
    });
  }

  #start(): Thread {
    const worker = startLimitedWorker(this.#script, { limits: LIMITS, name: 'dashboard' });
    // The exit that follows is what counts.
    worker.on('error', () => undefined);
    worker.on('exit', () => this.#discard(worker));
    worker.unref();
    const thread = { worker, isReady: false };
    worker.once('message', () => (thread.isReady = true));
    return thread;
  }

  #discard(worker: Worker): void {
    if (this.#thread?.worker === worker) this.#thread = undefined;
    void worker.terminate();
  }
}
