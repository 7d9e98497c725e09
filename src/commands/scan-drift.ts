import { DRIFT_AFTER, driftFix, driftId, driftsOf } from '../preserve/drift.ts';
import { Copies, type Drift } from '../preserve/drift-look.ts';
import type { ReportedFinding } from '../report/model.ts';
import { keyOf, refOf, type KubeObject } from '../world/object.ts';
import { renderPath } from '../world/path.ts';
import type { World } from '../world/world.ts';
import type { Io } from './io.ts';

const RULE = 'drift';
// A scan is one person's command, and may take as long as the cluster is large.
const NO_LIMIT = Number.POSITIVE_INFINITY;

/**
 * Returns where weights and hashes differ from the status of a Rollout for a minute. One look cannot know that: the
 * controller writes the objects before the status. So if something differs, this waits a minute and looks again, at a
 * world that is watched meanwhile.
 *
 * @param namespace - Only the Rollouts of this namespace. Undefined: all.
 * @param say - Told that the scan waits.
 */
export async function driftFindings(
  world: World,
  namespace: string | undefined,
  { pause }: Pick<Io, 'pause'>,
  say: (sentence: string) => void,
): Promise<ReportedFinding[]> {
  const before = look(world, namespace);
  if (before.size === 0) return [];
  const values = before.size === 1 ? '1 value differs' : `${before.size} values differ`;
  say(`${values} from the status of a Rollout, which is normal for a moment; looking again in a minute`);
  await pause(DRIFT_AFTER);
  const after = look(world, namespace);
  return [...after].filter(([id]) => before.has(id)).map(([, drift]) => reported(drift));
}

function look(world: World, namespace: string | undefined): ReadonlyMap<string, Drift> {
  const listing = world.list('Rollout.argoproj.io', namespace);
  const rollouts: readonly KubeObject[] = listing.state === 'known' ? listing.objects : [];
  const copies = new Copies();
  const found = rollouts.flatMap((rollout) =>
    driftsOf(rollout, world, NO_LIMIT, copies).drifts.map(
      (drift) => [`${keyOf(rollout)} ${driftId(drift)}`, drift] as const,
    ),
  );
  return new Map(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function reported(drift: Drift): ReportedFinding {
  const { object, path, message } = drift;
  return {
    rule: RULE,
    class: 'advice',
    decision: 'warn',
    object: refOf(object),
    path: renderPath(path),
    message,
    fix: driftFix(drift),
  };
}
