import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replicaCounts } from '../../src/timeline/replicas.ts';
import type { Timeline } from '../../src/timeline/stage.ts';
import { throughAbort, timelineOf } from '../../src/timeline/timeline.ts';
import { bundleWorld } from '../../src/world/manifests.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { asArray, asString, dig, optionalNumber, type JsonObject } from '../../src/world/read.ts';
import type { WatchEvent } from './harness/api.ts';
import { Cluster } from './harness/cluster.ts';
import { pathOf } from './harness/paths.ts';
import { until } from './harness/program.ts';
import { versionOf } from './harness/recorder.ts';
import { HASH, hostCanary, rollout, service, to, virtualService } from './facts/manifests.ts';
import { Scene } from './facts/scene.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster?.stop());

/** An update, with everything that makes the controller go on. */
interface SetUp {
  readonly strategy: JsonObject;
  readonly replicas: number;
  /** The host that is the canary during the first update; undefined without a router. */
  readonly canaryHost?: string;
  /** The number of the step at which the update is aborted. */
  readonly abortAt?: number;
}

// Pods do not become available at the same moment. With one more pod at a time, their order does not matter.
const ONE_BY_ONE = { maxSurge: 1, maxUnavailable: 0 };
const SHORT = { scaleDownDelaySeconds: 1 };
const twoWeights = (first: number, second: number): JsonObject[] => [
  { setWeight: first },
  { pause: {} },
  { setWeight: second },
  { pause: {} },
];

const SET_UPS: Readonly<Record<string, SetUp>> = {
  'without a router, with one pod more': {
    strategy: { canary: { steps: twoWeights(20, 60), ...ONE_BY_ONE } },
    replicas: 5,
  },
  'without a router, with one pod less': {
    strategy: { canary: { steps: twoWeights(25, 75), maxSurge: 0, maxUnavailable: 1 } },
    replicas: 4,
  },
  'with Services and without a router': {
    strategy: {
      canary: { stableService: 'web', canaryService: 'web-canary', steps: twoWeights(20, 80), ...ONE_BY_ONE },
    },
    replicas: 5,
  },
  'with a router': {
    strategy: hostCanary(twoWeights(20, 50), {}, {}, SHORT),
    replicas: 10,
    canaryHost: 'web-canary',
  },
  'with a router and dynamicStableScale': {
    strategy: hostCanary(twoWeights(25, 75), {}, {}, { dynamicStableScale: true }),
    replicas: 4,
    canaryHost: 'web-canary',
  },
  'with a router and setCanaryScale': {
    strategy: hostCanary(
      [
        { setCanaryScale: { replicas: 1 } },
        { setWeight: 50 },
        { pause: {} },
        { setCanaryScale: { matchTrafficWeight: true } },
        { pause: {} },
      ],
      {},
      {},
      SHORT,
    ),
    replicas: 6,
    canaryHost: 'web-canary',
  },
  'with a router and minPodsPerReplicaSet': {
    strategy: hostCanary(twoWeights(5, 40), {}, {}, { minPodsPerReplicaSet: 2, ...SHORT }),
    replicas: 4,
    canaryHost: 'web-canary',
  },
  'with a router, aborted': {
    strategy: hostCanary(twoWeights(20, 60), {}, {}, { abortScaleDownDelaySeconds: 1 }),
    replicas: 5,
    canaryHost: 'web-canary',
    abortAt: 4,
  },
  'with a router and dynamicStableScale, aborted': {
    strategy: hostCanary(twoWeights(20, 60), {}, {}, { dynamicStableScale: true }),
    replicas: 5,
    canaryHost: 'web-canary',
    abortAt: 4,
  },
  'with a router and dynamicStableScale, aborted with a weight until the canary has gone': {
    strategy: hostCanary(twoWeights(5, 50), {}, {}, { dynamicStableScale: true, abortScaleDownDelaySeconds: 1 }),
    replicas: 10,
    canaryHost: 'web-canary',
    abortAt: 4,
  },
  'with a router and dynamicStableScale, aborted for ever': {
    strategy: hostCanary(twoWeights(20, 60), {}, {}, { dynamicStableScale: true, abortScaleDownDelaySeconds: 1 }),
    replicas: 5,
    canaryHost: 'web-canary',
    abortAt: 4,
  },
  'blue-green with fewer pods in the preview': {
    strategy: {
      blueGreen: {
        activeService: 'web',
        previewService: 'web-canary',
        previewReplicaCount: 1,
        autoPromotionEnabled: false,
        ...SHORT,
      },
    },
    replicas: 3,
  },
};

function objectsOf({ strategy, replicas, canaryHost }: SetUp): KubeObject[] {
  return [
    service('web'),
    service('web-canary'),
    ...(canaryHost === undefined ? [] : [virtualService([{ route: [to('web', 100), to('web-canary', 0)] }])]),
    rollout(strategy, { replicas }),
  ];
}

/** Returns the timeline as a line for each write: pods of the canary and the stable ReplicaSet, and the canary's weight. */
function asTold({ stages }: Timeline): string[] {
  const lines: string[] = [];
  let before = { canary: 0, stable: 0, weight: undefined as number | undefined };
  for (const { pods, weights } of stages.flatMap(({ states }) => states)) {
    const { canary, stable } = pods;
    const weight = weights?.canary;
    // A reconciliation writes the weights first, then the pods.
    if (lines.length > 0) lines.push(line(before.canary, before.stable, weight));
    lines.push(line(canary, stable, weight));
    before = { canary, stable, weight };
  }
  return withoutRepeats(lines);
}

function toldOf({ abortAt }: SetUp, objects: readonly KubeObject[]): string[] {
  const world = bundleWorld(objects);
  const updated = objects.find(({ kind }) => kind === 'Rollout');
  if (updated === undefined) throw new Error('no Rollout');
  const [count] = replicaCounts(updated, world);
  if (count === undefined) throw new Error('no number of pods');
  return asTold(throughAbort(timelineOf(updated, world, count, abortAt)));
}

function line(canary: number, stable: number, weight: number | undefined): string {
  return `${canary} canary, ${stable} stable${weight === undefined ? '' : `, weight ${weight}`}`;
}

function withoutRepeats(lines: readonly string[]): string[] {
  return lines.filter((each, index) => each !== lines[index - 1]);
}

function weightOf(virtual: KubeObject, host: string | undefined): number | undefined {
  const routes = asArray(dig(asArray(dig(virtual, 'spec', 'http'))[0], 'route'));
  return optionalNumber(
    dig(
      routes.find((route) => dig(route, 'destination', 'host') === host),
      'weight',
    ),
  );
}

/** Every version of the ReplicaSets and the VirtualService of a namespace, in the order in which they were written. */
class Writes {
  readonly #events: WatchEvent[] = [];
  readonly #stopped = new AbortController();
  readonly #scene: Scene;

  private constructor(scene: Scene) {
    this.#scene = scene;
  }

  static async watch(scene: Scene): Promise<Writes> {
    const writes = new Writes(scene);
    for (const kind of ['ReplicaSet', 'VirtualService'])
      await cluster.controlPlane.admin.watch(
        `${pathOf({ ...scene.at(kind), name: undefined })}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
        (event) => writes.#events.push(event),
        writes.#stopped.signal,
      );
    return writes;
  }

  /** Returns the same lines as {@link asTold}, of what was written until now. */
  async asSeen({ canaryHost, replicas }: SetUp): Promise<string[]> {
    const newHash = asString(dig(await this.#scene.get('Rollout'), 'status', 'currentPodHash'));
    const last = [...(await this.#scene.list('ReplicaSet')), ...(await this.#scene.list('VirtualService'))];
    await until('the last writes', () => last.every((object) => this.#has(object)));
    const objects = this.#events
      .filter(({ type }) => type === 'ADDED' || type === 'MODIFIED')
      .map(({ object }) => object)
      .sort((a, b) => (versionOf(a) < versionOf(b) ? -1 : 1));
    const seen = { canary: 0, stable: replicas, weight: canaryHost === undefined ? undefined : 0 };
    const lines = [line(seen.canary, seen.stable, seen.weight)];
    for (const object of objects) {
      const isNew = dig(object.metadata, 'labels', HASH) === newHash;
      if (object.kind === 'VirtualService') seen.weight = weightOf(object, canaryHost);
      else seen[isNew ? 'canary' : 'stable'] = optionalNumber(dig(object, 'spec', 'replicas')) ?? 0;
      lines.push(line(seen.canary, seen.stable, seen.weight));
    }
    return withoutRepeats(lines);
  }

  stop(): void {
    this.#stopped.abort();
  }

  #has(stored: KubeObject): boolean {
    return this.#events.some(
      ({ object }) => object.metadata['uid'] === stored.metadata['uid'] && versionOf(object) >= versionOf(stored),
    );
  }
}

describe.concurrent('every write of the controller during an update is as the timeline said', () => {
  it.each(Object.entries(SET_UPS))('%s', async (_name, setUp) => {
    const objects = objectsOf(setUp);
    const scene = await Scene.of(cluster, ...objects);
    await scene.phase('Healthy');
    const writes = await Writes.watch(scene);
    await scene.update();
    const steps = asArray(dig(setUp.strategy, 'canary', 'steps'));
    const pauses = steps.flatMap((step, index) => (dig(step, 'pause') === undefined ? [] : [index]));
    for (const pause of pauses.length === 0 ? [undefined] : pauses) {
      await scene.phase('Paused', pause);
      await scene.plugin(pause !== undefined && pause + 1 === setUp.abortAt ? 'abort' : 'promote');
    }
    await scene.phase(setUp.abortAt === undefined ? 'Healthy' : 'Degraded');
    const told = toldOf(setUp, objects);
    const seen = await until(
      'the last write',
      async () => {
        const lines = await writes.asSeen(setUp);
        return (lines.at(-1) === told.at(-1) || lines.length > told.length) && lines;
      },
      { every: 500 },
    ).catch(() => writes.asSeen(setUp));
    expect(seen).toEqual(told);
    // Nothing follows.
    for (let time = 0; time < 3; time++) await scene.reconciled();
    expect(await writes.asSeen(setUp)).toEqual(told);
    writes.stop();
  });
});
