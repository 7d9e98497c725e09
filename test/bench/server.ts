import { count, requiredOf } from './counts.ts';
import { onOwnCores } from './cores.ts';
import { closedLoop, openLoop, type Latencies } from './load.ts';
import { PEPR_PATH, startPepr } from './pepr.ts';
import { processorTime, residentMemory, startOwn, type Server } from './processes.ts';
import { requestsWith, reviews } from './reviews.ts';
import type { LoopDelay } from './server-process.ts';
import { measured, requireQuiet, type Measured } from './statistics.ts';

/** The cost of one server under a load that leaves it no time. */
export interface ServerCost {
  /** Processor time of a request in microseconds, with all threads. */
  readonly microseconds: Measured;
  readonly perSecond: Measured;
  /** Resident memory after the load, in MiB. */
  readonly residentMiB: number;
}

/** The latencies of two servers at a fixed rate, in milliseconds. */
export interface RateFigure {
  readonly perSecond: number;
  readonly bare: Latencies;
  readonly rollgate: Latencies;
  readonly rollgateLoop: LoopDelay;
}

/** The figures of the servers under the same load. */
export interface ServerFigures {
  readonly rollouts: number;
  readonly bodies: number;
  readonly bodyBytes: number;
  readonly rounds: number;
  readonly bare: ServerCost;
  readonly rollgate: ServerCost;
  readonly pepr: ServerCost;
  readonly rates: readonly RateFigure[];
}

const ROUNDS = count(7, 2);
const ROUND = count(3_000, 500);
const RATES = [
  { perSecond: 50, seconds: count(20, 1) },
  { perSecond: 200, seconds: count(10, 1) },
  { perSecond: 1_000, seconds: count(5, 1) },
];

/** A server, and what is sent to it. */
export interface Measurable {
  readonly server: Server;
  readonly requests: readonly Buffer[];
}

/**
 * Measures the servers in turn with one client.
 *
 * @param rollouts - The number of Rollouts in the cache.
 * @throws NotQuietError - If the machine did too much else.
 */
export function measureServers(rollouts: number): Promise<ServerFigures> {
  return onOwnCores(async (cores) => {
    const bodies = reviews(rollouts);
    const requests = requestsWith(bodies);
    const servers: Server[] = [];
    const started = <T extends Server>(server: T): T => {
      servers.push(server);
      return server;
    };
    try {
      const bare = started(await startOwn('bare', cores.server, 0));
      const rollgate = started(await startOwn('rollgate', cores.server, rollouts));
      const pepr = started(await startPepr(cores.server));
      const costs = await inTurn(
        {
          bare: { server: bare, requests },
          rollgate: { server: rollgate, requests },
          pepr: { server: pepr, requests: requestsWith(bodies, PEPR_PATH) },
        },
        ROUNDS,
        ROUND,
      );
      const rates: RateFigure[] = [];
      for (const { perSecond, seconds } of RATES) {
        const ofBare = await openLoop(bare.port, requests, perSecond, seconds);
        await rollgate.ask('watch delay');
        const ofRollgate = await openLoop(rollgate.port, requests, perSecond, seconds);
        const rollgateLoop = await rollgate.ask('delay');
        rates.push({ perSecond, bare: ofBare, rollgate: ofRollgate, rollgateLoop });
      }
      const bodyBytes = Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length);
      return { rollouts, bodies: bodies.length, bodyBytes, rounds: ROUNDS, ...costs, rates };
    } finally {
      for (const server of servers) server.stop();
    }
  });
}

/**
 * Measures servers under full load, in turn, after a first round that does not count.
 *
 * @param milliseconds - The length of a round of one server.
 * @throws NotQuietError - If the machine did too much else.
 */
export async function inTurn<Name extends string>(
  servers: Readonly<Record<Name | 'bare', Measurable>>,
  rounds: number,
  milliseconds: number,
): Promise<Record<Name | 'bare', ServerCost>> {
  const names = Object.keys(servers) as (Name | 'bare')[];
  const seen = names.map((name) => ({ name, microseconds: [] as number[], perSecond: [] as number[] }));
  for (let round = 0; round < rounds + 1; round++) {
    for (const { name, microseconds, perSecond } of seen) {
      const { server, requests } = servers[name];
      const before = processorTime(server.pid);
      const answered = await closedLoop(server.port, requests, milliseconds);
      if (round === 0) continue;
      microseconds.push((processorTime(server.pid) - before) / answered.answers);
      perSecond.push(answered.perSecond);
    }
  }
  const costs = seen.map(({ name, microseconds, perSecond }): [Name | 'bare', ServerCost] => [
    name,
    {
      microseconds: measured(microseconds),
      perSecond: measured(perSecond),
      residentMiB: residentMemory(servers[name].server.pid),
    },
  ]);
  const byName = Object.fromEntries(costs) as Record<Name | 'bare', ServerCost>;
  requiredOf(() => requireQuiet(byName.bare.microseconds));
  return byName;
}
