import { afterAll, beforeAll, expect, it } from 'vitest';
import { partOf } from '../docs.ts';
import { ArgoCd } from '../harness/argo-cd/argo-cd.ts';
import { Cluster } from '../harness/cluster.ts';
import { guardedJourney, STAGES } from '../support/argo-cd/journey.ts';
import { MODES, slugOf, type Mode } from '../support/argo-cd/modes.ts';
import { tableByMode, type Seen } from '../support/argo-cd/table.ts';
import { bounded } from '../support.ts';

/** A sync option that changes how Argo CD writes, and what goes with it. */
interface Option {
  readonly name: string;
  readonly slug: string;
  readonly syncOptions: readonly string[];
  readonly ignoreDifferences?: readonly object[];
}

const WEIGHTS_IGNORED = [
  {
    group: 'networking.istio.io',
    kind: 'VirtualService',
    jqPathExpressions: ['.spec.http[].route[].weight'],
  },
];

const OPTIONS: readonly Option[] = [
  { name: '`Replace=true`', slug: 'replace', syncOptions: ['Replace=true'] },
  { name: '`ApplyOutOfSyncOnly=true`', slug: 'only', syncOptions: ['ApplyOutOfSyncOnly=true'] },
  {
    name: '`RespectIgnoreDifferences=true`, all weights of the VirtualService ignored',
    slug: 'respect',
    syncOptions: ['RespectIgnoreDifferences=true'],
    ignoreDifferences: WEIGHTS_IGNORED,
  },
];

const CASES = OPTIONS.flatMap((option) => MODES.map((mode) => ({ option, mode })));
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

async function rowOf(option: Option, mode: Mode): Promise<Seen> {
  const { name, slug, syncOptions, ignoreDifferences = [] } = option;
  const withOption = { ...mode, syncOptions: [...mode.syncOptions, ...syncOptions], ignoreDifferences };
  // A replacement conflicts with what the controller writes at the same time.
  const journey = await guardedJourney(cluster, argoCd, `${slug}-${slugOf(mode)}`, withOption, { retries: 3 });
  expect(Object.keys(journey.shown), `${name}, ${mode.name}`).toEqual(STAGES);
  const states = [...new Set<string>(Object.values(journey.shown))].sort().join(', ');
  return { mode, cells: [name, states, journey.edited ? 'yes' : '**no**', journey.weights.join(', ')] };
}

it('shows what the page says about options of a sync', { timeout: 1_800_000 }, async () => {
  const rows = await bounded(CASES, AT_A_TIME, ({ option, mode }) => rowOf(option, mode));
  const head = ['option', 'Argo CD shows', 'the edit arrives', 'weights of the canary'];
  const table = tableByMode(head, rows);
  expect(partOf('argo-cd.md', 'argo-cd options', table)).toBe(table);
});
