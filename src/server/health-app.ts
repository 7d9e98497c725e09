import type { RequestListener } from 'node:http';
import type { CheckResult, HealthLimits, HealthTopic, MetricsText, ToHealthThread } from './health.ts';
import { problem, send, type Reply } from './reply.ts';

/** What the health port knows of the main thread. */
export interface HealthSource {
  readonly limits: HealthLimits;
  /** Returns milliseconds of a monotonic clock. */
  now(): number;
  /** Returns the time of the last heartbeat of the main thread, on this clock. */
  heartbeat(): number;
  /** Asks the main thread, which answers with a message or, if its event loop is blocked, not. */
  ask(topic: HealthTopic): void;
}

// The readiness probe of the chart waits 2 s. If there is no answer in time, the last one counts.
const CHECKS_TIMEOUT = 1_000;
const METRICS_TIMEOUT = 5_000;

/** Answers for the main thread, whose event loop may be blocked. */
export class HealthApp {
  readonly #source: HealthSource;
  // Questions that have no answer yet. There is at most one of each, so that none pile up while the loop is blocked.
  readonly #pending = new Map<HealthTopic, Promise<void>>();
  readonly #settle = new Map<HealthTopic, () => void>();
  #results: readonly CheckResult[] = [];
  #evaluatedAt = Number.NEGATIVE_INFINITY;
  #metrics: MetricsText | undefined;

  constructor(source: HealthSource) {
    this.#source = source;
  }

  /** Takes a message from the main thread. It also sends results of checks without being asked. */
  receive(message: ToHealthThread): void {
    if (message.topic === 'checks') {
      this.#results = message.results;
      this.#evaluatedAt = this.#source.now();
    } else this.#metrics = message.metrics;
    this.#settle.get(message.topic)?.();
  }

  /** The listener of the health port. */
  readonly listener: RequestListener = (request, response) => {
    const { method = '', url = '' } = request;
    const [path = ''] = url.split('?');
    const answer = ANSWERS.get(path);
    if (answer === undefined)
      send(response, problem(404, `not found; available paths: ${[...ANSWERS.keys()].join(', ')}`));
    else if (method !== 'GET' && method !== 'HEAD')
      send(response, problem(405, `${path} allows GET, HEAD, not ${method}`, { allow: 'GET, HEAD' }));
    else void answer(this).then((reply) => send(response, reply));
  };

  /** Returns the answer of `/livez`: whether the event loop of the main thread runs. */
  livez(): Promise<Reply> {
    const { now, heartbeat, limits } = this.#source;
    const age = now() - heartbeat();
    return Promise.resolve(
      age > limits.live ? text(503, `the event loop has been blocked for ${seconds(age)}\n`) : text(200, 'ok\n'),
    );
  }

  /** Returns the answer of `/readyz`: every check, and the reasons of failing ones. */
  async readyz(): Promise<Reply> {
    await this.#ask('checks', CHECKS_TIMEOUT);
    const age = this.#source.now() - this.#evaluatedAt;
    const results = this.#results;
    const isFresh = age <= this.#source.limits.ready;
    const lines = results.map(({ name, why, isWarning }) =>
      why === undefined ? `[+] ${name}: ok` : `[${isWarning ? '!' : '-'}] ${name}: ${why}`,
    );
    if (!isFresh) {
      const when = Number.isFinite(age) ? `were last evaluated ${seconds(age)} ago` : 'have not been evaluated yet';
      lines.push(`[-] event loop: the checks ${when}`);
    }
    const ready = isFresh && results.every(({ why, isWarning }) => why === undefined || isWarning);
    return text(ready ? 200 : 503, `${lines.join('\n')}\n${ready ? 'ready' : 'not ready'}\n`);
  }

  /** Returns the answer of `/metrics`. */
  async metrics(): Promise<Reply> {
    if (!(await this.#ask('metrics', METRICS_TIMEOUT)))
      return problem(503, `the event loop did not answer within ${seconds(METRICS_TIMEOUT)}`);
    const metrics = this.#metrics;
    return metrics === undefined ? problem(500, 'internal server error') : { status: 200, ...metrics };
  }

  /** Asks the main thread. Returns whether it answered in time. */
  async #ask(topic: HealthTopic, limit: number): Promise<boolean> {
    let question = this.#pending.get(topic);
    if (question === undefined) {
      question = new Promise<void>((resolve) => {
        this.#settle.set(topic, () => {
          this.#pending.delete(topic);
          this.#settle.delete(topic);
          resolve();
        });
      });
      this.#pending.set(topic, question);
      this.#source.ask(topic);
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), limit);
    });
    const answered = await Promise.race([question.then(() => true), late]);
    clearTimeout(timer);
    return answered;
  }
}

const ANSWERS: ReadonlyMap<string, (app: HealthApp) => Promise<Reply>> = new Map([
  ['/livez', (app) => app.livez()],
  ['/readyz', (app) => app.readyz()],
  ['/metrics', (app) => app.metrics()],
]);

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}

function text(status: number, body: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body };
}
