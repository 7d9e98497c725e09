import { once } from 'node:events';
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { urlToHttpOptions } from 'node:url';
import { KubeConfig } from '@kubernetes/client-node';
import { dig, optionalString, asString } from '../world/read.ts';
import { ItemSplitter } from './items.ts';
import { Http2Pool, type Http2Response } from './http2-pool.ts';
import type { Timing } from './timing.ts';

/**
 * An API server's answer that is no success. What is no ApiError came from the network, the credentials or the parser.
 */
export class ApiError extends Error {
  readonly status: number;
  /** How long the API server asks to be left alone, in milliseconds. */
  readonly retryAfter: number;
  /** Whether the API server said that it has no such object, rather than that it does not serve the kind. */
  readonly objectNotFound: boolean;

  /** In: the HTTP status, the body (a `Status` as a rule) and the seconds of `Retry-After`. */
  constructor(status: number, body: unknown, retryAfter = 0) {
    super(
      `${status} ${optionalString(dig(body, 'message')) ?? http.STATUS_CODES[status] ?? 'unknown error'}`.slice(0, 500),
    );
    this.name = 'ApiError';
    this.status = status;
    this.retryAfter = retryAfter * 1000;
    this.objectNotFound = status === 404 && asString(dig(body, 'details', 'name')) !== '';
  }
}

/** One GET. */
export interface ApiRequest {
  /** The path below the server's address, its parts already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  /** Ends the request, and the stream that it answers with. */
  readonly signal: AbortSignal;
  /** Milliseconds; for a stream, until the headers are there. By default the longest that a request may take. */
  readonly timeout?: number;
}

interface Credentials {
  readonly options: https.RequestOptions;
  readonly path: string;
  readonly readAt: number;
}

// Exec plugins run programs, which may hang.
const CREDENTIALS_TIMEOUT = 30_000;
// Of a refusal only the message is of use.
const MAX_REFUSAL = 64 * 1024;
// client-go's choice: below the idle time-outs of common load balancers.
const TCP_KEEP_ALIVE = 30_000;

// More would not be faster, and a page of 500 Rollouts is several MiB.
const LISTS_AT_A_TIME = 4;

/**
 * Reads from one API server. Configuration, credentials (tokens that are re-read, exec plugins, client certificates),
 * TLS and proxies are those of `@kubernetes/client-node`. The requests are our own: its `Watch` passes over lines that
 * it cannot parse, and opens a connection pool for every call.
 */
export class ApiClient {
  readonly #timing: Timing;
  readonly #http: http.Agent;
  readonly #https: https.Agent;
  readonly #http2: Http2Pool;
  #kubeConfig: KubeConfig;
  #known: Credentials | undefined;
  #pending: Promise<Credentials> | undefined;
  #renewedAt = -Infinity;
  #unreachable = false;
  readonly #waiting = new Set<() => void>();
  #listing = 0;
  readonly #queue: (() => void)[] = [];

  /**
   * In: whom to talk to and as whom. Authenticators that were added to the KubeConfig by hand last until the first 401.
   */
  constructor(kubeConfig: KubeConfig, timing: Timing) {
    this.#kubeConfig = kubeConfig;
    this.#timing = timing;
    const options = { keepAlive: true, keepAliveMsecs: TCP_KEEP_ALIVE };
    // An agent keys its connections by certificate and key too, so that renewed ones get connections of their own.
    this.#http = new http.Agent(options);
    this.#https = new https.Agent(options);
    this.#http2 = new Http2Pool(timing.ping, () => this.#forgetIdle());
  }

  /**
   * In: a request. Out: the JSON that it is answered with. Throws an ApiError, or the error of the network, the
   * credentials or the parser.
   */
  async get(request: ApiRequest): Promise<unknown> {
    const deadline = new Deadline(request.signal, request.timeout ?? this.#timing.request);
    try {
      const response = await this.#open(request, deadline.signal);
      return JSON.parse((await buffer(response.body)).toString('utf8'));
    } catch (error) {
      throw deadline.expired ?? error;
    } finally {
      deadline.release();
    }
  }

  /**
   * In: a request for a list, and what to do with each item, in order. Out: the list without its items. Few lists are
   * read at a time: they are long, and all kinds are read at once at the start. It may take as long as it likes while
   * more of it comes. Throws as `get` does; the items so far may then be half of the list.
   */
  async list(request: ApiRequest, each: (item: unknown) => void): Promise<unknown> {
    if (this.#listing >= LISTS_AT_A_TIME) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#listing++;
    const deadline = new Deadline(request.signal, request.timeout ?? this.#timing.request);
    try {
      const response = await this.#open(request, deadline.signal);
      const splitter = new ItemSplitter();
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        for (const item of splitter.push(chunk)) each(JSON.parse(item));
        deadline.extend();
      }
      return splitter.end();
    } catch (error) {
      throw deadline.expired ?? error;
    } finally {
      deadline.release();
      const next = this.#queue.shift();
      if (next === undefined) this.#listing--;
      else next();
    }
  }

  /**
   * In: a request. Out: the stream that it is answered with, until the signal ends it; where the server speaks HTTP/2,
   * it breaks off when nothing comes through any more. Throws as `get` does.
   */
  async stream(request: ApiRequest): Promise<Readable> {
    const deadline = new Deadline(request.signal, request.timeout ?? this.#timing.request);
    try {
      const { body } = await this.#open(request, deadline.signal, true);
      deadline.lift();
      body.once('close', () => deadline.release());
      return body;
    } catch (error) {
      deadline.release();
      throw deadline.expired ?? error;
    }
  }

  /**
   * In: milliseconds, and a signal. Out: resolves after that time, when the signal says so, or when an API server that
   * could not be reached answers again: after a restart no kind stays behind for half a minute.
   */
  async pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const wake = new Deadline(signal, milliseconds);
    const early = (): void => wake.end();
    if (this.#unreachable) this.#waiting.add(early);
    if (!wake.signal.aborted) await once(wake.signal, 'abort');
    this.#waiting.delete(early);
    wake.release();
  }

  /** Closes all connections. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
    this.#http2.close();
  }

  async #open(request: ApiRequest, signal: AbortSignal, long = false): Promise<Http2Response> {
    for (let attempt = 0; ; attempt++) {
      const credentials = await this.#authorize();
      const response =
        (long ? await this.#multiplexed(request, credentials, signal) : undefined) ??
        (await this.#send(request, credentials, signal));
      if (response.status === 200) return response;
      const error = await refusal(response);
      if (error.status !== 401) throw error;
      const renewed = this.#renew(credentials);
      if (attempt > 0 || !renewed) throw error;
    }
  }

  /**
   * Out: what the request is answered with; undefined if the way there is none for HTTP/2: unencrypted, through a
   * proxy, or the server does not speak it.
   */
  async #multiplexed(
    request: ApiRequest,
    { options, path }: Credentials,
    signal: AbortSignal,
  ): Promise<Http2Response | undefined> {
    if (options.agent !== this.#https || options.auth !== undefined) return undefined;
    const { hostname, ...rest } = options;
    const key = this.#https.getName({
      ...rest,
      ...(hostname === undefined || hostname === null ? {} : { host: hostname }),
    });
    try {
      const answered = await this.#http2.open(
        options,
        key,
        path + pathOf(request),
        headersOf(request, options),
        signal,
      );
      if (answered !== undefined) this.#reached();
      return answered;
    } catch (error) {
      if (!request.signal.aborted) this.#unreachable = true;
      throw error;
    }
  }

  async #send(request: ApiRequest, credentials: Credentials, signal: AbortSignal): Promise<Http2Response> {
    const options: https.RequestOptions = {
      ...credentials.options,
      path: credentials.path + pathOf(request),
      headers: headersOf(request, credentials.options),
      signal,
    };
    const send = options.protocol === 'http:' ? http.request : https.request;
    for (;;) {
      const message = send(options);
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          message.once('response', resolve).on('error', reject).end();
        });
        this.#reached();
        return { status: response.statusCode ?? 0, headers: response.headers, body: response };
      } catch (error) {
        // The server may have closed an idle connection that is only now taken up again; there are only so many of
        // them.
        if (message.reusedSocket && !signal.aborted) continue;
        // Where one says nothing, the others that were idle as long are not to be tried one after the other, each as
        // long.
        if (message.reusedSocket) this.#forgetIdle();
        if (!request.signal.aborted) this.#unreachable = true;
        throw error;
      }
    }
  }

  #forgetIdle(): void {
    for (const agent of [this.#http, this.#https])
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  #reached(): void {
    if (!this.#unreachable) return;
    this.#unreachable = false;
    for (const wake of this.#waiting) wake();
  }

  /** Out: what a request needs to carry; read once, however many requests are about to start. */
  async #authorize(): Promise<Credentials> {
    const known = this.#known;
    if (known !== undefined && performance.now() - known.readAt < this.#timing.credentials) return known;
    this.#pending ??= this.#readCredentials().finally(() => {
      this.#pending = undefined;
    });
    this.#known = await this.#pending;
    return this.#known;
  }

  async #readCredentials(): Promise<Credentials> {
    const kubeConfig = this.#kubeConfig;
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig names no current cluster');
    const options: https.RequestOptions = { headers: {} };
    await within(CREDENTIALS_TIMEOUT, kubeConfig.applyToHTTPSOptions(options), 'the credentials took too long');
    const url = new URL(cluster.server);
    const { hostname, port, protocol } = urlToHttpOptions(url);
    // Through a proxy only the client library's own agent knows the way.
    const agent = cluster.proxyUrl ? options.agent : protocol === 'http:' ? this.#http : this.#https;
    return {
      options: { ...options, headers: options.headers ?? {}, method: 'GET', hostname, port, protocol, agent },
      // Rancher and others serve an API below a path.
      path: url.pathname.replace(/\/+$/, ''),
      readAt: performance.now(),
    };
  }

  /** In: credentials that were refused. Out: whether there are, or may be, others to try. */
  #renew(refused: Credentials): boolean {
    if (this.#known !== refused) return true;
    const now = performance.now();
    if (now - this.#renewedAt < this.#timing.renewal) return false;
    this.#renewedAt = now;
    this.#known = undefined;
    // The client library's authenticators keep a token for a minute or for ever and cannot be told; new ones start with
    // nothing.
    const { clusters, users, contexts, currentContext } = this.#kubeConfig;
    this.#kubeConfig = new KubeConfig();
    this.#kubeConfig.loadFromOptions({ clusters, users, contexts, currentContext });
    return true;
  }
}

/**
 * A signal that another signal or the lapse of time ends. Unlike `AbortSignal.any` it leaves nothing behind with a
 * signal that lives on.
 */
class Deadline {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #forward = (): void => this.#controller.abort();
  /** The error to report once the time has lapsed: clearer than that something was aborted. */
  expired: Error | undefined;

  constructor(parent: AbortSignal, milliseconds: number) {
    this.#parent = parent;
    this.#timer = setTimeout(() => {
      this.expired = new Error(`no answer within ${Math.round(milliseconds / 100) / 10} s`);
      this.#controller.abort();
    }, milliseconds);
    if (parent.aborted) this.#forward();
    else parent.addEventListener('abort', this.#forward, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#controller.abort();
  }

  /** The time begins anew. */
  extend(): void {
    this.#timer.refresh();
  }

  /** From now on only the parent ends it. */
  lift(): void {
    clearTimeout(this.#timer);
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener('abort', this.#forward);
  }
}

async function within<T>(milliseconds: number, work: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function pathOf({ path, query }: ApiRequest): string {
  const parameters = new URLSearchParams(query).toString();
  return parameters === '' ? path : `${path}?${parameters}`;
}

function headersOf({ accept = 'application/json' }: ApiRequest, { headers }: RequestOptions): Record<string, string> {
  return { ...trimmed(headers), accept, 'user-agent': 'rollgate' };
}

/** In: headers. Out: the same; a token that was read from a file may end in a newline, which no header may. */
function trimmed(headers: RequestOptions['headers']): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value === 'string') result[name] = value.trim();
  }
  return result;
}

async function refusal({ status, headers, body: stream }: Http2Response): Promise<ApiError> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.length > MAX_REFUSAL) break;
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const retryAfter = Number(headers['retry-after'] ?? 0);
  return new ApiError(status, body, Number.isFinite(retryAfter) ? retryAfter : 0);
}
