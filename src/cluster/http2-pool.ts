import http2, { type ClientHttp2Session } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';

/** What a GET is answered with. */
export interface Http2Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

interface Connection {
  readonly session: ClientHttp2Session;
  streams: number;
}

// kube-apiserver allows a hundred, and what is asked for beyond that waits without a word.
const STREAMS = 80;
// Two, lest the answer be there but this process have had no time to look. A handshake may take as long.
const UNANSWERED_PINGS = 2;
// The default of 64 KiB has a watch of large objects wait for every few of them.
const WINDOW = 4 * 1024 * 1024;

/**
 * Requests that share connections, by HTTP/2. What they are for is that a connection proves by pings that it is still
 * there: a watch may be silent for minutes, and a load balancer that forgot its connection tells nobody. client-go does
 * the same.
 */
export class Http2Pool {
  readonly #ping: number;
  readonly #lost: () => void;
  readonly #connections = new Map<string, Set<Connection>>();
  readonly #connecting = new Map<string, Promise<Connection | undefined>>();
  readonly #without = new Set<string>();
  readonly #closed = new AbortController();

  /** In: milliseconds between two pings, and what to do when a connection turns out to be dead. */
  constructor(ping: number, lost: () => void) {
    this.#ping = ping;
    this.#lost = lost;
  }

  /**
   * In: whom to ask and as whom, as for `https.request`; a key that is the same for what may share a connection; a
   * path, headers, and a signal that ends the request and the body. Out: the answer once its headers are there;
   * undefined if the server does not speak HTTP/2. Throws the error of the network.
   */
  async open(
    options: RequestOptions,
    key: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Http2Response | undefined> {
    if (this.#without.has(key)) return undefined;
    const connection = await this.#connection(options, key, signal);
    return connection === undefined ? undefined : ask(connection, path, headers, signal);
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
        // Before anybody else looks.
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
    const socket = await shakeHands(options, UNANSWERED_PINGS * this.#ping, this.#closed.signal);
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      this.#without.add(key);
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
    const timer = this.#keepProving(session);
    // What an error means to those who wait, their streams tell.
    session
      .on('error', () => undefined)
      .on('close', () => {
        clearInterval(timer);
        all.delete(connection);
      });
    if (this.#closed.signal.aborted) session.destroy();
    return connection;
  }

  #keepProving(session: ClientHttp2Session): NodeJS.Timeout {
    let unanswered = 0;
    return setInterval(() => {
      if (unanswered >= UNANSWERED_PINGS) {
        session.destroy(new Error('nothing comes through the connection any more'));
        this.#lost();
        return;
      }
      unanswered++;
      session.ping((error) => {
        if (error === null) unanswered = 0;
      });
    }, this.#ping);
  }
}

function ask(
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
      reject(new Error('the connection was closed before there was an answer'));
    });
  });
}

/**
 * In: whom to connect to, how long that may take, and a signal that ends it. Out: a socket, encrypted; which protocol
 * to speak was agreed upon.
 */
function shakeHands(options: RequestOptions, timeout: number, signal: AbortSignal): Promise<TLSSocket> {
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
      reject(new Error('the connection was closed before it was there'));
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
