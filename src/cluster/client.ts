import { once } from 'node:events';
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import { KubeConfig } from '@kubernetes/client-node';
import { dig, optionalString, asString } from '../world/read.ts';
import { Deadline, within } from './deadline.ts';
import { headOf, parseObject, type BoundedJson } from './bounded-json.ts';
import { ItemSplitter } from './items.ts';
import { Http2Pool, type Http2Response } from './http2-pool.ts';
import type { Timing } from './timing.ts';

/** An error response of the API server. Every other error comes from the network, the credentials or the parser. */
export class ApiError extends Error {
  readonly status: number;
  /** How long the API server asks clients to wait, in milliseconds. */
  readonly retryAfter: number;
  /** Whether the API server said that the object does not exist, rather than that it does not serve the kind. */
  readonly objectNotFound: boolean;

  /**
   * @param body - Usually a `Status`.
   * @param retryAfter - The seconds of `Retry-After`.
   */
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

/** An item of a list. */
export interface ListItem extends BoundedJson {
  /** The length of its JSON, in bytes. */
  readonly bytes: number;
  /** Its JSON. */
  readonly text: string;
}

/** One GET. */
export interface ApiRequest {
  /** The path below the server's address, its parts already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly accept?: string;
  /** Aborts the request and the stream of its response. */
  readonly signal: AbortSignal;
  /** Milliseconds; for a stream, until its headers arrive. The default is the longest that a request may take. */
  readonly timeout?: number;
}

interface Credentials {
  readonly options: https.RequestOptions;
  readonly path: string;
  readonly readAt: number;
}

// Exec plugins run programs, which may hang.
const CREDENTIALS_TIMEOUT = 30_000;
// Only the message of an error response is used.
const MAX_ERROR_BODY = 64 * 1024;
// Everything that is read in one piece is smaller: an object is at most a few MiB in etcd.
const MAX_BODY = 16 * 1024 * 1024;
// client-go's choice: below the idle timeouts of common load balancers.
const TCP_KEEP_ALIVE = 30_000;

// More would not be faster, and a page of 500 Rollouts is several MiB.
const CONCURRENT_LISTS = 4;

/**
 * Reads from one API server. Configuration, credentials (tokens that are re-read, exec plugins, client certificates),
 * TLS and proxies come from `@kubernetes/client-node`. The requests are our own: its `Watch` ignores lines that it
 * cannot parse, and opens a connection pool for every call.
 */
export class ApiClient {
  readonly #timing: Timing;
  readonly #http: http.Agent;
  readonly #https: https.Agent;
  readonly #http2: Http2Pool;
  #kubeConfig: KubeConfig;
  #credentials: Credentials | undefined;
  #pending: Promise<Credentials> | undefined;
  #renewedAt = -Infinity;
  #unreachable = false;
  readonly #waitingForServer = new Set<() => void>();
  #activeLists = 0;
  readonly #waitingLists: (() => void)[] = [];

  /** Authenticators that were added to the KubeConfig in code last until the first 401. */
  constructor(kubeConfig: KubeConfig, timing: Timing) {
    this.#kubeConfig = kubeConfig;
    this.#timing = timing;
    const options = { keepAlive: true, keepAliveMsecs: TCP_KEEP_ALIVE };
    // An agent keys its connections by certificate and key too, so renewed ones get new connections.
    this.#http = new http.Agent(options);
    this.#https = new https.Agent(options);
    this.#http2 = new Http2Pool(timing.ping, () => this.#forgetIdle());
  }

  /**
   * Sends a request and returns the JSON of its response.
   * @throws An ApiError, or the error of the network, the credentials or the parser.
   */
  async get(request: ApiRequest): Promise<unknown> {
    return JSON.parse(await this.text(request));
  }

  /**
   * Sends a request and returns the text of its response. Throws as `get` does.
   * @throws A RangeError if the response is larger than 16 MiB.
   */
  async text(request: ApiRequest): Promise<string> {
    const deadline = new Deadline(request.signal, request.timeout ?? this.#timing.request);
    try {
      const response = await this.#open(request, deadline.signal);
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > MAX_BODY) throw new RangeError(`the response is larger than ${MAX_BODY} bytes`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    } catch (error) {
      throw deadline.expired ?? error;
    } finally {
      deadline.release();
    }
  }

  /**
   * Reads a list as `listNow` does. Only a few lists are read at a time: they are long, and at the start all kinds are
   * read at once.
   */
  async list(request: ApiRequest, each: (item: ListItem) => void): Promise<unknown> {
    if (this.#activeLists >= CONCURRENT_LISTS) await new Promise<void>((resolve) => this.#waitingLists.push(resolve));
    else this.#activeLists++;
    try {
      return await this.listNow(request, each);
    } finally {
      const next = this.#waitingLists.shift();
      if (next === undefined) this.#activeLists--;
      else next();
    }
  }

  /**
   * Reads a list, calls a function with each item in order, and returns the list without its items. There is no time
   * limit while more of the list arrives. Throws as `get` does, possibly after some of the items.
   */
  async listNow(request: ApiRequest, each: (item: ListItem) => void): Promise<unknown> {
    const deadline = new Deadline(request.signal, request.timeout ?? this.#timing.request);
    try {
      const response = await this.#open(request, deadline.signal);
      const splitter = new ItemSplitter();
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        for (const { text, complete, bytes } of splitter.push(chunk))
          each({ ...(complete ? parseObject(text) : { value: headOf(text), whole: false }), bytes, text });
        deadline.extend();
      }
      return splitter.end();
    } catch (error) {
      throw deadline.expired ?? error;
    } finally {
      deadline.release();
    }
  }

  /**
   * Sends a request and returns the stream of its response, which lasts until the signal aborts it. With HTTP/2, the
   * stream breaks when the connection is dead. Throws as `get` does.
   */
  async stream(request: ApiRequest): Promise<Readable> {
    const deadline = new Deadline(request.signal, request.timeout ?? this.#timing.request);
    try {
      const { body } = await this.#open(request, deadline.signal, true);
      deadline.cancelTimeout();
      body.once('close', () => deadline.release());
      return body;
    } catch (error) {
      deadline.release();
      throw deadline.expired ?? error;
    }
  }

  /**
   * Waits until the time has passed, the signal is aborted, or an unreachable API server responds again, so that after
   * a restart no kind waits for half a minute.
   */
  async pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const wake = new Deadline(signal, milliseconds);
    const early = (): void => wake.end();
    if (this.#unreachable) this.#waitingForServer.add(early);
    if (!wake.signal.aborted) await once(wake.signal, 'abort');
    this.#waitingForServer.delete(early);
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
        (long ? await this.#sendHttp2(request, credentials, signal) : undefined) ??
        (await this.#send(request, credentials, signal));
      if (response.status === 200) return response;
      const error = await errorOf(response);
      if (error.status !== 401) throw error;
      const renewed = this.#renew(credentials);
      if (attempt > 0 || !renewed) throw error;
    }
  }

  /**
   * Sends a request by HTTP/2. Returns undefined if that is not possible: the connection is unencrypted or goes through
   * a proxy, or the server does not support HTTP/2.
   */
  async #sendHttp2(
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
      const response = await this.#http2.open(
        options,
        key,
        path + pathOf(request),
        headersOf(request, options),
        signal,
      );
      if (response !== undefined) this.#reached();
      return response;
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
        // The server may have closed an idle connection that is only now reused. There are only so many of them.
        if (message.reusedSocket && !signal.aborted) continue;
        // If one idle connection is dead, the others may be too. Trying them one after the other would take as long for
        // each.
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
    for (const wake of this.#waitingForServer) wake();
  }

  /** Returns the credentials; concurrent requests share one read. */
  async #authorize(): Promise<Credentials> {
    const cached = this.#credentials;
    if (cached !== undefined && performance.now() - cached.readAt < this.#timing.credentials) return cached;
    this.#pending ??= this.#readCredentials().finally(() => {
      this.#pending = undefined;
    });
    this.#credentials = await this.#pending;
    return this.#credentials;
  }

  async #readCredentials(): Promise<Credentials> {
    const kubeConfig = this.#kubeConfig;
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig has no current cluster');
    const options: https.RequestOptions = { headers: {} };
    await within(CREDENTIALS_TIMEOUT, kubeConfig.applyToHTTPSOptions(options), 'reading the credentials timed out');
    const url = new URL(cluster.server);
    const { hostname, port, protocol } = urlToHttpOptions(url);
    // Only the client library's own agent supports proxies.
    const agent = cluster.proxyUrl ? options.agent : protocol === 'http:' ? this.#http : this.#https;
    return {
      options: { ...options, headers: options.headers ?? {}, method: 'GET', hostname, port, protocol, agent },
      // Rancher and others serve an API below a path.
      path: url.pathname.replace(/\/+$/, ''),
      readAt: performance.now(),
    };
  }

  /** Discards rejected credentials. Returns whether others exist or may exist. */
  #renew(rejected: Credentials): boolean {
    if (this.#credentials !== rejected) return true;
    const now = performance.now();
    if (now - this.#renewedAt < this.#timing.renewal) return false;
    this.#renewedAt = now;
    this.#credentials = undefined;
    // The client library's authenticators keep a token for a minute or longer and cannot be reset; new ones start
    // empty.
    const { clusters, users, contexts, currentContext } = this.#kubeConfig;
    this.#kubeConfig = new KubeConfig();
    this.#kubeConfig.loadFromOptions({ clusters, users, contexts, currentContext });
    return true;
  }
}

function pathOf({ path, query }: ApiRequest): string {
  const parameters = new URLSearchParams(query).toString();
  return parameters === '' ? path : `${path}?${parameters}`;
}

function headersOf({ accept = 'application/json' }: ApiRequest, { headers }: RequestOptions): Record<string, string> {
  return { ...trimmed(headers), accept, 'user-agent': 'rollgate' };
}

/**
 * Returns the string headers without surrounding white space: a token from a file may end in a newline, which headers
 * must not contain.
 */
function trimmed(headers: RequestOptions['headers']): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value === 'string') result[name] = value.trim();
  }
  return result;
}

async function errorOf({ status, headers, body: stream }: Http2Response): Promise<ApiError> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.length > MAX_ERROR_BODY) break;
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
