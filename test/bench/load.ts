import tls from 'node:tls';

/** Latencies of requests in milliseconds, and requests per second. */
export interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * A keep-alive connection that sends one request at a time. It does little work itself, so that the figures show the
 * server.
 */
class Connection {
  readonly #socket: tls.TLSSocket;
  #received: Buffer = Buffer.alloc(0);
  #answered: ((status: number) => void) | undefined;

  private constructor(socket: tls.TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      // The server made its certificate a moment ago, on this machine.
      const socket: tls.TLSSocket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () =>
        resolve(new Connection(socket)),
      );
      socket.on('error', reject);
    });
  }

  send(request: Buffer): Promise<number> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf(HEADER_END);
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end).toLowerCase();
    const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    this.#received = this.#received.subarray(end + 4 + length);
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(Number(head.slice(9, 12)));
  }
}

/** Returns the bytes of a POST request. */
export function requestBytes(path: string, body: string): Buffer {
  return Buffer.from(
    `POST ${path}?timeout=5s HTTP/1.1\r\nhost: rollgate\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/**
 * Sends requests over several connections; each connection sends its next request when the last one is answered.
 *
 * @param milliseconds - How long to send.
 * @throws Error - If an answer is not 200.
 */
export async function closedLoop(
  port: number,
  requests: readonly Buffer[],
  connections: number,
  milliseconds: number,
): Promise<Load> {
  const latencies: number[] = [];
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const begin = performance.now();
  let next = 0;
  await Promise.all(
    open.map(async (connection) => {
      while (performance.now() - begin < milliseconds) {
        const request = requests[next++ % requests.length];
        if (request === undefined) return;
        const sent = performance.now();
        check(await connection.send(request));
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const elapsed = performance.now() - begin;
  for (const connection of open) connection.close();
  return summary(latencies, elapsed);
}

/**
 * Sends requests at a fixed rate. Latency counts from the moment when a request was due, so that a stall of the server
 * shows.
 */
export async function openLoop(
  port: number,
  requests: readonly Buffer[],
  connections: number,
  milliseconds: number,
  perSecond: number,
): Promise<Load> {
  const latencies: number[] = [];
  const free = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const all = [...free];
  const due: number[] = [];
  const begin = performance.now();
  const total = Math.floor((milliseconds / 1000) * perSecond);
  let scheduled = 0;
  let next = 0;
  const dispatch = (): void => {
    while (due.length > 0 && free.length > 0) {
      const connection = free.pop();
      const at = due.shift();
      const request = requests[next++ % requests.length];
      if (connection === undefined || at === undefined || request === undefined) return;
      void connection.send(request).then((status) => {
        check(status);
        latencies.push(performance.now() - at);
        free.push(connection);
        dispatch();
      });
    }
  };
  while (latencies.length < total) {
    const elapsed = performance.now() - begin;
    for (; scheduled < total && scheduled / perSecond <= elapsed / 1000; scheduled++)
      due.push(begin + (scheduled / perSecond) * 1000);
    dispatch();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const elapsed = performance.now() - begin;
  for (const connection of all) connection.close();
  return summary(latencies, elapsed);
}

function check(status: number): void {
  if (status !== 200) throw new Error(`answered with ${status}`);
}

function summary(latencies: number[], elapsed: number): Load {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return { perSecond: (latencies.length / elapsed) * 1000, p50: at(0.5), p99: at(0.99) };
}
