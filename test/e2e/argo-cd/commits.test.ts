import { afterAll, beforeAll, expect, it } from 'vitest';
import { partOf } from '../docs.ts';
import { ArgoCd } from '../harness/argo-cd/argo-cd.ts';
import { Cluster } from '../harness/cluster.ts';
import { MODES, slugOf, type Mode } from '../support/argo-cd/modes.ts';
import { mistake, rename, WAYS, type Outcome, type Way } from '../support/argo-cd/rename.ts';
import { tableOf } from '../support/argo-cd/table.ts';
import { bounded } from '../support.ts';

/** A commit with one of the ways to write and compare, with Rollgate or without. */
interface Case {
  readonly mode: Mode;
  readonly rollgate: boolean;
  /** Undefined for the mistake. */
  readonly way: Way | undefined;
  readonly namespace: string;
}

const CASES: readonly Case[] = MODES.flatMap((mode) =>
  [true, false].flatMap((rollgate) =>
    [...WAYS, undefined].map((way, index) => ({
      mode,
      rollgate,
      way,
      namespace: `${rollgate ? 'guarded' : 'unguarded'}-${slugOf(mode)}-${index}`,
    })),
  ),
);
// More at once only wait for each other.
const AT_A_TIME = 8;

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

async function rowsOf({ mode, rollgate, way, namespace }: Case): Promise<string[][]> {
  const place = { cluster, argoCd, namespace, rollgate };
  const row = (what: string, { error, virtualService, rollout }: Outcome): string[] => [
    what,
    mode.name,
    rollgate ? 'yes' : 'no',
    rollgate ? (error ?? 'no error') : 'not recorded',
    virtualService ? 'yes' : 'no',
    rollout ? 'yes' : 'no',
  ];
  if (way !== undefined) return [row(`rename, ${way.name}`, await rename(place, mode, way))];
  const { wrong, corrected } = await mistake(place, mode);
  return [row('a route that nobody brings', wrong), row('its correction', corrected)];
}

it('shows what the page says about commits that change both sides', { timeout: 1_200_000 }, async () => {
  const rows = (await bounded(CASES, AT_A_TIME, rowsOf)).flat();
  const head = ['commit', 'diff', 'Rollgate', 'Argo CD shows', 'VirtualService arrives', 'Rollout arrives'];
  const table = tableOf(head, rows);
  expect(partOf('argo-cd.md', 'argo-cd commits', table)).toBe(table);
});
