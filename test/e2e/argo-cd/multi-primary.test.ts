import { afterAll, beforeAll, expect, it } from 'vitest';
import { binary } from '../../control-plane/build.ts';
import { ArgoCd } from '../harness/argo-cd/argo-cd.ts';
import { ARGO_CD, Cluster } from '../harness/cluster.ts';
import { ControlPlane } from '../harness/control-plane.ts';
import { Kubectl } from '../harness/kubectl.ts';
import { Prometheus } from '../harness/prometheus.ts';
import { MODES, slugOf, type Mode } from '../support/argo-cd/modes.ts';
import { STEP_WEIGHTS, travel, type Fleet, type SeenInCluster } from '../support/argo-cd/multi-primary.ts';

const UNGUARDED = 'unguarded';

let hub: ControlPlane;
let fleet: Fleet;
beforeAll(async () => {
  const rollgate = [`webhooks.excludedNamespaces={kube-system,${UNGUARDED}}`];
  const clusters = { east: await Cluster.start({ rollgate }), west: await Cluster.start({ rollgate }) };
  hub = await ControlPlane.start();
  const kubectl = new Kubectl(
    await binary('kubectl'),
    await binary('kubectl-argo-rollouts'),
    await hub.kubeconfig(hub.person('admin'), 'admin'),
  );
  const argoCd = await ArgoCd.install(hub, kubectl);
  fleet = { argoCd, clusters, prometheus: await Prometheus.start(1) };
  for (const [name, { controlPlane }] of Object.entries(clusters))
    await argoCd.addCluster(name, await controlPlane.account(ARGO_CD));
});
afterAll(async () => {
  await fleet?.argoCd.stop();
  await fleet?.prometheus.stop();
  for (const cluster of Object.values(fleet?.clusters ?? {})) await cluster.stop();
  await hub?.stop();
});

/** The weights of the steps as far as a list has them, in their order, with nothing in between; then the end. */
function risesAndEnds(weights: readonly number[], end: readonly number[]): void {
  const steps = weights.slice(0, weights.length - end.length).filter((weight) => weight !== 0);
  expect(steps).toEqual(STEP_WEIGHTS.slice(0, steps.length));
  expect(weights.slice(-end.length)).toEqual(end);
}

function expectKept({ weights, atEdit: [before, now] }: SeenInCluster): void {
  expect(weights.update.filter((weight) => weight !== 0 && weight !== 100)).toEqual(STEP_WEIGHTS);
  risesAndEnds(
    weights.update.filter((weight) => weight !== 100),
    [0],
  );
  risesAndEnds(weights.aborted, [0]);
  // The edit arrived in the middle of the canary, with its weight.
  expect(before).toBeGreaterThan(0);
  expect(now).toBe(before);
}

// One after the other: they share what measures them.
it.each(MODES)('is one canary in two clusters, with $name', async (mode: Mode) => {
  const seen = await travel(fleet, slugOf(mode), mode);
  for (const inCluster of Object.values(seen)) expectKept(inCluster);
});

it('loses its weights again and again without Rollgate', async () => {
  const seen = await travel(fleet, UNGUARDED, MODES.find(({ name }) => name === 'client-side') as Mode);
  for (const [name, { weights }] of Object.entries(seen)) {
    const [first, last] = [weights.update.findIndex((weight) => weight > 0), weights.update.length - 1];
    expect(weights.update.slice(first, last), name).toContain(0);
  }
});
