import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { Release } from './harness/release.ts';
import { ROLLGATE } from './harness/rollgate.ts';
import { shop } from './harness/shop.ts';
import { CANARIES } from './support/canaries.ts';
import { begin, runUpdate } from './support/updates.ts';

const SETTINGS = [
  // The groups that are Fail first, and those with the weights.
  ...['argoproj', 'istio', 'gateway'].map((group) => `webhooks.failurePolicy.${group}=Fail`),
  // Only these let the controller pass while nobody answers, so here they are never off.
  'webhooks.matchConditions=true',
];
// It looks like a controller, and the chart cannot know whether it is one.
const LOOK_ALIKE = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'beside', name: 'delivery', labels: { 'app.kubernetes.io/name': 'argo-rollouts' } },
  spec: {
    selector: { matchLabels: { app: 'delivery' } },
    template: {
      metadata: { labels: { app: 'delivery' } },
      spec: { containers: [{ name: 'delivery', image: 'none' }] },
    },
  },
};

let cluster: Cluster;
let release: Release;
let namespace: string;

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: SETTINGS });
  release = await Release.adopt(cluster);
  namespace = await cluster.namespace('down');
});
afterAll(() => cluster?.stop());

async function scaleToZero(): Promise<void> {
  const { name, namespace: own } = ROLLGATE;
  await cluster.admin.run(['scale', 'deployment', name, '-n', own, '--replicas=0']);
  await cluster.rollgate.program.stop();
}

/** Returns the objects of all kinds that somebody can list, except events, whose name or labels are those of Rollgate. */
async function left(): Promise<string[]> {
  const { stdout: kinds } = await cluster.admin.run(['api-resources', '--verbs=list', '--output=name']);
  const listed = kinds.split('\n').filter((kind) => kind !== '' && !kind.startsWith('events'));
  const columns = 'custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,LABELS:.metadata.labels';
  const { stdout } = await cluster.admin.run(['get', listed.join(','), '-A', '--no-headers', `--output=${columns}`]);
  return stdout.split('\n').filter((line) => line.includes('rollgate'));
}

describe('scaled to zero with failurePolicy Fail on the kinds of Argo Rollouts, Istio and Gateway API', () => {
  it('running canaries go on to their end', async () => {
    const running = await Promise.all(CANARIES.map((canary) => begin(cluster, canary)));
    const { promise: down, resolve } = Promise.withResolvers<void>();
    let missing = CANARIES.length;
    const atPause = async (): Promise<void> => {
      if (--missing === 0) {
        await scaleToZero();
        resolve();
      }
      await down;
    };
    const updates = CANARIES.map((canary, index) => runUpdate(cluster, canary, running[index]!, atPause));
    await Promise.all(updates);
    expect(cluster.rollgate.program.running).toBe(false);
    const refused = await cluster.developer.try(['apply', '-f', '-'], yamlOf(shop(namespace, 'waiting')));
    expect(refused.stderr).toContain('failed calling webhook');
  });

  it('other kinds can be created, and Rollgate can be changed and scaled up', async () => {
    const { admin, developer } = cluster;
    await admin.run(['create', 'namespace', 'beside']);
    await cluster.podsAllowed('beside');
    await admin.run(['run', 'pod', '--image=none', '-n', 'beside']);
    await developer.run(['create', 'configmap', 'settings', '-n', 'beside']);
    await developer.run(['create', 'service', 'clusterip', 'web', '--tcp=80:8080', '-n', 'beside']);
    await developer.run(['create', 'deployment', 'web', '--image=none', '-n', 'beside']);
    await until('the pods of the Deployment', async () => {
      const deployment = await cluster.controlPlane.admin.get('apps/v1', 'Deployment', 'beside', 'web');
      return dig(deployment, 'status', 'readyReplicas') === 1;
    });
    await developer.apply([LOOK_ALIKE]);
    await admin.run(['delete', 'deployment,service,configmap', '--all', '-n', ROLLGATE.namespace]);
    const notes = await release.upgrade('replicas=3', 'podAnnotations.changed=yes');
    expect(notes).toContain(
      '  system:serviceaccount:argo-rollouts:argo-rollouts\nIf your controller has another account',
    );
    expect(notes).toContain('stop while Rollgate is down:\n  system:serviceaccount:beside:default\nAdd those that are');
    await admin.run(['delete', 'namespace', 'beside']);
    const deployment = await cluster.controlPlane.admin.get('apps/v1', 'Deployment', 'rollgate', 'rollgate');
    expect(dig(deployment, 'spec', 'replicas')).toBe(3);
  });

  it('an uninstall leaves nothing', async () => {
    await release.uninstall();
    await cluster.admin.run(['delete', 'namespace', ROLLGATE.namespace]);
    await cluster.developer.apply(shop(namespace, 'after'));
    expect(await left()).toEqual([]);
  });
});
