import { imageFlags } from '../support/image-flags.ts';
import { count } from './counts.ts';
import { onOwnCores } from './cores.ts';
import { startOwn, type Server } from './processes.ts';
import { requestsWith, reviews } from './reviews.ts';
import { inTurn, type Measurable, type ServerCost } from './server.ts';

/** What one size of the young generation costs. */
export interface SemiSpaceFigure {
  /** The value of `--max-semi-space-size`, in MiB. */
  readonly mebibytes: number;
  readonly cost: ServerCost;
}

const SIZES = [8, 16, 32, 64];
const ROUNDS = count(5, 1);
const ROUND = count(2_000, 500);
const OPTION = '--max-semi-space-size=';

/** Returns the size of the semi-space that the image has, in MiB. */
export function semiSpaceOfImage(): number {
  return Number(
    imageFlags()
      .find((flag) => flag.startsWith(OPTION))
      ?.slice(OPTION.length),
  );
}

/**
 * Measures Rollgate with several sizes of the semi-space, in turn.
 *
 * @throws NotQuietError - If the machine did too much else.
 */
export function measureSemiSpaces(rollouts: number): Promise<SemiSpaceFigure[]> {
  return onOwnCores(async (cores) => {
    const requests = requestsWith(reviews(rollouts));
    const others = imageFlags().filter((flag) => !flag.startsWith(OPTION));
    const servers: Server[] = [];
    try {
      const bySize: Record<string, Measurable> = {};
      const start = async (...parts: Parameters<typeof startOwn>): Promise<Measurable> => {
        const server = await startOwn(...parts);
        servers.push(server);
        return { server, requests };
      };
      const bare = await start('bare', cores.server, 0);
      for (const size of SIZES)
        bySize[String(size)] = await start('rollgate', cores.server, rollouts, [...others, `${OPTION}${size}`]);
      const costs = await inTurn<string>({ ...bySize, bare }, ROUNDS, ROUND);
      return SIZES.flatMap((mebibytes) => {
        const cost = costs[String(mebibytes)];
        return cost === undefined ? [] : { mebibytes, cost };
      });
    } finally {
      for (const server of servers) server.stop();
    }
  });
}
