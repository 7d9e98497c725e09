import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/world/object.ts';
import { dig } from '../../../src/world/read.ts';
import type { Cluster } from '../harness/cluster.ts';
import type { Way } from '../harness/kubectl.ts';
import { until } from '../harness/program.ts';
import { Recorder } from '../harness/recorder.ts';
import { inNamespace, objectsOfRouter, weightsOf, type RouterCanary } from './router-canaries.ts';
import { healthy, pausedAt, rolloutThat } from './rollouts.ts';

const UNGUARDED = 'unguarded';

/** The ways in which Argo CD writes an object that exists, and a merge patch. */
export const WAYS = ['client-side apply', 'server-side apply', 'replace', 'patch'] as const;

/** Returns the namespaces of these canaries in which Rollgate must not be asked. */
export function unguarded(canaries: readonly RouterCanary[]): readonly string[] {
  return canaries.map(({ name }) => `${UNGUARDED}-${name}`);
}

/** Writes objects as Argo CD does, in a way of kubectl or with merge patches. */
export async function write({ argoCd }: Cluster, edits: readonly KubeObject[], way: Way | 'patch'): Promise<void> {
  if (way !== 'patch') {
    await argoCd.apply(edits, way);
    return;
  }
  for (const { apiVersion, kind, metadata, spec } of edits) {
    const { annotations } = metadata;
    const [group, version] = apiVersion.split('/');
    const patch = { ...(annotations === undefined ? {} : { metadata: { annotations } }), spec };
    const resource = version === undefined ? kind : `${kind}.${group}`;
    await argoCd.run([
      ...['patch', resource.toLowerCase(), metadata.name, '-n', String(metadata.namespace)],
      ...['--type=merge', '-p', JSON.stringify(patch)],
    ]);
  }
}

/**
 * Drives a canary through its pauses to the end. At each, its route is written again in every way, with a new edit and
 * the weights of the file. Returns what the controller wrote, version by version, repetitions left out.
 */
async function drive(
  cluster: Cluster,
  canary: RouterCanary,
  namespace: string,
  seen: (edit: KubeObject) => Promise<void>,
): Promise<string[]> {
  await cluster.argoCd.apply(objectsOfRouter(canary, namespace));
  await healthy(cluster, namespace, 'web');
  const { apiVersion, kind, metadata } = canary.route;
  const recorder = await Recorder.start(cluster.controlPlane.admin, {
    apiVersion,
    kind,
    namespace,
    name: metadata.name,
  });
  const rollouts = ['argo', 'rollouts'];
  await cluster.argoCd.run([...rollouts, 'set', 'image', 'web', 'app=web:2', '-n', namespace]);
  let n = 0;
  for (const weight of weightsOf(canary)) {
    await pausedAt(cluster, namespace, 'web', weight);
    for (const way of WAYS) {
      const edit = inNamespace(canary.edited(++n), namespace);
      await write(cluster, [edit], way);
      await seen(edit);
    }
    await cluster.argoCd.run([...rollouts, 'promote', 'web', '-n', namespace]);
  }
  await healthy(cluster, namespace, 'web');
  // The controller writes the weights into the status last.
  await rolloutThat(cluster, namespace, 'web', 'has weights of its stable pods alone', ({ status }) => {
    const weights = dig(status, 'canary', 'weights');
    return (
      dig(weights, 'stable', 'podTemplateHash') === dig(status, 'stableRS') && dig(weights, 'canary', 'weight') === 0
    );
  });
  const parts = (await recorder.stop()).map((version) => canary.controllersPart(version));
  return parts.filter((part, index) => part !== parts[index - 1]);
}

/** What an apply wiped would come back as a state that was there before. */
function flaps(states: readonly string[]): boolean {
  return new Set(states.slice(1)).size !== states.length - 1;
}

/**
 * Defines two tests of each canary: what the controller writes is kept with Rollgate, and flaps without it.
 *
 * @param cluster - Returns the cluster when the tests run. The namespaces of {@link unguarded} are without webhooks.
 */
export function keepsAndFlaps(canaries: readonly RouterCanary[], cluster: () => Cluster): void {
  describe.each(canaries.map((canary): [string, RouterCanary] => [canary.name, canary]))('%s', (name, canary) => {
    it('keeps what the controller writes, however the file is applied, and lets all else through', async () => {
      const namespace = await cluster().namespace(name);
      const states = await drive(cluster(), canary, namespace, async (edit) => {
        const { apiVersion, kind, metadata } = edit;
        const now = await until('the object', () =>
          cluster().controlPlane.admin.get(apiVersion, kind, namespace, metadata.name),
        );
        expect(canary.personsPart(now)).toEqual(canary.personsPart(edit));
      });
      expect(new Set(states).size, states.join(' | ')).toBeGreaterThanOrEqual(canary.values);
      expect(states.at(-1) === states[0], states.join(' | ')).toBe(canary.comesBack);
      expect(flaps(states), states.join(' | ')).toBe(false);
    });

    it('flaps without Rollgate', async () => {
      const namespace = `${UNGUARDED}-${name}`;
      await cluster().admin.run(['create', 'namespace', namespace]);
      const states = await drive(cluster(), canary, namespace, () => Promise.resolve());
      expect(flaps(states), states.join(' | ')).toBe(true);
    });
  });
}
