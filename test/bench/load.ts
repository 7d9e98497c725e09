import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from './client.ts';
import { requiredOf } from './counts.ts';
import { Schedule } from './schedule.ts';
import { NotQuietError, quantile } from './statistics.ts';

/** Latencies in milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

// A client that is later than this measures itself.
const MOST_LATE = 5;

/** How many connections the API server is taken to have. */
export const CONNECTIONS = 16;

/**
 * Sends requests over several connections; each sends its next request when the last one is answered.
 *
 * @param milliseconds - How long to send.
 * @returns The number of answers and the requests per second.
 */
export async function closedLoop(
  port: number,
  requests: readonly Buffer[],
  milliseconds: number,
): Promise<{ readonly answers: number; readonly perSecond: number }> {
  const open = await Connection.openAll(port, CONNECTIONS);
  const begin = performance.now();
  let next = 0;
  await Promise.all(
    open.map(async (connection) => {
      while (performance.now() - begin < milliseconds) await connection.send(pick(requests, next++));
    }),
  );
  const elapsed = performance.now() - begin;
  for (const connection of open) connection.close();
  return { answers: next, perSecond: (next / elapsed) * 1000 };
}

/**
 * Sends requests at a fixed rate, whether or not earlier ones were answered. Latency includes the time for which a
 * request waited for a free connection. What the timer of the client itself is late is left out, and limited.
 *
 * @throws NotQuietError - If the client was so late that the figures show the client.
 */
export async function openLoop(
  port: number,
  requests: readonly Buffer[],
  perSecond: number,
  seconds: number,
): Promise<Latencies> {
  const free = await Connection.openAll(port, CONNECTIONS);
  const all = [...free];
  const schedule = new Schedule(perSecond, seconds);
  const latencies: number[] = [];
  const late: number[] = [];
  const waiting: number[] = [];
  let next = 0;
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  // It is awaited only after the last request was due.
  answered.catch(() => undefined);
  const dispatch = (): void => {
    for (let connection = free.pop(); connection !== undefined; connection = free.pop()) {
      const since = waiting.shift();
      if (since === undefined) {
        free.push(connection);
        return;
      }
      const sender = connection;
      sender.send(pick(requests, next++)).then(() => {
        latencies.push(performance.now() - since);
        free.push(sender);
        if (latencies.length === schedule.total) resolve();
        else dispatch();
      }, reject);
    }
  };
  const begin = performance.now();
  for (;;) {
    const now = performance.now();
    for (const each of schedule.take(now - begin)) {
      late.push(each);
      waiting.push(now);
    }
    dispatch();
    const pause = schedule.untilNext(performance.now() - begin);
    if (pause === undefined) break;
    await sleep(pause);
  }
  await answered;
  for (const connection of all) connection.close();
  requiredOf(() => requirePunctual(quantile(late, 0.99)));
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
}

function requirePunctual(late: number): void {
  if (late > MOST_LATE) throw new NotQuietError(`the client was ${late.toFixed(1)} ms late: its core is busy`);
}

/**
 * Sends requests over one connection, one after the other.
 *
 * @returns How long each took, in milliseconds.
 */
export async function oneAfterTheOther(port: number, requests: readonly Buffer[], count: number): Promise<number[]> {
  const connection = await Connection.open(port);
  const latencies: number[] = [];
  for (let index = 0; index < count; index++) {
    const begin = performance.now();
    await connection.send(pick(requests, index));
    latencies.push(performance.now() - begin);
  }
  connection.close();
  return latencies;
}

function pick(requests: readonly Buffer[], turn: number): Buffer {
  const request = requests[turn % requests.length];
  if (request === undefined) throw new Error('there is nothing to send');
  return request;
}
