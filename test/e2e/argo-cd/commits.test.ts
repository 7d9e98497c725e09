import { afterAll, beforeAll, expect, it } from 'vitest';
import { partOf } from '../docs.ts';
import { ArgoCd } from '../harness/argo-cd/argo-cd.ts';
import { Cluster } from '../harness/cluster.ts';
import { mistake, removal, twoSided, WAYS, type Outcome, type Way } from '../support/argo-cd/commits.ts';
import { MODES, slugOf, type Mode } from '../support/argo-cd/modes.ts';
import { tableByMode, type Seen } from '../support/argo-cd/table.ts';
import { arrivedCell } from '../support/commits/table.ts';
import { TWO_SIDED, type TwoSided } from '../support/commits/two-sided.ts';
import { bounded } from '../support.ts';

/** A commit with one of the ways to write and compare, with Rollgate or without. */
interface Case {
  readonly mode: Mode;
  readonly rollgate: boolean;
  readonly commit: TwoSided | 'mistake' | 'removal';
  readonly way: Way;
  readonly namespace: string;
}

// Without Rollgate nothing is denied, so that neither retries nor waves change anything.
const CASES: readonly Case[] = [true, false]
  .flatMap((rollgate) => [
    ...TWO_SIDED.flatMap((commit) =>
      (rollgate ? [WAYS.none, WAYS.retry, WAYS.waves] : [WAYS.none]).map((way) => ({ rollgate, commit, way })),
    ),
    { rollgate, commit: 'mistake' as const, way: WAYS.none },
    { rollgate, commit: 'removal' as const, way: WAYS.none },
  ])
  .flatMap((each, index) =>
    MODES.map((mode) => ({
      ...each,
      mode,
      namespace: `${each.rollgate ? 'guarded' : 'unguarded'}-${slugOf(mode)}-${index}`,
    })),
  );
// More at once only wait for each other.
const AT_A_TIME = 5;

let cluster: Cluster;
let argoCd: ArgoCd;
beforeAll(async () => {
  const unguarded = CASES.filter(({ rollgate }) => !rollgate).map(({ namespace }) => namespace);
  cluster = await Cluster.start({ rollgate: [`webhooks.excludedNamespaces={kube-system,${unguarded.join(',')}}`] });
  argoCd = await ArgoCd.install(cluster.controlPlane, cluster.admin);
});
afterAll(async () => {
  await argoCd?.stop();
  await cluster?.stop();
});

async function rowsOf({ mode, rollgate, commit, way, namespace }: Case): Promise<Seen[]> {
  const place = { cluster, argoCd, namespace, rollgate };
  const row = (what: string, { error, ...arrived }: Outcome): Seen => ({
    mode,
    cells: rollgate
      ? [what, 'yes', way.name, error ?? 'no error', arrivedCell(arrived)]
      : [what, 'no', 'any', 'not recorded', arrivedCell(arrived)],
  });
  if (commit === 'removal') return [row('the Rollout is removed', await removal(place, mode))];
  if (commit !== 'mistake') return [row(commit.name, await twoSided(place, mode, way, commit))];
  const { wrong, corrected } = await mistake(place, mode);
  return [row('a route that no commit adds', wrong), row('its correction', corrected)];
}

it('shows what the page says about commits that change both sides', { timeout: 1_800_000 }, async () => {
  const rows = (await bounded(CASES, AT_A_TIME, rowsOf)).flat();
  const table = tableByMode(['commit', 'Rollgate', 'settings', 'Argo CD shows', 'what arrives'], rows);
  expect(partOf('argo-cd.md', 'argo-cd commits', table)).toBe(table);
});
