import type { Readable } from 'node:stream';
import type { KubeObject } from '../world/object.ts';
import { dig, optionalNumber, optionalString, asString } from '../world/read.ts';
import { ApiError, type ApiClient } from './client.ts';
import { LineSplitter } from './lines.ts';
import type { Timing } from './timing.ts';
import { messageOf } from '../world/error.ts';

/** What a Reflector writes to: pino's logger, or anything shaped like it. */
export interface Logger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Where the objects of one list go. */
export interface Sink {
  /**
   * In: an object as it came. Out: what to keep of it, or undefined if it is not wanted here; an object that was kept
   * before, where it is still the same.
   */
  accept(raw: unknown): KubeObject | undefined;
  /** These are all that there are; others are gone. One step: nobody sees a state in between. */
  replace(objects: readonly KubeObject[]): void;
  put(object: KubeObject): void;
  remove(namespace: string, name: string): void;
  /** Nothing is known any more. */
  forget(): void;
  /** The API server answers as if it did not serve the list. */
  unserved(): void;
}

/** The list that a Reflector follows. */
export interface Target {
  readonly path: string;
  /** Selectors. */
  readonly query: Readonly<Record<string, string>>;
  /** Whether the metadata of the objects is enough. */
  readonly metadataOnly: boolean;
  /** How logs name it. */
  readonly label: string;
}

/**
 * What is known of a list. `reading`: nothing yet; `known`: all of it; `forbidden`, `unserved`, `failing`: nothing any
 * more, and why.
 */
export type State = 'reading' | 'known' | 'forbidden' | 'unserved' | 'failing';

const PAGE = 500;
// A list that takes so long that its continue token expires is begun again this often; then it is asked for in one
// piece, as client-go's pager does.
const RESTARTS = 2;
// Some refusals of a watch concern the version that it starts from ("too large resource version" after a restored
// backup): a new list gives a new one.
const WATCH_FAILURES = 3;
// A watch that lasts less than this and says nothing has not worked.
const WORKED = 1_000;

/**
 * Keeps a sink equal to a list of an API server: reads it in pages, then follows it by a watch, for as long as it runs.
 * The informer of `@kubernetes/client-node` does not page, ends at the first failure, passes over what it cannot parse
 * and does not know when the API server was last heard of; hence this one. It goes by client-go's reflector: a new list
 * on 410, else a new watch from the last version seen.
 */
export class Reflector {
  readonly #client: ApiClient;
  readonly #target: Target;
  readonly #sink: Sink;
  readonly #timing: Timing;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #state: State = 'reading';
  #version: string | undefined;
  #heard = performance.now();
  #bookmarks = false;
  #error = '';
  #failingSince: number | undefined;
  #attempts = 0;
  #watchFailures = 0;
  #warned = false;

  constructor(client: ApiClient, target: Target, sink: Sink, timing: Timing, log: Logger) {
    this.#client = client;
    this.#target = target;
    this.#sink = sink;
    this.#timing = timing;
    this.#log = log;
  }

  get state(): State {
    return this.#state;
  }

  /** What the API server or the network said when it last failed; empty while all is well. */
  get error(): string {
    return this.#error;
  }

  /** Out: milliseconds since the API server last said anything about this list. */
  silence(): number {
    return performance.now() - this.#heard;
  }

  /** Out: whether the list may be too old to rest on. A watch without bookmarks proves itself only when it ends. */
  overdue(): boolean {
    const { stale, watch, watchGrace } = this.#timing;
    return this.silence() > (this.#bookmarks || this.#error !== '' ? stale : stale + watch[1] + watchGrace);
  }

  /** Out: whether it has been failing for so long that nobody should wait for it. */
  gaveUp(): boolean {
    return this.#failingFor() > this.#timing.giveUpWaiting;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when nothing more will reach the sink. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #failingFor(): number {
    return this.#failingSince === undefined ? 0 : performance.now() - this.#failingSince;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      let pause: number;
      try {
        const version = this.#version ?? (await this.#list());
        await this.#watch(version);
        pause = this.#backoff();
      } catch (error) {
        if (this.#stopped) return;
        pause = this.#failed(error);
      }
      await this.#client.pause(pause, this.#stop.signal);
    }
  }

  /** Out: the version of the list, from which a watch goes on. */
  async #list(): Promise<string> {
    for (let restarts = 0; restarts < RESTARTS; restarts++) {
      const version = await this.#pages(PAGE);
      if (version !== undefined) return version;
    }
    const version = await this.#pages(undefined);
    if (version === undefined) throw new Error('the list expires while it is read');
    return version;
  }

  /**
   * In: how many objects to a page; undefined: all on one. Out: the version of the list, once the sink has all of it;
   * undefined if it expired between two pages.
   */
  async #pages(limit: number | undefined): Promise<string | undefined> {
    const objects: KubeObject[] = [];
    let token = '';
    let version: string;
    do {
      let page: unknown;
      try {
        page = await this.#page(token, limit, (item) => {
          const object = this.#sink.accept(item);
          if (object !== undefined) objects.push(object);
        });
      } catch (error) {
        if (token !== '' && isStatus(error, 410)) return undefined;
        throw error;
      }
      token = asString(dig(page, 'metadata', 'continue'));
      version = asString(dig(page, 'metadata', 'resourceVersion'));
    } while (token !== '');
    if (version === '') throw new Error('the list has no resourceVersion');
    if (!this.#stopped) this.#listed(objects, version);
    return version;
  }

  #page(token: string, limit: number | undefined, each: (item: unknown) => void): Promise<unknown> {
    const query: Record<string, string> = { ...this.#target.query };
    if (limit !== undefined) query['limit'] = String(limit);
    if (token !== '') query['continue'] = token;
    const accept = this.#target.metadataOnly
      ? 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
      : 'application/json';
    return this.#client.list({ path: this.#target.path, query, accept, signal: this.#stop.signal }, each);
  }

  #listed(objects: readonly KubeObject[], version: string): void {
    this.#sink.replace(objects);
    if (this.#state === 'forbidden') this.#log.info({ list: this.#target.label }, 'may be read now');
    this.#state = 'known';
    this.#version = version;
    this.#heard = performance.now();
    this.#failingSince = undefined;
    this.#error = '';
  }

  /** Resolves when the watch has ended, as watches do, or broke off. Throws what it was refused with. */
  async #watch(version: string): Promise<void> {
    const [shortest, longest] = this.#timing.watch;
    const seconds = Math.ceil((shortest + Math.random() * (longest - shortest)) / 1000);
    const response = await this.#client.stream({
      path: this.#target.path,
      query: {
        ...this.#target.query,
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: version,
        timeoutSeconds: String(seconds),
      },
      accept: this.#target.metadataOnly
        ? 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
        : 'application/json',
      signal: this.#stop.signal,
    });
    const begun = performance.now();
    this.#heard = begun;
    this.#failingSince = undefined;
    this.#error = '';
    if (this.#warned) this.#log.info({ list: this.#target.label }, 'watched again');
    this.#warned = false;
    const events = await this.#follow(response, seconds * 1000 + this.#timing.watchGrace);
    if (events === 0 && performance.now() - begun < WORKED) return;
    this.#attempts = 0;
    this.#watchFailures = 0;
  }

  /**
   * In: a stream of events, and how long it may last. Out: how many came before it ended. Throws on an event of type
   * ERROR and on what is no event.
   */
  async #follow(response: Readable, longest: number): Promise<number> {
    let events = 0;
    const lines = new LineSplitter();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const tooLong = setTimeout(() => response.destroy(), longest);
    const tooQuiet = setInterval(() => {
      // One that has sent bookmarks goes on sending them as long as it is there.
      if (this.#bookmarks && this.silence() > this.#timing.watchSilence) response.destroy();
    }, this.#timing.watchSilence / 4);
    response.on('data', (chunk: Buffer) => {
      this.#heard = performance.now();
      try {
        for (const line of lines.push(chunk)) {
          if (this.#stopped) return;
          this.#event(JSON.parse(line));
          events++;
        }
      } catch (error) {
        reject(error);
        response.destroy();
      }
    });
    // However it ends, the next watch goes on from the last event that arrived whole.
    response.on('error', () => resolve()).on('close', () => resolve());
    try {
      await promise;
    } finally {
      clearTimeout(tooLong);
      clearInterval(tooQuiet);
    }
    return events;
  }

  #event(event: unknown): void {
    const raw = dig(event, 'object');
    switch (dig(event, 'type')) {
      case 'ADDED':
      case 'MODIFIED': {
        const object = this.#sink.accept(raw);
        if (object !== undefined) this.#sink.put(object);
        break;
      }
      case 'DELETED':
        this.#sink.remove(asString(dig(raw, 'metadata', 'namespace')), asString(dig(raw, 'metadata', 'name')));
        break;
      case 'BOOKMARK':
        this.#bookmarks = true;
        break;
      case 'ERROR':
        throw new ApiError(optionalNumber(dig(raw, 'code')) ?? 500, raw);
      default:
        throw new SyntaxError('the watch sent what is no event');
    }
    this.#version = optionalString(dig(raw, 'metadata', 'resourceVersion')) ?? this.#version;
  }

  /** In: why the list or the watch failed. Out: how long to wait. */
  #failed(error: unknown): number {
    this.#failingSince ??= performance.now();
    this.#error = messageOf(error);
    const asked = error instanceof ApiError ? Math.min(error.retryAfter, this.#timing.backoff[1]) : 0;
    const pause = Math.max(this.#backoff(), asked);
    if (this.#version === undefined) this.#listFailed(error);
    else this.#watchFailed(error);
    const patient = this.#state === 'forbidden' && this.gaveUp();
    return patient ? this.#timing.forbiddenPause * (0.75 + Math.random() / 2) : pause;
  }

  #watchFailed(error: unknown): void {
    const expired = isStatus(error, 410);
    this.#watchFailures++;
    // That the network failed says nothing about the version; a restart must not make every kind be listed again.
    const answered = error instanceof ApiError || error instanceof SyntaxError || error instanceof RangeError;
    if (expired || (answered && this.#watchFailures >= WATCH_FAILURES)) {
      this.#version = undefined;
      this.#watchFailures = 0;
    }
    if (!expired) this.#warn();
  }

  #listFailed(error: unknown): void {
    const status = error instanceof ApiError ? error.status : undefined;
    if (status === 403) return this.#lost('forbidden');
    if (status === 404) {
      this.#lost('unserved');
      this.#sink.unserved();
      return;
    }
    // Not reached, or too busy to answer: what was read is still the best there is, and its age is told.
    if (status !== undefined && ![429, 503, 504].includes(status)) this.#lost('failing');
    this.#warn();
  }

  /**
   * The list cannot be read. What was read before counts for a while: an API server that starts refuses and lacks
   * things that it has.
   */
  #lost(state: 'forbidden' | 'unserved' | 'failing'): void {
    if (this.#state === state || (this.#state === 'known' && this.#failingFor() < this.#timing.forgetAfter)) return;
    if (this.#state === 'known') this.#sink.forget();
    this.#state = state;
    if (state === 'forbidden')
      this.#log.warn(
        { list: this.#target.label, error: this.#error },
        'may not be read; what rests on it is not judged',
      );
  }

  #warn(): void {
    // One failure or two are how a watch notices a restart.
    if (this.#warned || this.#attempts < 3) return;
    this.#warned = true;
    this.#log.warn({ list: this.#target.label, error: this.#error }, 'cannot be watched; trying again');
  }

  /** Out: milliseconds to wait before the next attempt, longer with each that did not work. */
  #backoff(): number {
    const [first, longest] = this.#timing.backoff;
    const attempt = this.#attempts++;
    const pause = attempt === 0 ? first / 5 : Math.min(longest, first * 2 ** (attempt - 1));
    return pause * (0.5 + Math.random() / 2);
  }
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}
