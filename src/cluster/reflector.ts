import type { Readable } from 'node:stream';
import { dig, optionalNumber, optionalString, asString } from '../world/read.ts';
import { ApiError, type ApiClient } from './client.ts';
import { parseEvent } from './bounded-json.ts';
import { LineSplitter } from './lines.ts';
import { FIRST_PAGE, readPages, type ListTarget } from './pages.ts';
import type { Timing } from './timing.ts';
import { messageOf } from '../world/error.ts';

/** The logger of a Reflector: pino's, or any with the same methods. */
export interface Logger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * The destination of the objects of one list.
 *
 * @template T - What it keeps of an object.
 */
export interface Sink<T> {
  /**
   * Returns what to keep of a received object, or undefined to ignore it. Returns what was kept before if it is
   * unchanged.
   * @param whole - False if the object is too large, and only its name was parsed.
   */
  transform(raw: unknown, whole: boolean): T | undefined;
  /** Replaces all objects in one step, so that no reader sees a state in between. */
  replace(objects: readonly T[]): void;
  /** Releases objects of a list that was not completed. */
  discard(objects: readonly T[]): void;
  put(object: T): void;
  remove(namespace: string, name: string): void;
  /** Discards everything: nothing is known any more. */
  forget(): void;
  /** Called when the API server responds as if it did not serve the list. */
  unserved(): void;
}

/**
 * The state of a list. `reading`: not read yet; `known`: complete; `forbidden`, `unserved`, `failing`: no longer known,
 * and why.
 */
export type State = 'reading' | 'known' | 'forbidden' | 'unserved' | 'failing';

// A list whose continue token expires is read again this often, and then in one piece, as client-go's pager does.
const RESTARTS = 2;
// Some errors of a watch concern its start version ("too large resource version" after a restored backup). A new list
// provides a new version.
const WATCH_FAILURES = 3;
// A watch that lasts less than this, in milliseconds, and sends nothing has not worked.
const MIN_WATCH = 1_000;

/**
 * Keeps a sink equal to a list of an API server: reads the list in pages, then watches it until it is stopped. The
 * informer of `@kubernetes/client-node` does not page, ends at the first failure, ignores what it cannot parse, and
 * does not record when the API server last responded. This one follows client-go's reflector: a new list on 410,
 * otherwise a new watch from the last version.
 */
export class Reflector<T> {
  readonly #client: ApiClient;
  readonly #target: ListTarget;
  readonly #sink: Sink<T>;
  readonly #timing: Timing;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #state: State = 'reading';
  #version: string | undefined;
  #lastDataAt = performance.now();
  #bookmarks = false;
  #error = '';
  #failingSince: number | undefined;
  #attempts = 0;
  #watchFailures = 0;
  #warned = false;
  #watching: Readable | undefined;

  constructor(client: ApiClient, target: ListTarget, sink: Sink<T>, timing: Timing, log: Logger) {
    this.#client = client;
    this.#target = target;
    this.#sink = sink;
    this.#timing = timing;
    this.#log = log;
  }

  get state(): State {
    return this.#state;
  }

  /** The last error of the API server or the network; empty if there is none. */
  get error(): string {
    return this.#error;
  }

  /** Returns the milliseconds since the last data from the API server for this list. */
  silence(): number {
    return performance.now() - this.#lastDataAt;
  }

  /** Reports whether the list may be too old to use. A watch without bookmarks is only known to work when it ends. */
  isStale(): boolean {
    const { stale, watch, watchGrace } = this.#timing;
    return this.silence() > (this.#bookmarks || this.#error !== '' ? stale : stale + watch[1] + watchGrace);
  }

  /** Reports whether it has been failing for so long that startup must not wait for it. */
  gaveUp(): boolean {
    return this.#failingFor() > this.#timing.giveUpWaiting;
  }

  /** Reads the list again, and keeps what is known until then. */
  relist(): void {
    if (this.#state !== 'known') return;
    this.#version = undefined;
    this.#watching?.destroy();
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

  /** Reads the list and returns its version, from which a watch continues. */
  async #list(): Promise<string> {
    for (let restarts = 0; restarts < RESTARTS; restarts++) {
      const version = await this.#pages(FIRST_PAGE);
      if (version !== undefined) return version;
    }
    const version = await this.#pages(undefined);
    if (version === undefined) throw new Error('the list expired while it was read');
    return version;
  }

  /**
   * Reads the list in pages and passes it to the sink. Returns the version of the list, or undefined if it expired
   * between two pages.
   * @param limit - The number of objects in the first page; undefined reads one page.
   */
  async #pages(limit: number | undefined): Promise<string | undefined> {
    const objects: T[] = [];
    let isComplete = false;
    try {
      const request = { ...this.#target, signal: this.#stop.signal };
      const version = await readPages(this.#client, request, limit, (item) => {
        const object = this.#sink.transform(item.value, item.whole);
        if (object !== undefined) objects.push(object);
      });
      if (version === '') throw new Error('the list has no resourceVersion');
      isComplete = version !== undefined && !this.#stopped;
      if (isComplete && version !== undefined) this.#listed(objects, version);
      return version;
    } finally {
      if (!isComplete) this.#sink.discard(objects);
    }
  }

  #listed(objects: readonly T[], version: string): void {
    this.#sink.replace(objects);
    if (this.#state === 'forbidden') this.#log.info({ list: this.#target.label }, 'can be read now');
    this.#state = 'known';
    this.#version = version;
    this.#lastDataAt = performance.now();
    this.#failingSince = undefined;
    this.#error = '';
  }

  /** Resolves when the watch has ended or broken. Throws the error response of the API server. */
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
    // It is to be read again since.
    if (this.#version === undefined) return void response.on('error', () => undefined).destroy();
    const started = performance.now();
    this.#lastDataAt = started;
    this.#failingSince = undefined;
    this.#error = '';
    if (this.#warned) this.#log.info({ list: this.#target.label }, 'watched again');
    this.#warned = false;
    this.#watching = response;
    const events = await this.#follow(response, seconds * 1000 + this.#timing.watchGrace);
    this.#watching = undefined;
    if (events === 0 && performance.now() - started < MIN_WATCH) return;
    this.#attempts = 0;
    this.#watchFailures = 0;
  }

  /**
   * Processes the events of a watch and returns their number when it has ended. Throws on an event of type ERROR and on
   * an invalid event.
   * @param longest - Milliseconds after which the watch is closed.
   */
  async #follow(response: Readable, longest: number): Promise<number> {
    let events = 0;
    const lines = new LineSplitter();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const tooLong = setTimeout(() => response.destroy(), longest);
    const tooQuiet = setInterval(() => {
      // An API server that has sent bookmarks continues to send them.
      if (this.#bookmarks && this.silence() > this.#timing.watchSilence) response.destroy();
    }, this.#timing.watchSilence / 4);
    response.on('data', (chunk: Buffer) => {
      this.#lastDataAt = performance.now();
      try {
        for (const line of lines.push(chunk)) {
          if (this.#stopped) return;
          const event = parseEvent(line);
          this.#event(event.value, event.whole);
          events++;
        }
      } catch (error) {
        reject(error);
        response.destroy();
      }
    });
    // However it ends, the next watch continues from the last complete event.
    response.on('error', () => resolve()).on('close', () => resolve());
    try {
      await promise;
    } finally {
      clearTimeout(tooLong);
      clearInterval(tooQuiet);
    }
    return events;
  }

  #event(event: unknown, whole: boolean): void {
    const raw = dig(event, 'object');
    switch (dig(event, 'type')) {
      case 'ADDED':
      case 'MODIFIED': {
        const object = this.#sink.transform(raw, whole);
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
        throw new SyntaxError('the watch sent an invalid event');
    }
    this.#version = optionalString(dig(raw, 'metadata', 'resourceVersion')) ?? this.#version;
  }

  /** Records the failure of a list or watch and returns how long to wait, in milliseconds. */
  #failed(error: unknown): number {
    this.#failingSince ??= performance.now();
    this.#error = messageOf(error);
    const retryAfter = error instanceof ApiError ? Math.min(error.retryAfter, this.#timing.backoff[1]) : 0;
    const pause = Math.max(this.#backoff(), retryAfter);
    if (this.#version === undefined) this.#listFailed(error);
    else this.#watchFailed(error);
    const waitLong = this.#state === 'forbidden' && this.gaveUp();
    return waitLong ? this.#timing.forbiddenPause * (0.75 + Math.random() / 2) : pause;
  }

  #watchFailed(error: unknown): void {
    const expired = isStatus(error, 410);
    this.#watchFailures++;
    // A network error says nothing about the version. A restart of the API server must not cause a new list of every
    // kind.
    const isServerError = error instanceof ApiError || error instanceof SyntaxError || error instanceof RangeError;
    if (expired || (isServerError && this.#watchFailures >= WATCH_FAILURES)) {
      this.#version = undefined;
      this.#watchFailures = 0;
    }
    if (!expired) this.#warn();
  }

  #listFailed(error: unknown): void {
    const status = error instanceof ApiError ? error.status : undefined;
    if (status === 403) return this.#markUnreadable('forbidden');
    if (status === 404) {
      this.#markUnreadable('unserved');
      this.#sink.unserved();
      return;
    }
    // Unreachable or overloaded: the objects read before are still the best available, and their age is reported.
    if (status !== undefined && ![429, 503, 504].includes(status)) this.#markUnreadable('failing');
    this.#warn();
  }

  /**
   * Marks the list as unreadable, but only after a while: an API server that starts denies requests and lacks kinds
   * that it will serve.
   */
  #markUnreadable(state: 'forbidden' | 'unserved' | 'failing'): void {
    if (this.#state === state || (this.#state === 'known' && this.#failingFor() < this.#timing.forgetAfter)) return;
    if (this.#state === 'known') this.#sink.forget();
    this.#state = state;
    if (state === 'forbidden')
      this.#log.warn(
        { list: this.#target.label, error: this.#error },
        'no permission to read; rules that need it are skipped',
      );
  }

  #warn(): void {
    // One or two failures are normal: this is how a watch notices a restart.
    if (this.#warned || this.#attempts < 3) return;
    this.#warned = true;
    this.#log.warn({ list: this.#target.label, error: this.#error }, 'cannot be watched; trying again');
  }

  /** Returns the milliseconds to wait before the next attempt; longer after each failed one. */
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
