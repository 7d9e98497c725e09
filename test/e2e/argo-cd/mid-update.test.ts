import { afterAll, beforeAll, expect, it } from 'vitest';
import { partOf } from '../docs.ts';
import { ArgoCd } from '../harness/argo-cd/argo-cd.ts';
import { Cluster } from '../harness/cluster.ts';
import { midUpdate, WAYS, type Outcome, type Way } from '../support/argo-cd/commits.ts';
import { MODES, slugOf, type Mode } from '../support/argo-cd/modes.ts';
import { tableByMode, type Seen } from '../support/argo-cd/table.ts';
import { arrivedCell } from '../support/commits/table.ts';
import { TWO_SIDED, type TwoSided } from '../support/commits/two-sided.ts';
import { bounded } from '../support.ts';

interface Case {
  readonly mode: Mode;
  readonly commit: TwoSided;
  readonly way: Way;
  readonly namespace: string;
}

const CASES: readonly Case[] = TWO_SIDED.flatMap((commit) =>
  [WAYS.retry, WAYS.noSelfHeal, WAYS.endless].map((way) => ({ commit, way })),
).flatMap((each, index) => MODES.map((mode) => ({ ...each, mode, namespace: `${slugOf(mode)}-${index}` })));
// More at once only wait for each other.
const AT_A_TIME = 5;

let cluster: Cluster;
let argoCd: ArgoCd;
beforeAll(async () => {
  cluster = await Cluster.start();
  argoCd = await ArgoCd.install(cluster.controlPlane, cluster.admin);
});
afterAll(async () => {
  await argoCd?.stop();
  await cluster?.stop();
});

const cellOf = ({ error, ...arrived }: Outcome): string => `${error ?? 'no error'}: ${arrivedCell(arrived)}`;

async function rowOf({ mode, commit, way, namespace }: Case): Promise<Seen> {
  const place = { cluster, argoCd, namespace, rollgate: true };
  const { during, after, byHand } = await midUpdate(place, mode, way, commit);
  const last = byHand === undefined ? 'not needed' : cellOf(byHand);
  return { mode, cells: [commit.name, way.name, cellOf(during), cellOf(after), last] };
}

it('shows what the page says about such commits in the middle of an update', { timeout: 1_800_000 }, async () => {
  const rows = await bounded(CASES, AT_A_TIME, rowOf);
  const table = tableByMode(['commit', 'settings', 'in the update', 'after it', 'after a sync by hand'], rows);
  expect(partOf('argo-cd.md', 'argo-cd mid-update', table)).toBe(table);
});
