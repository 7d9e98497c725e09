import http2, { type ClientHttp2Session } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';

/** The response to a GET. */
export interface Http2Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

interface Connection {
  readonly session: ClientHttp2Session;
  streams: number;
}

// kube-apiserver allows a hundred, and further requests wait without an error.
const STREAMS = 80;
// Two, because an answer may have arrived while this process had no time to read it. A TLS handshake may take as long.
const UNANSWERED_PINGS = 2;
// With the default of 64 KiB, a watch of large objects has to wait after every few of them.
const WINDOW = 4 * 1024 * 1024;

/**
 * Requests that share HTTP/2 connections. The purpose is to detect dead connections by pings: a watch may be silent for
 * minutes, and a load balancer that dropped its connection sends no error. client-go does the same.
 */
export class Http2Pool {
  readonly #ping: number;
  readonly #onDead: () => void;
  readonly #connections = new Map<string, Set<Connection>>();
  readonly #connecting = new Map<string, Promise<Connection | undefined>>();
  readonly #http1Only = new Set<string>();
  readonly #closed = new AbortController();

  /**
   * @param ping - Milliseconds between two pings.
   * @param onDead - Called when a connection turns out to be dead.
   */
  constructor(ping: number, onDead: () => void) {
    this.#ping = ping;
    this.#onDead = onDead;
  }

  /**
   * Sends a GET and returns the response once its headers have arrived; undefined if the server does not support
   * HTTP/2. Throws the error of the network.
   * @param options - As for `https.request`.
   * @param key - Requests with the same key may share a connection.
   * @param signal - Aborts the request and the body.
   */
  async open(
    options: RequestOptions,
    key: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Http2Response | undefined> {
    if (this.#http1Only.has(key)) return undefined;
    const connection = await this.#connection(options, key, signal);
    return connection === undefined ? undefined : request(connection, path, headers, signal);
  }

  /** Breaks all connections. */
  close(): void {
    this.#closed.abort();
    for (const connections of this.#connections.values()) for (const { session } of connections) session.destroy();
  }

  async #connection(options: RequestOptions, key: string, signal: AbortSignal): Promise<Connection | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const free = [...(this.#connections.get(key) ?? [])].find(
        ({ session, streams }) => streams < STREAMS && !session.closed && !session.destroyed,
      );
      if (free !== undefined) {
        // Counted here, before another request can use the same stream.
        free.streams++;
        return free;
      }
      let connecting = this.#connecting.get(key);
      if (connecting === undefined) {
        connecting = this.#connect(options, key).finally(() => this.#connecting.delete(key));
        this.#connecting.set(key, connecting);
      }
      if ((await unlessAborted(connecting, signal)) === undefined) return undefined;
    }
  }

  async #connect(options: RequestOptions, key: string): Promise<Connection | undefined> {
    const socket = await connectTls(options, UNANSWERED_PINGS * this.#ping, this.#closed.signal);
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      this.#http1Only.add(key);
      return undefined;
    }
    const session = http2.connect(`https://${authority(options)}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW },
    });
    session.setLocalWindowSize(WINDOW);
    const connection = { session, streams: 0 };
    const all = this.#connections.get(key) ?? new Set();
    this.#connections.set(key, all.add(connection));
    const timer = this.#startPings(session);
    // The streams report the error to those who wait.
    session
      .on('error', () => undefined)
      .on('close', () => {
        clearInterval(timer);
        all.delete(connection);
      });
    if (this.#closed.signal.aborted) session.destroy();
    return connection;
  }

  #startPings(session: ClientHttp2Session): NodeJS.Timeout {
    let unanswered = 0;
    return setInterval(() => {
      if (unanswered >= UNANSWERED_PINGS) {
        session.destroy(new Error('the connection is dead: pings were not answered'));
        this.#onDead();
        return;
      }
      unanswered++;
      session.ping((error) => {
        if (error === null) unanswered = 0;
      });
    }, this.#ping);
  }
}

function request(
  connection: Connection,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Http2Response> {
  return new Promise((resolve, reject) => {
    let stream;
    try {
      stream = connection.session.request({ ...headers, ':method': 'GET', ':path': path }, { endStream: true, signal });
    } catch (error) {
      connection.streams--;
      throw error;
    }
    const body = stream;
    body.on('response', (received) => {
      const { ':status': status, ...rest } = received;
      resolve({ status: status ?? 0, headers: rest, body });
    });
    body.on('error', reject).on('close', () => {
      connection.streams--;
      reject(new Error('the connection was closed before a response'));
    });
  });
}

/**
 * Opens a TLS socket and negotiates the protocol.
 * @param timeout - Milliseconds.
 */
function connectTls(options: RequestOptions, timeout: number, signal: AbortSignal): Promise<TLSSocket> {
  const host = hostOf(options);
  const {
    ca,
    cert,
    key,
    pfx,
    passphrase,
    rejectUnauthorized,
    servername = isIP(host) === 0 ? host : undefined,
  } = options;
  const given = Object.fromEntries(
    Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...given, host, port: portOf(options), ALPNProtocols: ['h2', 'http/1.1'], timeout });
    const end = (): unknown => socket.destroy();
    signal.addEventListener('abort', end, { once: true });
    socket.once('close', () => {
      signal.removeEventListener('abort', end);
      reject(new Error('the connection was closed during the TLS handshake'));
    });
    socket.once('timeout', () => socket.destroy(new Error(`no connection within ${timeout / 1000} s`)));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

function authority(options: RequestOptions): string {
  const host = hostOf(options);
  return `${isIP(host) === 6 ? `[${host}]` : host}:${portOf(options)}`;
}

function hostOf({ hostname, host }: RequestOptions): string {
  return hostname ?? host ?? 'localhost';
}

function portOf({ port }: RequestOptions): number {
  return Number(port === undefined || port === null || port === '' ? 443 : port);
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
