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
import { MAX_BODY, readBody, type InFlightLimiter } from './body.ts';
import { DRY_RUN_FORMATS, type DryRunJob, type FromWorker, type ToWorker } from './dryrun-job.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { problem, send, type Reply } from './reply.ts';
import { messageOf, stackOf } from '../world/error.ts';

/**
 * In: kinds and namespaces, and a signal that ends the asking. Out: those of them that somebody may read. Rejects when
 * that cannot be told.
 */
export type Reader = (scopes: readonly ReadScope[], signal: AbortSignal) => Promise<ReadonlySet<ReadScope>>;

/** What the dry-run worker needs around it. */
export interface DryRunsOptions {
  readonly world: World;
  readonly log: Log;
  /** Milliseconds that one dry run may take. */
  readonly timeLimit?: number;
}

const TIME_LIMIT = 10_000;
// Each may wait for the time limits of all before it.
const MOST_WAITING = 8;
// Enough for some thousand objects; whoever sends what needs more shall take down his own run and not the gate.
const WORKER_MEMORY_MB = 128;

/**
 * Runs dry runs, one after the other, in a thread that is started with the first one, kept, and replaced when it dies
 * or takes too long.
 */
export class DryRuns {
  readonly #options: DryRunsOptions;
  #worker: Worker | undefined;
  #waiting = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: DryRunsOptions) {
    this.#options = options;
  }

  /** In: a dry run, and what its sender may read. Out: the reply. Never rejects. */
  async run(job: DryRunJob, reader: Reader): Promise<Reply> {
    if (this.#waiting >= MOST_WAITING) return problem(503, 'too many dry runs are waiting', RETRY);
    this.#waiting++;
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    try {
      await before;
      return await this.#converse(job, reader);
    } finally {
      this.#waiting--;
      resolve();
    }
  }

  /** Ends the thread; a run that is under way is answered that it was not finished. */
  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  #converse(job: DryRunJob, reader: Reader): Promise<Reply> {
    const { timeLimit = TIME_LIMIT, log } = this.#options;
    const worker = (this.#worker ??= this.#start());
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const ended = new AbortController();
    const onMessage = (message: FromWorker): void => {
      if ('reply' in message) return resolve(message.reply);
      this.#answer(message.questions, reader, ended.signal)
        .then((answers) => worker.postMessage(answers))
        .catch((error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'the API server could not be asked what somebody may read');
          resolve(problem(503, 'the API server could not be asked what you may read: try again', RETRY));
        });
    };
    const onExit = (): void =>
      resolve(
        problem(
          503,
          'the dry run was not finished: it needed too much memory, or the server is stopping; send fewer manifests at once',
          RETRY,
        ),
      );
    const timer = setTimeout(() => {
      this.#discard(worker);
      log.warn({ timeLimit }, 'a dry run took too long and was ended');
      resolve(problem(504, `the dry run took longer than ${timeLimit / 1000} s: send fewer manifests at once`));
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
    worker.on('error', (error) => log.warn({ reason: messageOf(error) }, 'the thread of the dry runs died'));
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

/** What the endpoint is made of. */
export interface DryRunParts {
  readonly dryRuns: DryRuns;
  /** Absent without a cluster: then only this machine itself is answered. */
  readonly authorizer?: Authorizer | undefined;
  readonly intake: InFlightLimiter;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Out: the policy in force. */
  policy(): Policy;
}

/** In: the parts. Out: the handler of `POST /v1/dry-run`. */
export function dryRunHandler(parts: DryRunParts): (request: Request, response: Response) => Promise<void> {
  const { metrics, log } = parts;
  return async (request, response) => {
    const reply = await answer(request, parts).catch((error: unknown) => {
      log.error({ reason: stackOf(error) }, 'a dry run failed');
      return problem(500, 'the dry run failed internally');
    });
    if (reply === undefined) return;
    metrics.dryRun(reply.status);
    send(response, reply);
  };
}

async function answer(request: Request, parts: DryRunParts): Promise<Reply | undefined> {
  const media = request.accepts(Object.keys(DRY_RUN_FORMATS));
  const format = Object.entries(DRY_RUN_FORMATS).find(([type]) => type === media)?.[1];
  if (format === undefined) return problem(406, `a dry run is answered as ${Object.keys(DRY_RUN_FORMATS).join(', ')}`);
  const settings = readSettings(request.url);
  if ('error' in settings) return problem(400, settings.error);
  const reader = await readerOf(request, parts);
  if (typeof reader !== 'function') return reader;
  const place = parts.intake.open();
  try {
    const body = await readBody(request, place);
    if (body.ok)
      return await parts.dryRuns.run({ body: body.bytes, format, policy: parts.policy(), ...settings }, reader);
    if (body.why === 'gone') return undefined;
    return body.why === 'no room'
      ? problem(503, 'too many dry runs are waiting', RETRY)
      : problem(413, `the body is larger than ${MAX_BODY} bytes`);
  } finally {
    place.leave();
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
      error: `unknown query parameter ${JSON.stringify(unknown.slice(0, 80))}: there are namespace and requireReferences`,
    };
  const namespace = query.get('namespace') ?? undefined;
  if (namespace !== undefined && !NAMESPACE.test(namespace))
    return { error: 'namespace: the name of a namespace is needed' };
  const requireReferences = query.get('requireReferences') ?? 'false';
  if (requireReferences !== 'true' && requireReferences !== 'false')
    return { error: 'requireReferences: true or false is needed' };
  return { namespace, requireReferences: requireReferences === 'true' };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

const EVERYTHING: Reader = (scopes) => Promise.resolve(new Set(scopes));
// An answer from the API server takes milliseconds; so many at once do not press it.
const QUESTIONS_AT_ONCE = 8;
// What nobody asks in good faith: a bundle over so many namespaces.
const MOST_SCOPES = 1_000;

// Who may not read anything at all is told so before his body is read.
async function readerOf(request: Request, { authorizer, log }: DryRunParts): Promise<Reader | Reply> {
  if (authorizer === undefined) {
    if (isLoopback(request.socket.remoteAddress ?? '')) return EVERYTHING;
    return problem(
      403,
      'without a cluster there is nobody to ask who you are, so that the dry run answers on the loopback interface only',
    );
  }
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined)
    return problem(401, 'a bearer token is needed, for example from `kubectl create token`', {
      'www-authenticate': 'Bearer',
    });
  try {
    const user = await authorizer.authenticate(token);
    if (user === undefined)
      return problem(401, 'the API server does not accept this token', {
        'www-authenticate': 'Bearer error="invalid_token"',
      });
    if (!(await authorizer.mayUse(user))) {
      return problem(
        403,
        `"${user.username}" may not use the dry run: a ClusterRole with nonResourceURLs ["/v1/dry-run"] and verbs ["create"] gives the right to`,
      );
    }
    return async (scopes, signal) => {
      const readable = new Set<ReadScope>();
      const asked = scopes.slice(0, MOST_SCOPES);
      for (let start = 0; start < asked.length && !signal.aborted; start += QUESTIONS_AT_ONCE) {
        const some = asked.slice(start, start + QUESTIONS_AT_ONCE);
        const answers = await Promise.all(some.map(({ kind, namespace }) => authorizer.mayRead(user, kind, namespace)));
        for (const [index, scope] of some.entries()) if (answers[index] === true) readable.add(scope);
      }
      return readable;
    };
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'the API server could not be asked who somebody is');
    return problem(503, 'the API server could not be asked who you are: try again', RETRY);
  }
}
