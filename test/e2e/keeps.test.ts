import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { KubeObject } from '../../src/world/object.ts';
import { Cluster } from './harness/cluster.ts';
import { ARGO_CD_WAYS, yamlOf } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { Recorder } from './harness/recorder.ts';
import {
  CANARIES,
  controllersPart,
  driven,
  edited,
  isFinished,
  objectsIn,
  personsPart,
  type Canary,
} from './support/canaries.ts';
import { WAYS, write } from './support/router-drive.ts';
import { healthy, pausedAt } from './support/rollouts.ts';

const UNGUARDED = 'unguarded';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({
    rollgate: [
      `webhooks.excludedNamespaces={kube-system,${CANARIES.map(({ name }) => `${UNGUARDED}-${name}`).join(',')}}`,
    ],
  });
});
afterAll(() => cluster?.stop());

/** What was seen while files were applied again in the middle of a canary. */
interface Seen {
  /** By object: what was the controller's in it, version by version, repetitions left out. */
  readonly controllers: Readonly<Record<string, readonly string[]>>;
}

function idOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}`;
}

function live(source: KubeObject): Promise<KubeObject> {
  const { apiVersion, kind, metadata } = source;
  return until(idOf(source), () =>
    cluster.controlPlane.admin.get(apiVersion, kind, String(metadata.namespace), metadata.name),
  );
}

/**
 * Drives a canary through its pauses to the end; at each, its files are written again, with a new edit, in every way.
 * The controller may not notice that it was promoted, with or without Rollgate; see "A race" in docs/upstream-facts.md.
 * It goes on when a wait changes the Rollout.
 */
async function drive(canary: Canary, namespace: string, applied: (edit: KubeObject) => Promise<void>): Promise<Seen> {
  const objects = objectsIn(canary, namespace);
  const files = driven(objects);
  expect(files.length).toBeGreaterThan(0);
  await cluster.argoCd.apply(objects);
  await healthy(cluster, namespace, canary.rollout);
  const recorders = await Promise.all(
    files.map(async (file) => {
      const {
        apiVersion,
        kind,
        metadata: { name },
      } = file;
      return {
        file,
        recorder: await Recorder.start(cluster.controlPlane.admin, { apiVersion, kind, namespace, name }),
      };
    }),
  );
  await cluster.developer.run([
    'argo',
    'rollouts',
    'set',
    'image',
    canary.rollout,
    `${canary.container}=registry.example.com/it:2`,
    '-n',
    namespace,
  ]);
  let n = 0;
  for (const weight of canary.weights) {
    await pausedAt(cluster, namespace, canary.rollout, weight);
    for (const way of WAYS) {
      n++;
      await write(
        cluster,
        files.map((file) => edited(file, n)),
        way,
      );
      for (const file of files) await applied(edited(file, n));
    }
    await cluster.developer.run(['argo', 'rollouts', 'promote', canary.rollout, '-n', namespace]);
  }
  await healthy(cluster, namespace, canary.rollout);
  await until('the end of the update', () =>
    recorders.every(({ file, recorder }) => {
      const parts = recorder.versions.map(controllersPart);
      return parts.length > 1 && isFinished(file, parts[0] ?? '', parts.at(-1) ?? '');
    }),
  );
  const controllers = recorders.map(
    async ({ file, recorder }) => [idOf(file), distinct((await recorder.stop()).map(controllersPart))] as const,
  );
  return { controllers: Object.fromEntries(await Promise.all(controllers)) };
}

function distinct(parts: readonly string[]): string[] {
  return parts.filter((part, index) => part !== parts[index - 1]);
}

/**
 * Each state is reached once and never left but for a new one: what an apply wiped would come back as a state that was
 * there before.
 */
function flaps(states: readonly string[]): boolean {
  return new Set(states.slice(1)).size !== states.length - 1 || states.some((state) => state.includes('undefined'));
}

describe.each(CANARIES)('$name', (canary) => {
  it('keeps every weight and hash, in whatever way its files are written again, and lets all else through', async () => {
    const namespace = await cluster.namespace(canary.name);
    const seen = await drive(canary, namespace, async (edit) => {
      const now = await live(edit);
      expect(personsPart(now), idOf(edit)).toMatchObject(personsPart(edit));
      const { stdout } = await cluster.argoCd.run(
        [...ARGO_CD_WAYS['server-side dry run'], '-o', 'yaml', '-f', '-'],
        yamlOf([edit]),
      );
      const predicted = parse(stdout) as KubeObject;
      expect(predicted['spec'], `dry run of ${idOf(edit)}`).toEqual(now['spec']);
    });
    for (const [id, states] of Object.entries(seen.controllers)) {
      expect(states.length, `${id}: ${states.join(' | ')}`).toBeGreaterThan(1);
      expect(flaps(states), `${id}: ${states.join(' | ')}`).toBe(false);
    }
  });

  it('flaps without Rollgate', async () => {
    const namespace = `${UNGUARDED}-${canary.name}`;
    await cluster.admin.run(['create', 'namespace', namespace]);
    const seen = await drive(canary, namespace, () => Promise.resolve());
    expect(Object.values(seen.controllers).some(flaps), JSON.stringify(seen.controllers, null, 1)).toBe(true);
  });
});
