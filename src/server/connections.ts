import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { ConnectionLimiter, type LimitedConnection } from './connection-limiter.ts';

interface Connection extends LimitedConnection {
  /** The complete requests that have no answer yet. */
  pending: number;
}

/**
 * Limits the open connections of a server, also those whose handshake is not finished.
 *
 * @returns The listener to use instead of the given one, and the limiter.
 */
export function limitConnections(
  most: number,
  listener: RequestListener,
): { listener: RequestListener; limiter: ConnectionLimiter; track(server: Server): void } {
  const limiter = new ConnectionLimiter(most);
  // A request knows only the TLS socket, and that one not the socket that was accepted.
  const connections = new Map<string, Connection>();
  return {
    limiter,
    track(server) {
      server.on('connection', (socket: Socket) => {
        const id = idOf(socket);
        const { remoteAddress: address = '' } = socket;
        const connection: Connection = { address, pending: 0, close: () => socket.destroy() };
        connections.set(id, connection);
        socket.once('close', () => {
          limiter.remove(connection);
          if (connections.get(id) === connection) connections.delete(id);
        });
        limiter.add(connection);
      });
    },
    listener(request, response) {
      const connection = connections.get(idOf(request.socket));
      if (connection !== undefined) {
        // It is busy from its last byte on: a client that sends slowly must not keep its place.
        if (connection.pending === 0) limiter.setIdle(connection);
        let isPending = false;
        request.once('end', () => {
          if (response.closed) return;
          isPending = true;
          connection.pending++;
          limiter.setBusy(connection);
        });
        response.once('close', () => {
          if (isPending) connection.pending--;
          if (connection.pending === 0) limiter.setIdle(connection);
        });
      }
      listener(request, response);
    },
  };
}

function idOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress}:${remotePort}:${localAddress}`;
}
