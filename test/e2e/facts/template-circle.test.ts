import { afterAll, beforeAll, expect } from 'vitest';
import type { KubeObject } from '../../../src/world/object.ts';
import { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';
import { rollout } from './manifests.ts';
import { fact, Scene } from './scene.ts';

// Each of these may crash the controller, so each has a controller of its own.
let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster.stop());

const analysis = (name: string, refersTo: string): KubeObject => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AnalysisTemplate',
  metadata: { name },
  spec: { templates: [{ templateName: refersTo }] },
});
const gated = rollout({ canary: { steps: [{ setWeight: 50 }, { analysis: { templates: [{ templateName: 'a' }] } }] } });

fact(
  'template circle',
  'holds',
  'an AnalysisTemplate that refers to itself ends the controller of the whole cluster with a stack overflow once a Rollout refers to it, again at every start, until one of the two is gone',
  async () => {
    const scene = await Scene.of(cluster, analysis('a', 'a'), analysis('b', 'c'), analysis('c', 'b'), {
      ...rollout({ canary: {} }),
      metadata: { name: 'harmless' },
    });
    await scene.phase('Healthy', undefined, 'harmless');
    expect(cluster.argo.program.running).toBe(true);

    await scene.create(gated);
    await until('the controller to die', () => !cluster.argo.program.running);
    expect(cluster.argo.program.output()).toMatch(
      /goroutine stack exceeds 1000000000-byte limit[\s\S]*fatal error: stack overflow/,
    );

    cluster.argo.program.start();
    await until('the controller to die again', () => !cluster.argo.program.running);

    await scene.cluster.admin.run(['delete', 'rollout', 'web', '-n', scene.namespace]);
    await cluster.argo.start();
    await scene.reconciled('harmless');

    await scene.create({
      ...gated,
      spec: {
        ...(gated['spec'] as object),
        strategy: { canary: { steps: [{ setWeight: 50 }, { analysis: { templates: [{ templateName: 'b' }] } }] } },
      },
    });
    await until('the controller to die of a circle of two', () => !cluster.argo.program.running);
  },
);
