import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asArray, dig, asObject } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { ArgoRollouts } from './harness/argo-rollouts.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { CANARIES, controllersPart, edited, objectsIn, type Canary } from './support/canaries.ts';
import { healthy, pausedAt, rolloutThat } from './support/rollouts.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.stop());

const HOST_LEVEL = CANARIES.find(({ name }) => name === 'istio-host-level') as Canary;
const VIRTUAL_SERVICE = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', name: 'virtservice-app07' };

/** Returns the same set-up with a Deployment that has the pod template. */
function withWorkloadRef(objects: readonly KubeObject[]): KubeObject[] {
  return objects.flatMap((candidate): KubeObject[] => {
    if (candidate.kind !== 'Rollout') return [candidate];
    const { template, selector, ...spec } = asObject(candidate['spec']);
    const name = 'app07';
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: String(candidate.metadata.namespace), name },
      spec: { replicas: 0, selector, template },
    };
    return [
      deployment,
      { ...candidate, spec: { ...spec, workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } } },
    ];
  });
}

/** The actions of a developer on one Rollout, with kubectl and the plugin of Argo Rollouts. */
class Developer {
  readonly namespace: string;
  readonly rollout = HOST_LEVEL.rollout;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  rollouts(...args: readonly string[]): Promise<unknown> {
    return cluster.developer.run(['argo', 'rollouts', ...args, '-n', this.namespace]);
  }

  image(tag: string): Promise<unknown> {
    return this.rollouts('set', 'image', this.rollout, `app07=registry.example.com/app:${tag}`);
  }

  pausedAt(weight: number): Promise<KubeObject> {
    return pausedAt(cluster, this.namespace, this.rollout, weight);
  }

  healthy(): Promise<KubeObject> {
    return healthy(cluster, this.namespace, this.rollout);
  }

  async weights(): Promise<string> {
    const live = await cluster.controlPlane.admin.get(
      VIRTUAL_SERVICE.apiVersion,
      VIRTUAL_SERVICE.kind,
      this.namespace,
      VIRTUAL_SERVICE.name,
    );
    return live === undefined ? 'no VirtualService' : controllersPart(live);
  }

  /**
   * Returns the decisions in which Rollgate rejected or changed something in this namespace. The log is written in
   * blocks, so this waits until it has the denial of a last request, which is left out.
   */
  async interfered(): Promise<unknown[]> {
    const last = 'the-last-one';
    const object = withName(rolloutIn(this.namespace), last);
    const strategy = { canary: { steps: [{ setWeight: 120 }] } };
    const invalid = { ...object, spec: { ...asObject(object['spec']), strategy } };
    const { code } = await cluster.developer.try(['create', '--dry-run=server', '-f', '-'], yamlOf([invalid]));
    expect(code).toBe(1);
    const found = (): Record<string, unknown>[] =>
      cluster.rollgate
        .decisions()
        .filter(
          (line) =>
            line['namespace'] === this.namespace &&
            (line['verdict'] === 'deny' || (Array.isArray(line['kept']) && line['kept'].length > 0)),
        );
    return until('the last decision', () => {
      const decisions = found();
      const others = decisions.filter(({ name }) => name !== last);
      return others.length < decisions.length ? others : undefined;
    });
  }
}

async function begin(
  prefix: string,
  change: (objects: readonly KubeObject[]) => readonly KubeObject[] = (objects) => objects,
): Promise<Developer> {
  const namespace = await cluster.namespace(prefix);
  await cluster.developer.apply(change(objectsIn(HOST_LEVEL, namespace)));
  const developer = new Developer(namespace);
  await developer.healthy();
  return developer;
}

describe.each([
  ['with its own template', (objects: readonly KubeObject[]) => objects],
  ['with workloadRef', withWorkloadRef],
])('a developer and a Rollout %s', (_, change) => {
  it('can set images, promote, abort, retry, undo, restart and edit: nothing is denied, changed or blocked', async () => {
    const developer = await begin('people', change);

    await developer.image('2');
    await developer.pausedAt(20);
    await developer.rollouts('promote', developer.rollout);
    await developer.pausedAt(60);
    await developer.rollouts('promote', developer.rollout, '--full');
    await developer.healthy();

    await developer.image('3');
    await developer.pausedAt(20);
    await developer.rollouts('abort', developer.rollout);
    await rolloutThat(
      cluster,
      developer.namespace,
      developer.rollout,
      'is aborted',
      (rollout) =>
        dig(rollout, 'status', 'phase') === 'Degraded' &&
        dig(rollout, 'status', 'canary', 'weights', 'canary', 'weight') === 0,
    );
    expect(await developer.weights()).toBe('primary: app07-canary=0 app07-stable=100');
    await developer.rollouts('retry', 'rollout', developer.rollout);
    await developer.pausedAt(20);
    await developer.rollouts('promote', developer.rollout, '--full');
    await developer.healthy();

    await developer.rollouts('undo', developer.rollout);
    await developer.pausedAt(20);
    await developer.rollouts('promote', developer.rollout, '--full');
    const undone = await developer.healthy();

    await developer.rollouts('pause', developer.rollout);
    await rolloutThat(
      cluster,
      developer.namespace,
      developer.rollout,
      'is paused by hand',
      (rollout) => dig(rollout, 'spec', 'paused') === true,
    );
    await cluster.developer.run([
      'patch',
      'rollout',
      developer.rollout,
      '-n',
      developer.namespace,
      '--type=merge',
      '-p',
      '{"spec":{"paused":false}}',
    ]);
    await developer.rollouts('restart', developer.rollout);
    await rolloutThat(
      cluster,
      developer.namespace,
      developer.rollout,
      'has restarted',
      (rollout) =>
        rollout['status'] !== undefined &&
        dig(rollout, 'status', 'restartedAt') !== dig(undone, 'status', 'restartedAt'),
    );
    await developer.healthy();

    const editor = join(cluster.controlPlane.folder, 'editor.sh');
    await writeFile(editor, `#!/bin/sh\nsed -i 's/weight: 60/weight: 70/; s/setWeight: 60/setWeight: 70/' "$1"\n`);
    await chmod(editor, 0o755);
    process.env['KUBE_EDITOR'] = editor;
    await cluster.developer.run(['edit', 'rollout', developer.rollout, '-n', developer.namespace]);
    delete process.env['KUBE_EDITOR'];
    const steps = asArray(dig(await developer.healthy(), 'spec', 'strategy', 'canary', 'steps'));
    expect(steps[2]).toEqual({ setWeight: 70 });
    expect(await developer.interfered()).toEqual([]);
  });

  it('can be scaled by an autoscaler', async () => {
    const developer = await begin('autoscaled', change);
    const autoscaler = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'it', namespace: developer.namespace },
      spec: {
        scaleTargetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: developer.rollout },
        minReplicas: 3,
        maxReplicas: 5,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        ],
      },
    };
    await cluster.developer.apply([autoscaler]);
    await rolloutThat(
      cluster,
      developer.namespace,
      developer.rollout,
      'has three pods',
      (rollout) => dig(rollout, 'status', 'availableReplicas') === 3,
    );
    await developer.image('2');
    await developer.pausedAt(20);
    await developer.rollouts('promote', developer.rollout, '--full');
    expect(dig(await developer.healthy(), 'spec', 'replicas')).toBe(3);
    expect(await developer.interfered()).toEqual([]);
  });
});

describe('when the account of the controller changes', () => {
  it('an update continues under another account that is found by its label', async () => {
    const developer = await begin('renamed');
    await developer.image('2');
    await developer.pausedAt(20);
    await cluster.argo.program.stop('SIGKILL');
    await cluster.admin.run(['delete', 'deployment', 'argo-rollouts', '-n', 'argo-rollouts']);
    await until('no account to be known', async () =>
      (await cluster.rollgate.metrics()).includes('rollgate_keeps_off 1'),
    );
    const renamed = await ArgoRollouts.install(cluster.controlPlane, cluster.admin, {
      namespace: 'delivery',
      name: 'argorollouts-release-argo-rollouts',
    });
    await until('the account to be found', async () =>
      (await cluster.rollgate.metrics()).includes('rollgate_keeps_off 0'),
    );
    await developer.rollouts('promote', developer.rollout);
    await developer.pausedAt(60);
    expect(await developer.weights()).toBe('primary: app07-canary=60 app07-stable=40');
    await cluster.argoCd.apply([edited(virtualServiceIn(developer.namespace), 7)], 'client-side apply');
    expect(await developer.weights()).toBe('primary: app07-canary=60 app07-stable=40');

    // If the Deployment of the controller does not have the label, its account is unknown. Nothing is preserved then,
    // and no update is blocked.
    await cluster.admin.run([
      'label',
      'deployment',
      renamed.account.name,
      '-n',
      renamed.account.namespace,
      'app.kubernetes.io/name-',
    ]);
    await until('keeps to be off', async () => (await cluster.rollgate.metrics()).includes('rollgate_keeps_off 1'));
    await developer.rollouts('promote', developer.rollout);
    await developer.healthy();
    await until(
      'the weights of before',
      async () => (await developer.weights()) === 'primary: app07-canary=0 app07-stable=100',
    );
    await cluster.admin.run([
      'label',
      'deployment',
      renamed.account.name,
      '-n',
      renamed.account.namespace,
      'app.kubernetes.io/name=argo-rollouts',
    ]);
    await until('keeps to be on again', async () =>
      (await cluster.rollgate.metrics()).includes('rollgate_keeps_off 0'),
    );

    // The controller was killed in the middle of an update. A user with the break-glass right moves the traffic by
    // hand.
    await developer.image('3');
    await developer.pausedAt(20);
    await renamed.program.stop('SIGKILL');
    const byHand = withWeights(virtualServiceIn(developer.namespace), 0);
    await cluster.developer.apply([byHand]);
    expect(await developer.weights()).toBe('primary: app07-canary=20 app07-stable=80');
    const glass = {
      ...byHand,
      metadata: {
        ...byHand.metadata,
        annotations: {
          'rollgate.io/break-glass': `${new Date(Date.now() + 3_600_000).toISOString()} INC-1 the controller is dead`,
        },
      },
    };
    await cluster.developer.apply([glass]);
    expect(await developer.weights(), 'without the right to').toBe('primary: app07-canary=20 app07-stable=80');
    await cluster.admin.run([
      'create',
      'clusterrolebinding',
      'break-glass',
      '--clusterrole=rollgate-break-glass',
      '--user=developer',
    ]);
    await until(
      'the glass to be broken',
      async () => {
        await cluster.developer.apply([withWeights(glass, 1)]);
        return (await developer.weights()) === 'primary: app07-canary=1 app07-stable=99';
      },
      { every: 1_000 },
    );

    await renamed.start();
    await developer.rollouts('promote', developer.rollout, '--full');
    await developer.healthy();
  });
});

function rolloutIn(namespace: string): KubeObject {
  return objectsIn(HOST_LEVEL, namespace).find(({ kind }) => kind === 'Rollout') as KubeObject;
}

function withName(object: KubeObject, name: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, name } };
}

function virtualServiceIn(namespace: string): KubeObject {
  return objectsIn(HOST_LEVEL, namespace).find(({ kind }) => kind === 'VirtualService') as KubeObject;
}

function withWeights(virtualService: KubeObject, canary: number): KubeObject {
  const [route] = asArray(dig(virtualService, 'spec', 'http'));
  const [stable, other] = asArray(dig(route, 'route'));
  const weighed = [
    { ...asObject(stable), weight: 100 - canary },
    { ...asObject(other), weight: canary },
  ];
  return {
    ...virtualService,
    spec: { ...asObject(virtualService['spec']), http: [{ ...asObject(route), route: weighed }] },
  };
}
