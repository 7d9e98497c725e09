import { afterAll, beforeAll, expect, it } from 'vitest';
import { partOf } from '../docs.ts';
import { Cluster } from '../harness/cluster.ts';
import { Flux } from '../harness/flux/flux.ts';
import type { FluxShows } from '../harness/flux/kustomization.ts';
import {
  absentRoute,
  contradictionEvent,
  midUpdate,
  ownMistake,
  removal,
  twoSided,
  update,
  type Outcome,
} from '../support/flux/commits.ts';
import type { Place } from '../support/flux/scene.ts';
import { arrivedCell, tableOf } from '../support/commits/table.ts';
import { TWO_SIDED } from '../support/commits/two-sided.ts';
import { bounded } from '../support.ts';

type Row = readonly string[];

/** What is done with a Kustomization, and the rows of the table that it gives. */
type Scenario = (place: Place, rollgate: boolean) => Promise<Row[]>;

const SCENARIOS: readonly Scenario[] = [
  ...TWO_SIDED.map((commit): Scenario => async (place) => [row(commit.name, await twoSided(place, commit))]),
  ...TWO_SIDED.map((commit): Scenario => async (place) => {
    const { during, after } = await midUpdate(place, commit);
    return [
      row(`${commit.name}, in the middle of an update`, during),
      row(`${commit.name}, when that update has ended`, after),
    ];
  }),
  async (place) => {
    const { wrong, corrected } = await ownMistake(place);
    return [row('`setWeight: 120`', wrong), row('its correction', corrected)];
  },
  async (place, rollgate) => {
    const { wrong, corrected } = await absentRoute(place, async () => {
      if (!rollgate) return;
      expect(await contradictionEvent(place)).toContain('has no http route "absent"');
      expect(await cluster.rollgate.metrics()).toMatch(/rollgate_contradictions_standing [1-9]/);
    });
    return [row('a route that no commit adds', wrong), row('its correction', corrected)];
  },
  async (place) => [row('the Rollout is removed', { shows: await removal(place), arrived: ['Rollout'], missing: [] })],
];
// More at once only wait for each other.
const AT_A_TIME = 4;

const SCENARIOS_TWICE = [true, false].flatMap((rollgate) =>
  SCENARIOS.map((scenario, index) => ({
    scenario,
    rollgate,
    namespace: `${rollgate ? 'guarded' : 'unguarded'}-${index}`,
  })),
);
const UNGUARDED = [
  'unguarded-update',
  ...SCENARIOS_TWICE.filter(({ rollgate }) => !rollgate).map(({ namespace }) => namespace),
];

let cluster: Cluster;
let flux: Flux;
beforeAll(async () => {
  const excluded = `webhooks.excludedNamespaces={kube-system,${UNGUARDED.join(',')}}`;
  cluster = await Cluster.start({ rollgate: ['policy.mode=enforce', 'events.enabled=true', excluded] });
  flux = await Flux.install(cluster.controlPlane, cluster.admin);
});
afterAll(async () => {
  await flux?.stop();
  await cluster?.stop();
});

function row(what: string, { shows, ...arrived }: Outcome): Row {
  return [what, shownCell(shows), arrivedCell(arrived)];
}

function shownCell({ ready, message }: FluxShows): string {
  if (ready) return 'Ready';
  // Which rule has denied it, and in which of the two passes.
  const rule = /\[rollgate\/([\w-]+)\]/.exec(message)?.[1];
  const pass = message.includes('dry-run failed') ? 'dry run' : 'write';
  return rule === undefined ? message : `not Ready: the ${pass} was denied by ${rule}`;
}

it('shows what the page says about commits', { timeout: 1_800_000 }, async () => {
  const seen = await bounded(SCENARIOS_TWICE, AT_A_TIME, async ({ scenario, rollgate, namespace }) => ({
    rollgate,
    rows: await scenario({ cluster, flux, namespace }, rollgate),
  }));
  const rowsWith = (wanted: boolean): Row[] =>
    seen.filter(({ rollgate }) => rollgate === wanted).flatMap(({ rows }) => rows);
  const without = rowsWith(false);
  const rows = rowsWith(true).map((cells, index) => [...cells, (without[index] ?? []).slice(1).join(', ')]);
  const table = tableOf(['commit', 'Flux shows', 'what arrives', 'without Rollgate'], rows);
  expect(partOf('flux.md', 'flux commits', table)).toBe(table);
});

it('leaves the weights of a canary alone while Flux applies the files again', async () => {
  expect(await update({ cluster, flux, namespace: 'guarded-update' })).toEqual([0, 20, 60]);
});

it('sets them back without Rollgate', async () => {
  const weights = await update({ cluster, flux, namespace: 'unguarded-update' });
  // In the manifest, the canary has all the traffic.
  expect(weights.slice(weights.indexOf(20))).toContain(100);
});
