import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** An address of the loopback network. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Link {
  readonly ends: readonly [client: Socket, upstream: Socket];
  frozen: boolean;
}

/**
 * Forwards TCP connections unchanged. It stands for anything between two programs: a load balancer that drops
 * connections silently, or kube-proxy, which picks a target for each new connection.
 */
export class Forwarder {
  readonly #server: Server;
  readonly #pick: () => Address | undefined;
  readonly #links = new Set<Link>();
  #swallowing = false;

  private constructor(server: Server, pick: () => Address | undefined) {
    this.#server = server;
    this.#pick = pick;
    server.on('connection', (client) => this.#forward(client));
  }

  /**
   * Starts to forward.
   *
   * @param at - Where to listen; port 0 is any free port.
   * @param pick - Returns the target of a new connection; undefined closes the connection.
   */
  static async start(at: Address, pick: () => Address | undefined): Promise<Forwarder> {
    const server = createServer({ allowHalfOpen: true });
    const forwarder = new Forwarder(server, pick);
    server.listen(at.port, at.host);
    await once(server, 'listening');
    return forwarder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops forwarding on the open connections but does not close them. Bytes from either end are read and lost. */
  freeze(): void {
    for (const link of this.#links) link.frozen = true;
  }

  /** Freezes the open connections and every new one, until it is called with false. Frozen connections stay frozen. */
  swallow(on: boolean): void {
    this.#swallowing = on;
    if (on) this.freeze();
  }

  /** Breaks the open connections. */
  cut(): void {
    for (const { ends } of this.#links) for (const end of ends) end.destroy();
    this.#links.clear();
  }

  /** Breaks every connection and accepts no new ones. */
  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #forward(client: Socket): void {
    const target = this.#pick();
    if (target === undefined) {
      client.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const upstream = connect({ ...target, allowHalfOpen: true });
    const link: Link = { ends: [client, upstream], frozen: this.#swallowing };
    this.#links.add(link);
    for (const [from, to] of [link.ends, link.ends.toReversed()] as [Socket, Socket][]) {
      from.on('data', (bytes: Buffer) => {
        if (link.frozen || to.write(bytes)) return;
        from.pause();
        to.once('drain', () => from.resume());
      });
      from.on('end', () => {
        if (!link.frozen) to.end();
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        // The other side of a dropped connection stays open, too.
        if (link.frozen) return;
        to.destroy();
        this.#links.delete(link);
      });
    }
  }
}
