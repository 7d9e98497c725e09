import type { Request, Response } from 'express';
import { BlockList, isIPv6 } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { readScopesOf, type Question, type ReadScope } from '../admission/recording-world.ts';
import type { Policy } from '../policy/policy.ts';
import { NO_INSTALLED_FIELDS, type InstalledFields } from '../world/field-tree.ts';
import type { World } from '../world/world.ts';
import type { Authorizer } from './authorization.ts';
import { readBody } from './body.ts';
import { onBehalfOf } from './caller.ts';
import { answerInPieces, newRoom, type Room } from './dryrun-answers.ts';
import { DRY_RUN_FORMATS, type DryRunJob, type FromWorker, type ToWorker } from './dryrun-job.ts';
import { FairQueue } from './fair-queue.ts';
import type { InFlightLimiter } from './in-flight-limiter.ts';
import { startLimitedWorker } from './limited-worker.ts';
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

/** Who sends a dry run. */
export interface DryRunSender {
  /** The names under which they take turns with others: the address of the client, then the user. */
  readonly path: readonly string[];
  /** Returns what they may read. */
  readonly reader: Reader;
}

// Its thread gives way to all others, so where cores are busy it takes long.
const TIME_LIMIT = 20_000;
// Each may wait for the time limits of all before it.
const MOST_WAITING = 8;
// A body of 1 MiB, the most that is read, takes up to 96 MiB. A request that needs more must fail by itself and not take
// the gate down: together they fit into the memory limit of the container.
const WORKER_LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 8 };
/** The largest body of a dry run, in bytes. */
export const MAX_DRY_RUN = 1024 * 1024;
/** A dry run that waits for its turn. */
interface Waiting {
  readonly path: readonly string[];
  start(): void;
  drop(): void;
}

/**
 * Runs dry runs one at a time in a worker thread. The thread starts with the first dry run, stays, and is replaced when
 * it dies or takes too long.
 */
export class DryRuns {
  readonly #options: DryRunsOptions;
  #worker: Worker | undefined;
  /** Those that the worker has. */
  #fields: InstalledFields = NO_INSTALLED_FIELDS;
  #running = false;
  readonly #queue = new FairQueue<Waiting>();

  constructor(options: DryRunsOptions) {
    this.#options = options;
  }

  /**
   * Runs one dry run and returns the reply. Senders take turns. The body of the job may be empty afterwards. Never
   * rejects.
   */
  async run(job: DryRunJob, sender: DryRunSender): Promise<Reply> {
    if (!(await this.#turn(sender.path))) return problem(503, 'too many dry runs are waiting: try again', RETRY);
    try {
      return await this.#runInWorker(job, sender.reader);
    } finally {
      this.#running = false;
      this.#queue.shift()?.start();
    }
  }

  /** Waits for a turn. Returns false if too many wait, and this sender has the most of them. */
  #turn(path: readonly string[]): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const start = (): void => {
      this.#running = true;
      resolve(true);
    };
    if (!this.#running) {
      start();
      return promise;
    }
    this.#queue.push(path, { path, start, drop: () => resolve(false) });
    if (this.#queue.size > MOST_WAITING) {
      const last = this.#queue.newestOfLargest();
      if (last !== undefined) {
        this.#queue.delete(last.path, last);
        last.drop();
      }
    }
    return promise;
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
    const room = newRoom();
    const onMessage = (message: FromWorker): void => {
      if ('reply' in message) return resolve(message.reply);
      this.#answer(message.questions, reader, room, { worker, signal: ended.signal })
        .then((refusal) => {
          if (refusal === undefined) return;
          this.#discard(worker);
          resolve(refusal);
        })
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
    const { versions, fields } = this.#options.world;
    const isNew = fields !== this.#fields;
    this.#fields = fields;
    // The bytes of a large body are all that their buffer holds: they are moved, not copied.
    const { buffer, byteLength } = job.body;
    const moved = buffer.byteLength === byteLength && byteLength > 0 ? [buffer] : [];
    worker.postMessage({ job, versions, ...(isNew ? { fields } : {}) } satisfies ToWorker, moved);
    return promise.finally(() => {
      clearTimeout(timer);
      ended.abort();
      worker.off('message', onMessage).off('exit', onExit);
    });
  }

  /** Sends the worker its answers. Returns a reply instead if they are too many. */
  async #answer(
    questions: readonly Question[],
    reader: Reader,
    room: Room,
    { worker, signal }: { readonly worker: Worker; readonly signal: AbortSignal },
  ): Promise<Reply | undefined> {
    const { world } = this.#options;
    room.questions -= questions.length;
    if (room.questions < 0) return TOO_MANY_OBJECTS;
    const id = ({ kind, namespace }: ReadScope): string => `${kind}/${namespace}`;
    const readable = new Set([...(await reader(readScopesOf(questions, world), signal))].map(id));
    for (const piece of answerInPieces(questions, world, (scope) => readable.has(id(scope)), room)) {
      if (piece === 'too much') return TOO_MANY_OBJECTS;
      worker.postMessage(piece satisfies ToWorker);
      await setImmediate();
      if (signal.aborted) return undefined;
    }
    return undefined;
  }

  #start(): Worker {
    const { log } = this.#options;
    this.#fields = NO_INSTALLED_FIELDS;
    const file = import.meta.url.endsWith('.ts') ? './dryrun-worker.ts' : './dryrun-worker.js';
    const worker = startLimitedWorker(new URL(file, import.meta.url), { limits: WORKER_LIMITS });
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

const TOO_MANY_OBJECTS = problem(
  413,
  'the manifests depend on too many objects of the cluster for one dry run: send fewer manifests',
);

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
  const sender = await senderOf(request, parts);
  if ('status' in sender) return sender;
  if (Number(request.headers['content-length']) > MAX_DRY_RUN) {
    request.resume();
    return TOO_LARGE;
  }
  const slot = parts.limiter.open();
  try {
    const body = await readBody(request, slot);
    if (body.ok && body.bytes.length > MAX_DRY_RUN) return TOO_LARGE;
    if (body.ok && slot.enter())
      return await parts.dryRuns.run({ body: body.bytes, format, policy: parts.policy(), ...settings }, sender);
    if (!body.ok && body.why === 'aborted') return undefined;
    return !body.ok && body.why === 'too large'
      ? TOO_LARGE
      : problem(503, 'too many dry runs are waiting: try again', RETRY);
  } finally {
    slot.leave();
  }
}

const TOO_LARGE = problem(413, `the body is larger than ${MAX_DRY_RUN} bytes: send fewer manifests`);

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
async function senderOf(request: Request, { authorizer, log }: DryRunParts): Promise<DryRunSender | Reply> {
  const address = request.socket.remoteAddress ?? '';
  if (authorizer === undefined) {
    if (isLoopback(address)) return { path: [address, ''], reader: READS_ALL };
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
    const reader: Reader = async (scopes, signal) => {
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
    return { path: [address, user.username], reader };
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
