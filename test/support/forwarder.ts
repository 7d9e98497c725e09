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
 * Forwards TCP connections, byte by byte and none the wiser. It plays whatever stands between two programs: a load
 * balancer that forgets connections without a word, or kube-proxy, which asks anew for each connection where to send
 * it.
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
   * In: where to listen (port 0: any), and where a new connection goes; undefined: it is refused. Out: it, forwarding.
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

  /**
   * Forwards nothing more on the connections that there are, and closes none: what either end sends is taken and lost.
   */
  freeze(): void {
    for (const link of this.#links) link.frozen = true;
  }

  /** The same, and whether it is to happen to new connections too. */
  swallow(on: boolean): void {
    this.#swallowing = on;
    if (on) this.freeze();
  }

  /** Breaks the connections that there are. */
  cut(): void {
    for (const { ends } of this.#links) for (const end of ends) end.destroy();
    this.#links.clear();
  }

  /** Breaks every connection and takes none. */
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
        // A connection that was forgotten is not closed on the other side either.
        if (link.frozen) return;
        to.destroy();
        this.#links.delete(link);
      });
    }
  }
}
