import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import https from 'node:https';
import type { TcpSocketConnectOpts } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import type { Cluster } from './cluster.ts';
import { ROLLGATE } from './rollgate.ts';

/** The answer to a request. */
export interface Answer {
  readonly code: number;
  readonly body: string;
}

const SERVER = `${ROLLGATE.name}.${ROLLGATE.namespace}.svc`;

/** Somebody in the network who reaches the webhook port of Rollgate. The API server calls it from 127.0.0.1. */
export class Outsider {
  readonly #cluster: Cluster;
  readonly #ca: string;
  readonly #address: string;
  readonly #agent: https.Agent;

  private constructor(cluster: Cluster, ca: string, address: string, atOnce: number) {
    this.#cluster = cluster;
    this.#ca = ca;
    this.#address = address;
    this.#agent = new https.Agent({
      ca,
      localAddress: address,
      keepAlive: true,
      maxSockets: atOnce,
      servername: SERVER,
    });
  }

  /**
   * @param address - Their loopback address.
   * @param atOnce - How many connections they open for requests.
   */
  static async at(cluster: Cluster, address: string, atOnce = 100): Promise<Outsider> {
    const ca = await readFile(join(cluster.controlPlane.folder, 'rollgate', 'ca.pem'), 'utf8');
    return new Outsider(cluster, ca, address, atOnce);
  }

  /** Sends a request with a JSON body. */
  post(path: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const { host, port } = this.#cluster.rollgate.address;
    const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
    return new Promise((resolve, reject) => {
      const request = https.request({ host, port, path, method: 'POST', agent: this.#agent, headers: all });
      request.on('error', reject).on('response', (response) => {
        text(response).then((answer) => resolve({ code: response.statusCode ?? 0, body: answer }), reject);
      });
      request.end(body);
    });
  }

  /** Sends a dry run. */
  dryRun(token: string, manifests: string | Buffer): Promise<Answer> {
    return this.post('/v1/dry-run', manifests, { authorization: `Bearer ${token}` });
  }

  /** Opens a connection that sends no request. Resolves when the handshake is done, or failed. */
  async dial(): Promise<TLSSocket> {
    const { host, port } = this.#cluster.rollgate.address;
    const from: TcpSocketConnectOpts = { host, port, localAddress: this.#address };
    const socket = connect({ ...from, ca: this.#ca, servername: SERVER });
    socket.on('error', () => undefined);
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
    return socket;
  }

  /** Closes the connections of its requests. */
  leave(): void {
    this.#agent.destroy();
  }
}
