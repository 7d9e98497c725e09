import type { Data } from './data.ts';
import type { EngineFigure } from './engine.ts';
import { microseconds, milliseconds, percent, table, whole } from './numbers.ts';
import { mean } from './statistics.ts';

/** A figure that is to be reached. */
export interface Goal {
  readonly title: string;
  readonly found: string;
  readonly goal: string;
  readonly reached: boolean;
}

/** Returns the mean cost of a decision over the changes, in microseconds. */
export function meanOf({ sorts }: EngineFigure, webhook: 'validate' | 'mutate'): number {
  return mean(sorts.map((sort) => sort[webhook]));
}

/** Returns the goals, with what was found. */
export function goalsOf({ engine, server, cold, bounds }: Data): Goal[] {
  const [small, large] = engine;
  if (small === undefined || large === undefined) throw new Error('two sizes are needed');
  const slowest = large.sorts.reduce((most, sort) => (sort.validate > most.validate ? sort : most));
  const slowestBound = bounds.reduce((most, bound) => (bound.blocked > most.blocked ? bound : most));
  const largestBound = bounds.reduce((most, bound) => (bound.memory > most.memory ? bound : most));
  const both = (figure: EngineFigure): number => meanOf(figure, 'validate') + meanOf(figure, 'mutate');
  const [bare, ours, pepr] = [server.bare, server.rollgate, server.pepr].map(({ microseconds: cost }) => cost.median);
  if (bare === undefined || ours === undefined || pepr === undefined) throw new Error('three servers are needed');
  const most = (title: string, value: number, limit: number, text: (value: number) => string): Goal => ({
    title,
    found: text(value),
    goal: `at most ${text(limit)}`,
    reached: value <= limit,
  });
  const least = (title: string, value: number, limit: number, text: (value: number) => string): Goal => ({
    title,
    found: text(value),
    goal: `at least ${text(limit)}`,
    reached: value >= limit,
  });
  const times = (value: number): string => `${value.toFixed(1)} times`;
  const mebibytes = (value: number): string => `${whole(value)} MiB`;
  return [
    most('processor time of a request, HTTPS and log included', ours, 75, microseconds),
    least('requests for the processor time of a bare server', bare / ours, 0.5, percent),
    least('requests for the processor time of Pepr deciding nothing', pepr / ours, 2, times),
    most(`slowest sort of change (${slowest.title}), validation`, slowest.validate, 100, microseconds),
    most('mean of all sorts of changes, validation', meanOf(large, 'validate'), 30, microseconds),
    least(
      `decisions with ${whole(large.rollouts)} Rollouts, compared with ${small.rollouts}`,
      both(small) / both(large),
      0.9,
      percent,
    ),
    most('first request to a new process', cold.rollgate.first, 10, milliseconds),
    most('eleventh to hundredth request, mean', cold.rollgate.nextNinety, 1, milliseconds),
    most(`longest block (${slowestBound.title})`, slowestBound.blocked, 50, milliseconds),
    most(`most memory of one request (${largestBound.title})`, largestBound.memory, 64, mebibytes),
    most('resident memory, idle', cold.idleMiB, 100, mebibytes),
    most(`resident memory with ${whole(server.rollouts)} Rollouts`, server.rollgate.residentMiB, 300, mebibytes),
  ];
}

/** Returns the goals as a table, those that are not reached first. */
export function goalsTable(goals: readonly Goal[]): string {
  const sorted = [...goals].sort((a, b) => Number(a.reached) - Number(b.reached));
  return table(
    ['', 'measured', 'goal', ''],
    sorted.map(({ title, found, goal, reached }) => [title, found, goal, reached ? 'reached' : '**not reached**']),
  );
}
