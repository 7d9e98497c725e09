import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { limitConnections } from './connections.ts';
import { clockNow, type FromHealthThread, type HealthThreadData, type ToHealthThread } from './health.ts';
import { HealthApp } from './health-app.ts';

// The thread of the health port. Its event loop is never blocked by a review.

// Probes and scrapes need a few. Others must not keep them out.
const CONNECTIONS = 64;
const TIMEOUTS = {
  keepAliveTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
};

const { host, port, limits, heartbeat } = workerData as HealthThreadData;
const beats = new BigInt64Array(heartbeat);
const tell = (message: FromHealthThread): void => parentPort?.postMessage(message);
const app = new HealthApp({
  limits,
  now: clockNow,
  heartbeat: () => Number(Atomics.load(beats, 0)),
  ask: (topic) => tell({ ask: topic }),
});
parentPort?.on('message', (message: ToHealthThread) => app.receive(message));

const { listener, track } = limitConnections(CONNECTIONS, app.listener);
const server = http.createServer(TIMEOUTS, listener);
track(server);
const onError = ({ message, code }: NodeJS.ErrnoException): void => {
  tell({ failed: { message, code, port } });
  parentPort?.close();
};
server.once('error', onError);
server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
  // A later error ends the thread, and the main thread starts it again.
  server.off('error', onError);
  tell({ listening: (server.address() as AddressInfo).port });
});
