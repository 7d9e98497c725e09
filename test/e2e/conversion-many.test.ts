import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment } from './harness/conversion.ts';

const MANY = 300;

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.stop());

// The requests to the API server for resources that conversion uses, by resource and verb.
async function requests(): Promise<Map<string, number>> {
  const { stdout } = await cluster.admin.run(['get', '--raw', '/metrics']);
  const counts = new Map<string, number>();
  for (const line of stdout.split('\n')) {
    if (!line.startsWith('apiserver_request_total{')) continue;
    const label = (name: string): string => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? '';
    if (
      !['deployments', 'rollouts', 'events', 'leases', 'subjectaccessreviews'].includes(label('resource')) ||
      label('verb') === 'WATCH'
    )
      continue;
    const key = `${label('verb')} ${label('resource')}${label('subresource') === '' ? '' : `/${label('subresource')}`}`;
    counts.set(key, (counts.get(key) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)));
  }
  return counts;
}

async function resident(): Promise<number> {
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(await cluster.rollgate.metrics())?.[1] ?? 0) / 1024 / 1024;
}

describe(`${MANY} Deployments annotated at once`, () => {
  it('are all converted', async () => {
    const scene = await ConversionScene.open(cluster);
    const names = Array.from({ length: MANY }, (_, index) => `web-${index}`);
    await scene.developer.apply(names.map((name) => deployment(scene.namespace, name, { replicas: 1 })));
    const list = (kind: 'Deployment' | 'Rollout') =>
      cluster.controlPlane.admin.list(
        kind === 'Deployment' ? 'apps/v1' : 'argoproj.io/v1alpha1',
        kind,
        scene.namespace,
      );
    await scene.until(
      'all of them running',
      async () => (await list('Deployment')).every((each) => dig(each, 'status', 'availableReplicas') === 1),
      600_000,
    );
    await sleep(2_000);
    const [before, memoryBefore] = [await requests(), await resident()];
    const began = performance.now();
    await scene.developer.run([
      'annotate',
      'deployments',
      '--all',
      'rollgate.io/convert=canary',
      '-n',
      scene.namespace,
    ]);
    const annotated = performance.now() - began;
    await scene.until('all Rollouts', async () => (await list('Rollout')).length === MANY, 600_000);
    const made = performance.now() - began;
    await scene.until(
      'all of them converted',
      async () =>
        (await list('Deployment')).every(
          (each) =>
            dig(each, 'spec', 'replicas') === 0 &&
            dig(each.metadata, 'annotations', 'rollgate.io/rollout-uid') !== undefined,
        ),
      600_000,
    );
    const took = performance.now() - began;
    const after = await requests();
    const memory = await resident();
    const steps = (await cluster.rollgate.metrics())
      .split('\n')
      .filter((line) => line.startsWith('rollgate_conversion_steps_total'));
    const changed = [...after]
      .map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const)
      .filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a);
    console.log(
      [
        `${MANY} annotated in ${Math.round(annotated / 1000)} s, all Rollouts there after ${Math.round(made / 1000)} s, all converted after ${Math.round(took / 1000)} s`,
        `memory ${Math.round(memoryBefore)} MiB before, ${Math.round(memory)} MiB after`,
        ...changed.map(([key, count]) => `${key}: ${count}`),
        ...steps,
      ].join('\n'),
    );
    expect((await list('Rollout')).every((each) => dig(each, 'spec', 'replicas') === 1)).toBe(true);
    // The memory limit in the chart: beyond it Rollgate would be killed during its work.
    expect(memory).toBeLessThan(512);
    expect(steps.filter((line) => line.includes('"error"'))).toEqual([]);
  }, 1_500_000);
});
