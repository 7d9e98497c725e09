import type { Request, Response } from 'express';
import { BlockList, isIPv6 } from 'node:net';
import { Worker } from 'node:worker_threads';
import {
  answerQuestions,
  NO_ANSWERS,
  readScopesOf,
  type Question,
  type ReadScope,
} from '../admission/recording-world.ts';
import type { Policy } from '../policy/policy.ts';
import type { World } from '../world/world.ts';
import type { Authorizer } from './authorization.ts';
import { MAX_BODY, readBody } from './body.ts';
import { onBehalfOf } from './caller.ts';
import { DRY_RUN_FORMATS, type DryRunJob, type FromWorker, type ToWorker } from './dryrun-job.ts';
import type { InFlightLimiter } from './in-flight-limiter.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { NotAskedError } from './question-limiter.ts';
import { problem, send, type Reply } from './reply.ts';
import { messageOf, stackOf } from '../world/error.ts';

/**
 * Returns the scopes that the user may read. Rejects if that cannot be determined.
 * @param signal - Stops further checks.
 */
export type Reader = (scopes: readonly ReadScope[], signal: AbortSignal) => Promise<ReadonlySet<ReadScope>>;

/** Options of `DryRuns`. */
export interface DryRunsOptions {
  readonly world: World;
  readonly log: Log;
  /** Milliseconds that one dry run may take. */
  readonly timeLimit?: number;
}

const TIME_LIMIT = 10_000;
// Each may wait for the time limits of all before it.
const MOST_WAITING = 8;
// Enough for some thousand objects. A request that needs more must fail by itself and not take the gate down.
const WORKER_MEMORY_MB = 128;

/**
 * Runs dry runs one at a time in a worker thread. The thread starts with the first dry run, stays, and is replaced when
 * it dies or takes too long.
 */
export class DryRuns {
  readonly #options: DryRunsOptions;
  #worker: Worker | undefined;
  #waiting = 0;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(options: DryRunsOptions) {
    this.#options = options;
  }

  /**
   * Runs one dry run and returns the reply. Never rejects.
   * @param reader - What its sender may read.
   */
  async run(job: DryRunJob, reader: Reader): Promise<Reply> {
    if (this.#waiting >= MOST_WAITING) return problem(503, 'too many dry runs are waiting: try again', RETRY);
    this.#waiting++;
    const previous = this.#lastTurn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastTurn = promise;
    try {
      await previous;
      return await this.#runInWorker(job, reader);
    } finally {
      this.#waiting--;
      resolve();
    }
  }

  /** Ends the thread. The reply to a dry run in progress says that it was not finished. */
  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  #runInWorker(job: DryRunJob, reader: Reader): Promise<Reply> {
    const { timeLimit = TIME_LIMIT, log } = this.#options;
    const worker = (this.#worker ??= this.#start());
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const ended = new AbortController();
    const onMessage = (message: FromWorker): void => {
      if ('reply' in message) return resolve(message.reply);
      this.#answer(message.questions, reader, ended.signal)
        .then((answers) => worker.postMessage(answers))
        .catch((error: unknown) => {
          resolve(
            unanswered(error, log, {
              line: 'cannot check read permissions with the API server',
              reply: 'cannot check your permissions with the API server: try again',
            }),
          );
        });
    };
    const onExit = (): void =>
      resolve(
        problem(
          503,
          'the dry run did not finish: it ran out of memory, or the server is stopping; try again with fewer manifests',
          RETRY,
        ),
      );
    const timer = setTimeout(() => {
      this.#discard(worker);
      log.warn({ timeLimit }, 'dry run timed out');
      resolve(problem(504, `the dry run took longer than ${timeLimit / 1000} s: send fewer manifests`));
    }, timeLimit);
    worker.on('message', onMessage).on('exit', onExit);
    worker.postMessage({ job } satisfies ToWorker);
    return promise.finally(() => {
      clearTimeout(timer);
      ended.abort();
      worker.off('message', onMessage).off('exit', onExit);
    });
  }

  async #answer(questions: readonly Question[], reader: Reader, signal: AbortSignal): Promise<ToWorker> {
    const { world } = this.#options;
    const id = ({ kind, namespace }: ReadScope): string => `${kind}/${namespace}`;
    const readable = new Set([...(await reader(readScopesOf(questions, world), signal))].map(id));
    return { answers: answerQuestions(questions, world, (scope) => readable.has(id(scope)), NO_ANSWERS) };
  }

  #start(): Worker {
    const { log } = this.#options;
    const file = import.meta.url.endsWith('.ts') ? './dryrun-worker.ts' : './dryrun-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: WORKER_MEMORY_MB },
    });
    worker.on('error', (error) => log.warn({ reason: messageOf(error) }, 'dry-run worker thread died'));
    worker.on('exit', () => this.#discard(worker));
    worker.unref();
    return worker;
  }

  #discard(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined;
    void worker.terminate();
  }
}

const RETRY = { 'retry-after': '1' };

/** The parts of the dry-run endpoint. */
export interface DryRunParts {
  readonly dryRuns: DryRuns;
  /** Absent without a cluster; then only clients on the loopback interface get an answer. */
  readonly authorizer?: Authorizer | undefined;
  readonly limiter: InFlightLimiter;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Returns the active policy. */
  policy(): Policy;
}

/** Returns the handler of `POST /v1/dry-run`. */
export function dryRunHandler(parts: DryRunParts): (request: Request, response: Response) => Promise<void> {
  const { metrics, log } = parts;
  return async (request, response) => {
    const reply = await answer(request, parts).catch((error: unknown) => {
      log.error({ reason: stackOf(error) }, 'dry run failed');
      return problem(500, 'internal error in the dry run');
    });
    if (reply === undefined) return;
    metrics.dryRun(reply.status);
    send(response, reply);
  };
}

async function answer(request: Request, parts: DryRunParts): Promise<Reply | undefined> {
  const media = request.accepts(Object.keys(DRY_RUN_FORMATS));
  const format = Object.entries(DRY_RUN_FORMATS).find(([type]) => type === media)?.[1];
  if (format === undefined)
    return problem(406, `not acceptable; available formats: ${Object.keys(DRY_RUN_FORMATS).join(', ')}`);
  const settings = readSettings(request.url);
  if ('error' in settings) return problem(400, settings.error);
  const reader = await readerOf(request, parts);
  if (typeof reader !== 'function') return reader;
  const slot = parts.limiter.open();
  try {
    const body = await readBody(request, slot);
    if (body.ok && slot.enter())
      return await parts.dryRuns.run({ body: body.bytes, format, policy: parts.policy(), ...settings }, reader);
    if (!body.ok && body.why === 'aborted') return undefined;
    return !body.ok && body.why === 'too large'
      ? problem(413, `the body is larger than ${MAX_BODY} bytes`)
      : problem(503, 'too many dry runs are waiting: try again', RETRY);
  } finally {
    slot.leave();
  }
}

type JobSettings = Pick<DryRunJob, 'namespace' | 'requireReferences'>;

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function readSettings(url: string): JobSettings | { readonly error: string } {
  const start = url.indexOf('?');
  const query = new URLSearchParams(start < 0 ? '' : url.slice(start));
  const unknown = [...query.keys()].find((key) => key !== 'namespace' && key !== 'requireReferences');
  if (unknown !== undefined)
    return {
      error: `unknown query parameter ${JSON.stringify(unknown.slice(0, 80))}; available: namespace, requireReferences`,
    };
  const namespace = query.get('namespace') ?? undefined;
  if (namespace !== undefined && !NAMESPACE.test(namespace)) return { error: 'namespace: invalid name of a namespace' };
  const requireReferences = query.get('requireReferences') ?? 'false';
  if (requireReferences !== 'true' && requireReferences !== 'false')
    return { error: 'requireReferences: must be true or false' };
  return { namespace, requireReferences: requireReferences === 'true' };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

const READS_ALL: Reader = (scopes) => Promise.resolve(new Set(scopes));
// The API server answers in milliseconds; this many requests at once are no load for it.
const CHECKS_AT_ONCE = 8;
// No legitimate bundle covers as many namespaces.
const MOST_SCOPES = 1_000;

// Rejects users without any permission before their body is read.
async function readerOf(request: Request, { authorizer, log }: DryRunParts): Promise<Reader | Reply> {
  const address = request.socket.remoteAddress ?? '';
  if (authorizer === undefined) {
    if (isLoopback(address)) return READS_ALL;
    return problem(
      403,
      'without a cluster Rollgate cannot authenticate users, so the dry run is available only on the loopback interface',
    );
  }
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined)
    return problem(401, 'missing bearer token: create one, for example with `kubectl create token`', {
      'www-authenticate': 'Bearer',
    });
  try {
    const user = await onBehalfOf(address, () => authorizer.authenticate(token));
    if (user === undefined)
      return problem(401, 'invalid bearer token', {
        'www-authenticate': 'Bearer error="invalid_token"',
      });
    if (!(await onBehalfOf(address, () => authorizer.mayUse(user)))) {
      return problem(
        403,
        `user "${user.username}" may not use the dry run: grant verbs ["create"] on nonResourceURLs ["/v1/dry-run"] in a ClusterRole`,
      );
    }
    return async (scopes, signal) => {
      const readable = new Set<ReadScope>();
      const limited = scopes.slice(0, MOST_SCOPES);
      for (let start = 0; start < limited.length && !signal.aborted; start += CHECKS_AT_ONCE) {
        const batch = limited.slice(start, start + CHECKS_AT_ONCE);
        const answers = await onBehalfOf(address, () =>
          Promise.all(batch.map(({ kind, namespace }) => authorizer.mayRead(user, kind, namespace))),
        );
        for (const [index, scope] of batch.entries()) if (answers[index] === true) readable.add(scope);
      }
      return readable;
    };
  } catch (error) {
    return unanswered(error, log, {
      line: 'cannot authenticate a user with the API server',
      reply: 'cannot authenticate you with the API server: try again',
    });
  }
}

// Returns the reply to a client whose token or permissions could not be checked. What was not even asked is in the
// metrics: a flood of requests must not cause a flood of log lines.
function unanswered(error: unknown, log: Log, { line, reply }: { line: string; reply: string }): Reply {
  if (!(error instanceof NotAskedError)) log.warn({ reason: messageOf(error) }, line);
  return error instanceof NotAskedError && error.why === 'overload'
    ? problem(429, 'too many requests need the API server to check tokens and permissions: try again', RETRY)
    : problem(503, reply, RETRY);
}
