import { afterAll, beforeAll, expect, it } from 'vitest';
import { ArgoCd } from './harness/argo-cd/argo-cd.ts';
import { Cluster } from './harness/cluster.ts';
import { mistake, twoSided, WAYS, type Place } from './support/argo-cd/commits.ts';
import { guardedJourney, STAGES, WEIGHTS } from './support/argo-cd/journey.ts';
import { MODES, slugOf } from './support/argo-cd/modes.ts';
import { TWO_SIDED, type TwoSided } from './support/commits/two-sided.ts';

// The same with and without Rollgate, and more: `npm run test:all -- --part argo-cd`.

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

it('keeps every weight through a canary by Git, an edit in the middle, an abort and a revert', async () => {
  const seen = await Promise.all(MODES.map((mode) => guardedJourney(cluster, argoCd, `update-${slugOf(mode)}`, mode)));
  for (const [index, { name }] of MODES.entries()) {
    const { shown, weights, edited } = seen[index] ?? { shown: {}, weights: [], edited: false };
    expect(weights, name).toEqual(WEIGHTS);
    expect(edited, name).toBe(true);
    const state = name === 'server-side diff' ? 'Synced' : 'OutOfSync';
    expect(shown, name).toEqual(Object.fromEntries(STAGES.map((stage) => [stage, state])));
  }
});

it('lets a commit that renames a route on both sides arrive by a retry', async () => {
  const route = TWO_SIDED.find(({ name }) => name === 'the route') as TwoSided;
  const seen = await Promise.all(
    MODES.map((mode) => twoSided(place(`rename-${slugOf(mode)}`), mode, WAYS.retry, route)),
  );
  for (const [name, outcome] of Object.entries(byMode(seen)))
    expect(outcome, name).toMatchObject({ error: undefined, arrived: ['Rollout', 'VirtualService'], missing: [] });
});

it('refuses a route that no commit brings with a message that Argo CD shows, until it is corrected', async () => {
  const seen = await Promise.all(MODES.map((mode) => mistake(place(`mistake-${slugOf(mode)}`), mode)));
  for (const [name, { wrong, corrected }] of Object.entries(byMode(seen))) {
    expect(wrong.missing, name).toEqual(['Rollout']);
    // Never a ComparisonError: with that, Argo CD would sync nothing.
    expect(wrong.error, name).toBe('SyncError');
    expect(wrong.says, name).toContain('VirtualService "virtservice-app07" has no http route "absent"');
    expect(corrected, name).toMatchObject({ error: undefined, missing: [] });
  }
});

function place(namespace: string): Place {
  return { cluster, argoCd, namespace, rollgate: true };
}

function byMode<T>(results: readonly T[]): Record<string, T> {
  return Object.fromEntries(MODES.map(({ name }, index) => [name, results[index] as T]));
}
