import { afterAll, beforeAll, expect, it } from 'vitest';
import { partOf } from '../docs.ts';
import { ArgoCd } from '../harness/argo-cd/argo-cd.ts';
import { Cluster } from '../harness/cluster.ts';
import { guardedJourney, STAGES, unguardedJourney, WEIGHTS, type Journey } from '../support/argo-cd/journey.ts';
import { MODES, slugOf, type Mode } from '../support/argo-cd/modes.ts';
import { tableOf } from '../support/commits/table.ts';

const UNGUARDED = MODES.map((mode) => `unguarded-${slugOf(mode)}`);

let cluster: Cluster;
let argoCd: ArgoCd;
beforeAll(async () => {
  cluster = await Cluster.start({
    rollgate: [`webhooks.excludedNamespaces={kube-system,${UNGUARDED.join(',')}}`],
  });
  argoCd = await ArgoCd.install(cluster.controlPlane, cluster.admin);
});
afterAll(async () => {
  await argoCd?.stop();
  await cluster?.stop();
});

function rowOf({ name }: Mode, rollgate: boolean, { shown, weights, edited }: Journey): string[] {
  // Without Rollgate no stage ends: see unguardedJourney.
  const states = new Set<string>(Object.values(shown));
  const state = states.size === 0 ? 'not recorded' : [...states].join(', ');
  const asSet = JSON.stringify(weights) === JSON.stringify(WEIGHTS);
  return [
    name,
    rollgate ? 'yes' : 'no',
    state === 'OutOfSync' ? 'OutOfSync, synced again and again' : state,
    edited ? 'yes' : 'no',
    asSet ? weights.join(', ') : '**100** after each sync, until the controller writes its own again',
  ];
}

it('shows what the page says, through a canary with Rollgate and without', { timeout: 900_000 }, async () => {
  const rows = await Promise.all(
    MODES.map(async (mode, index) => {
      const [guarded, unguarded] = await Promise.all([
        guardedJourney(cluster, argoCd, `guarded-${slugOf(mode)}`, mode),
        unguardedJourney(cluster, argoCd, UNGUARDED[index] as string, mode),
      ]);
      expect(guarded.weights, mode.name).toEqual(WEIGHTS);
      expect(Object.keys(guarded.shown), mode.name).toEqual(STAGES);
      expect(unguarded.weights.filter((weight) => weight === 100).length, mode.name).toBeGreaterThan(1);
      return [rowOf(mode, true, guarded), rowOf(mode, false, unguarded)];
    }),
  );
  const head = ['diff', 'Rollgate', 'Argo CD shows', 'the edit arrives', 'weights of the canary'];
  const table = tableOf(head, rows.flat());
  expect(partOf('argo-cd.md', 'argo-cd updates', table)).toBe(table);
});
