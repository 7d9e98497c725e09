import { DIMENSIONS } from '../growth/dimensions/index.ts';
import { BUNDLE, requestsFor } from '../growth/evaluate.ts';
import { count } from './counts.ts';
import { median } from './statistics.ts';

/** The milliseconds that one evaluation takes, by size: the slowest of the ways in which objects arrive. */
export interface GrowthFigure {
  readonly title: string;
  readonly milliseconds: readonly number[];
}

/** The sizes that are measured, and how often. */
const RUNS = [
  { size: 10, runs: count(9, 1) },
  { size: 100, runs: count(5, 1) },
  { size: count(1_000, 100), runs: count(3, 1) },
];

/** The sizes that are measured. */
export const SIZES: readonly number[] = RUNS.map(({ size }) => size);

const MEASURED = [
  'steps',
  'analysis steps with 20 arguments',
  'analysis steps of a template with as many metrics and placeholders',
  'analysis steps with rules for dry runs',
  'metrics and rules for dry runs',
  'managed routes, also named',
  'DestinationRules of a namespace',
  'a chain of templates',
  'a circle of templates',
  'Rollouts with one VirtualService and Services of their own',
  'Rollouts, each with its own route of one VirtualService',
  'Rollouts with one Service',
  'Rollouts with one HTTPRoute',
  'Rollouts with one DestinationRule',
  'Rollouts and paths of one Ingress',
  'Rollouts with the steps of one AnalysisTemplate',
];

/** Measures how the time of an evaluation grows with what a user can make large. */
export function measureGrowth(): GrowthFigure[] {
  return MEASURED.map((title): GrowthFigure => {
    const dimension = DIMENSIONS.find((each) => each.title === title);
    if (dimension === undefined) throw new Error(`no dimension: ${title}`);
    const ways = [BUNDLE, ...requestsFor(dimension.make(2))].flatMap((group) => Object.values(group.ways));
    const slowest = (size: number, runs: number): number =>
      Math.max(
        ...ways.map((prepare) => median(Array.from({ length: runs }, () => timed(prepare(dimension.make(size)))))),
      );
    slowest(2, count(30, 1));
    return { title, milliseconds: RUNS.map(({ size, runs }) => Math.round(slowest(size, runs) * 10) / 10) };
  });
}

function timed(run: () => void): number {
  // Processor time, so that other work on the machine does not count.
  const begin = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e3;
}
