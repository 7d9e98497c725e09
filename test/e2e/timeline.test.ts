import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replicaCounts } from '../../src/timeline/replicas.ts';
import type { Timeline } from '../../src/timeline/stage.ts';
import { throughAbort, timelineOf } from '../../src/timeline/timeline.ts';
import { bundleWorld } from '../../src/world/manifests.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { asArray, asString, dig, optionalNumber } from '../../src/world/read.ts';
import type { WatchEvent } from './harness/api.ts';
import { Cluster } from './harness/cluster.ts';
import { pathOf } from './harness/paths.ts';
import { until } from './harness/program.ts';
import { versionOf } from './harness/recorder.ts';
import { HASH } from './facts/manifests.ts';
import { Scene } from './facts/scene.ts';
import { objectsOf, SET_UPS, type SetUp } from './support/timeline-updates.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: 'none' });
});
afterAll(() => cluster?.stop());

/** What there is after a write: pods, and weights out of 100. */
interface Seen {
  readonly canary: number;
  readonly stable: number;
  /** That of the canary; undefined without a router. */
  readonly weight: number | undefined;
  readonly experiment: { readonly pods: number; readonly weight: number };
}

const NO_EXPERIMENT: Seen['experiment'] = { pods: 0, weight: 0 };

/** Returns the timeline as a line for each write. */
function asTold({ stages }: Timeline): string[] {
  const lines: string[] = [];
  let before: Seen = { canary: 0, stable: 0, weight: undefined, experiment: NO_EXPERIMENT };
  for (const { states, experiment } of stages) {
    for (const { pods, weights } of states) {
      const now = { ...before, canary: pods.canary, stable: pods.stable, weight: weights?.canary };
      // A reconciliation writes the weights first, then the pods.
      if (lines.length > 0) lines.push(line({ ...before, weight: now.weight }));
      lines.push(line(now));
      before = now;
    }
    const [template] = experiment;
    if (template === undefined) continue;
    const { pods, weight } = template;
    for (const running of [{ pods, weight: 0 }, { pods, weight }, { pods, weight: 0 }, NO_EXPERIMENT])
      lines.push(line({ ...before, experiment: running }));
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

function line({ canary, stable, weight, experiment }: Seen): string {
  const routed = weight === undefined ? '' : `, weight ${weight}`;
  const added =
    experiment.pods === 0 && experiment.weight === 0
      ? ''
      : `, experiment ${experiment.pods} with weight ${experiment.weight}`;
  return `${canary} canary, ${stable} stable${routed}${added}`;
}

function withoutRepeats(lines: readonly string[]): string[] {
  return lines.filter((each, index) => each !== lines[index - 1]);
}

/**
 * Returns the weights of the canary and of an experiment.
 *
 * @param stable - Which Service of ping-pong is the stable one.
 */
function weightsIn(
  virtual: KubeObject,
  routedBy: SetUp['routedBy'],
  stable: string,
): Pick<Seen, 'weight'> & { added: number } {
  const routes = asArray(dig(asArray(dig(virtual, 'spec', 'http'))[0], 'route'));
  const canaryHost = stable === 'pong' ? 'web' : 'web-canary';
  const sum = (isCounted: (destination: unknown) => boolean): number =>
    routes
      .filter((route) => isCounted(dig(route, 'destination')))
      .reduce<number>((total, route) => total + (optionalNumber(dig(route, 'weight')) ?? 0), 0);
  return {
    weight: sum((destination) =>
      routedBy === 'subset' ? dig(destination, 'subset') === 'canary' : dig(destination, 'host') === canaryHost,
    ),
    added: sum((destination) => !['web', 'web-canary'].includes(asString(dig(destination, 'host')))),
  };
}

function isOfExperiment({ metadata }: KubeObject): boolean {
  return asArray(metadata['ownerReferences']).some((owner) => dig(owner, 'kind') === 'Experiment');
}

const WATCHED = ['ReplicaSet', 'VirtualService', 'Rollout'];

/** Every version of what is watched in a namespace, in the order in which they were written. */
class Writes {
  readonly #events: WatchEvent[] = [];
  readonly #stopped = new AbortController();
  readonly #scene: Scene;

  private constructor(scene: Scene) {
    this.#scene = scene;
  }

  static async watch(scene: Scene): Promise<Writes> {
    const writes = new Writes(scene);
    for (const kind of WATCHED)
      await cluster.controlPlane.admin.watch(
        `${pathOf({ ...scene.at(kind), name: undefined })}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
        (event) => writes.#events.push(event),
        writes.#stopped.signal,
      );
    return writes;
  }

  /** Returns the same lines as {@link asTold}, of what was written until now. */
  async asSeen({ routedBy, replicas }: SetUp): Promise<string[]> {
    const newHash = asString(dig(await this.#scene.get('Rollout'), 'status', 'currentPodHash'));
    const last = (await Promise.all(WATCHED.map((kind) => this.#scene.list(kind)))).flat();
    await until('the last writes', () => last.every((object) => this.#has(object)));
    const objects = this.#events
      .filter(({ type }) => type === 'ADDED' || type === 'MODIFIED')
      .map(({ object }) => object)
      .sort((a, b) => (versionOf(a) < versionOf(b) ? -1 : 1));
    let seen: Seen = {
      canary: 0,
      stable: replicas,
      weight: routedBy === undefined ? undefined : 0,
      experiment: NO_EXPERIMENT,
    };
    const lines = [line(seen)];
    let virtual: KubeObject | undefined;
    let stable = 'ping';
    for (const object of objects) {
      if (object.kind === 'ReplicaSet') {
        seen = withPods(seen, object, newHash);
      } else {
        if (object.kind === 'VirtualService') virtual = object;
        // Which Service is the canary is in the status. The promotion changes it.
        else if (routedBy === 'ping-pong') stable = asString(dig(object, 'status', 'canary', 'stablePingPong'));
        if (virtual !== undefined) {
          const { weight, added } = weightsIn(virtual, routedBy, stable);
          seen = { ...seen, weight, experiment: { ...seen.experiment, weight: added } };
        }
      }
      lines.push(line(seen));
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

function withPods(seen: Seen, replicaSet: KubeObject, newHash: string): Seen {
  const pods = optionalNumber(dig(replicaSet, 'spec', 'replicas')) ?? 0;
  if (isOfExperiment(replicaSet)) return { ...seen, experiment: { ...seen.experiment, pods } };
  const isNew = dig(replicaSet.metadata, 'labels', HASH) === newHash;
  return { ...seen, [isNew ? 'canary' : 'stable']: pods };
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
      // The order of what follows, and of the end of an experiment, would be by chance.
      await until('the pods of an experiment to go', async () =>
        (await scene.list('ReplicaSet')).every((each) => !isOfExperiment(each) || dig(each, 'spec', 'replicas') === 0),
      );
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
