import tls from 'node:tls';

const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * A keep-alive connection that sends one request at a time. It does little work itself, so that the figures show the
 * server.
 */
export class Connection {
  readonly #socket: tls.TLSSocket;
  #received: Buffer = Buffer.alloc(0);
  #answered: ((status: number) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: tls.TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error: Error) => this.#failed?.(error));
    socket.on('close', () => this.#failed?.(new Error('the server closed the connection')));
  }

  /** Opens a connection to a server on this machine. */
  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      // The server made its certificate a moment ago, on this machine.
      const socket: tls.TLSSocket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
      socket.once('error', reject);
    });
  }

  /** Opens several connections. */
  static openAll(port: number, count: number): Promise<Connection[]> {
    return Promise.all(Array.from({ length: count }, () => Connection.open(port)));
  }

  /**
   * Sends a request, and waits for the answer.
   *
   * @throws Error - If its status is not 200.
   */
  async send(request: Buffer): Promise<void> {
    const status = await new Promise<number>((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(request);
    });
    if (status !== 200) throw new Error(`answered with ${status}`);
  }

  close(): void {
    this.#failed = undefined;
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
    this.#failed = undefined;
    answered?.(Number(head.slice(9, 12)));
  }
}

/** Returns the bytes of a POST request. */
export function requestBytes(path: string, body: string): Buffer {
  return Buffer.from(
    `POST ${path}?timeout=5s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
