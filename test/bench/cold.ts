import { count } from './counts.ts';
import { onOwnCores } from './cores.ts';
import { oneAfterTheOther } from './load.ts';
import { residentMemory, startOwn, type OwnKind } from './processes.ts';
import { requestsWith, reviews } from './reviews.ts';
import { mean, median } from './statistics.ts';

/** The latencies of the first hundred requests to a new process, in milliseconds; medians of several processes. */
export interface ColdFigure {
  readonly first: number;
  /** The mean of the second to the eleventh. */
  readonly nextTen: number;
  /** The mean of the ninety after those. */
  readonly nextNinety: number;
}

/** What a process does that has just started. */
export interface ColdFigures {
  readonly bare: ColdFigure;
  readonly rollgate: ColdFigure;
  readonly processes: number;
  /** Resident memory of Rollgate before the first request, in MiB. */
  readonly idleMiB: number;
}

const PROCESSES = count(7, 1);
const ROLLOUTS = 10;

/** Measures new processes of both servers, in turn. */
export function measureCold(): Promise<ColdFigures> {
  return onOwnCores(async (cores) => {
    const requests = requestsWith(reviews(ROLLOUTS));
    const seen: Record<OwnKind, number[][]> = { bare: [], rollgate: [] };
    const idle: number[] = [];
    for (let turn = 0; turn < PROCESSES; turn++) {
      for (const kind of ['bare', 'rollgate'] as const) {
        const server = await startOwn(kind, cores.server, ROLLOUTS);
        try {
          if (kind === 'rollgate') idle.push(residentMemory(server.pid));
          seen[kind].push(await oneAfterTheOther(server.port, requests, 101));
        } finally {
          server.stop();
        }
      }
    }
    return {
      bare: figureOf(seen.bare),
      rollgate: figureOf(seen.rollgate),
      processes: PROCESSES,
      idleMiB: median(idle),
    };
  });
}

function figureOf(processes: readonly (readonly number[])[]): ColdFigure {
  const between = (first: number, end: number): number =>
    median(processes.map((latencies) => mean(latencies.slice(first, end))));
  return { first: between(0, 1), nextTen: between(1, 11), nextNinety: between(11, 101) };
}
