import type { Readable } from 'node:stream';
import type { KubeObject } from '../world/object.ts';
import { dig, optionalNumber, optionalString, asString } from '../world/read.ts';
import { ApiError, type ApiClient } from './client.ts';
import { LineSplitter } from './lines.ts';
import type { Timing } from './timing.ts';
import { messageOf } from '../world/error.ts';

/** The logger of a Reflector: pino's, or any with the same methods. */
export interface Logger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** The destination of the objects of one list. */
export interface Sink {
  /**
   * Returns what to keep of a received object, or undefined to ignore it. Returns the object that was kept before if it
   * is unchanged.
   */
  transform(raw: unknown): KubeObject | undefined;
  /** Replaces all objects in one step, so that no reader sees a state in between. */
  replace(objects: readonly KubeObject[]): void;
  put(object: KubeObject): void;
  remove(namespace: string, name: string): void;
  /** Discards everything: nothing is known any more. */
  forget(): void;
  /** Called when the API server responds as if it did not serve the list. */
  unserved(): void;
}

/** The list that a Reflector follows. */
export interface Target {
  readonly path: string;
  /** Selectors. */
  readonly query: Readonly<Record<string, string>>;
  /** Whether to read only the metadata of the objects. */
  readonly metadataOnly: boolean;
  /** Its name in logs. */
  readonly label: string;
}

/**
 * The state of a list. `reading`: not read yet; `known`: complete; `forbidden`, `unserved`, `failing`: no longer known,
 * and why.
 */
export type State = 'reading' | 'known' | 'forbidden' | 'unserved' | 'failing';

const PAGE = 500;
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
  #lastDataAt = performance.now();
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
      const version = await this.#pages(PAGE);
      if (version !== undefined) return version;
    }
    const version = await this.#pages(undefined);
    if (version === undefined) throw new Error('the list expired while it was read');
    return version;
  }

  /**
   * Reads the list in pages and passes it to the sink. Returns the version of the list, or undefined if it expired
   * between two pages.
   * @param limit - The number of objects per page; undefined reads one page.
   */
  async #pages(limit: number | undefined): Promise<string | undefined> {
    const objects: KubeObject[] = [];
    let token = '';
    let version: string;
    do {
      let page: unknown;
      try {
        page = await this.#page(token, limit, (item) => {
          const object = this.#sink.transform(item);
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
    const started = performance.now();
    this.#lastDataAt = started;
    this.#failingSince = undefined;
    this.#error = '';
    if (this.#warned) this.#log.info({ list: this.#target.label }, 'watched again');
    this.#warned = false;
    const events = await this.#follow(response, seconds * 1000 + this.#timing.watchGrace);
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
          this.#event(JSON.parse(line));
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

  #event(event: unknown): void {
    const raw = dig(event, 'object');
    switch (dig(event, 'type')) {
      case 'ADDED':
      case 'MODIFIED': {
        const object = this.#sink.transform(raw);
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
