import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers every query as Prometheus does, with one value that a test chooses. */
export class Prometheus {
  value: number;
  readonly #server: Server;

  private constructor(value: number) {
    this.value = value;
    this.#server = createServer((_, response) => {
      const result = [{ metric: {}, value: [Date.now() / 1_000, String(this.value)] }];
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
    });
  }

  /** Starts it on the loopback interface. */
  static async start(value: number): Promise<Prometheus> {
    const prometheus = new Prometheus(value);
    prometheus.#server.listen(0, '127.0.0.1');
    await once(prometheus.#server, 'listening');
    return prometheus;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
