import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asArray, asObject, dig, optionalNumber } from '../../../../src/world/read.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import type { Application } from '../../harness/argo-cd/application.ts';
import type { ArgoCd } from '../../harness/argo-cd/argo-cd.ts';
import type { GitRepository } from '../../harness/argo-cd/git-repository.ts';
import type { Cluster } from '../../harness/cluster.ts';
import { inNamespace, objectsOf } from '../../harness/objects.ts';
import type { Prometheus } from '../../harness/prometheus.ts';
import { until } from '../../harness/program.ts';
import { Recorder } from '../../harness/recorder.ts';
import { filesOf } from '../commits/arrived.ts';
import { canaryOf, edit, only, type Change } from '../commits/changes.ts';
import { healthy, rolloutThat } from '../rollouts.ts';
import type { Mode } from './modes.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', '..', 'examples', 'multi-primary');
const NAME = 'helloworld';
const API_VERSION = 'argoproj.io/v1alpha1';

/** The weights of the example's steps. */
export const STEP_WEIGHTS = [10, 20, 30, 40, 50, 60, 70, 80, 90] as const;
// Long enough for an edit to arrive in the middle of the canary.
const PAUSE = '8s';

/** Argo CD in a cluster of its own, two clusters that it manages, by name, and what measures both. */
export interface Fleet {
  readonly argoCd: ArgoCd;
  readonly clusters: Readonly<Record<string, Cluster>>;
  readonly prometheus: Prometheus;
}

/** What was seen in one cluster. */
export interface SeenInCluster {
  /** The weights of the canary by stage, oldest first, repetitions left out. */
  readonly weights: { readonly update: readonly number[]; readonly aborted: readonly number[] };
  /** The weight of the canary when the edit arrived, and right before it. */
  readonly atEdit: readonly [before: number, now: number];
}

interface Member {
  readonly cluster: Cluster;
  readonly application: Application;
  readonly recorder: Recorder;
}

/**
 * Takes the example through a canary in both clusters by one commit, an edit of the VirtualService in the middle, a
 * second canary whose analysis fails in both, and its revert. Returns what was seen, by cluster.
 */
export async function travel(
  { argoCd, clusters, prometheus }: Fleet,
  namespace: string,
  mode: Mode,
): Promise<Record<string, SeenInCluster>> {
  prometheus.value = 1;
  const repository = await argoCd.repository(namespace);
  let objects = example(namespace, prometheus.address);
  const commit = async (message: string, change: Change): Promise<void> => {
    objects = objects.map(change);
    await repository.commit(filesOf(objects), message);
    await Promise.all(members.map(({ application }) => application.refresh()));
  };
  await repository.commit(filesOf(objects), 'first');
  const members = await Promise.all(
    Object.entries(clusters).map(([name, cluster]) => joined(argoCd, repository, namespace, mode, name, cluster)),
  );
  const each = <T>(act: (member: Member) => Promise<T>): Promise<T[]> => Promise.all(members.map(act));
  const begin = await each(async ({ cluster, recorder }) => {
    await healthy(cluster, namespace, NAME);
    return recorder.versions.length;
  });

  await commit('v2', image('v2'));
  await each(({ cluster }) => atLeast(cluster, namespace, STEP_WEIGHTS[1]));
  await commit('another timeout', edit(1));
  await each((member) => updated(member, namespace, 'v2'));
  const middle = members.map(({ recorder }) => recorder.versions.length);

  await commit('v3', image('v3'));
  await each(({ cluster }) => atLeast(cluster, namespace, STEP_WEIGHTS[1]));
  prometheus.value = 0.5;
  await each(({ cluster }) => aborted(cluster, namespace));
  await commit('Revert "v3"', image('v2'));
  await each((member) => updated(member, namespace, 'v2'));

  // It compares with its cache, which can be behind what the controller has just written. Others are out of sync for good.
  const ends = mode.name === 'server-side diff' ? ['Synced'] : ['Synced', 'OutOfSync'];
  const seen = await each(async ({ application, recorder }) => {
    await application.shows('settles', ({ phase, sync: now }) => phase === 'Succeeded' && ends.includes(now));
    const versions = await recorder.stop();
    const index = members.findIndex((member) => member.recorder === recorder);
    const [first = 0, second = 0] = [begin[index], middle[index]];
    const edited = versions.findIndex((version) => dig(routeOf(version), 'timeout') === '1s');
    const seenHere: SeenInCluster = {
      weights: { update: weightsOf(versions.slice(first, second)), aborted: weightsOf(versions.slice(second)) },
      atEdit: [canaryWeight(versions[edited - 1]), canaryWeight(versions[edited])],
    };
    await application.remove();
    return seenHere;
  });
  return Object.fromEntries(Object.keys(clusters).map((name, index) => [name, seen[index] as SeenInCluster]));
}

async function joined(
  argoCd: ArgoCd,
  repository: GitRepository,
  namespace: string,
  { annotations, syncOptions }: Mode,
  name: string,
  cluster: Cluster,
): Promise<Member> {
  await cluster.admin.run(['create', 'namespace', namespace]);
  const at = { apiVersion: 'networking.istio.io/v1beta1', kind: 'VirtualService', namespace, name: NAME };
  const recorder = await Recorder.start(cluster.controlPlane.admin, at);
  const application = await argoCd.application(`${namespace}-${name}`, {
    repository,
    cluster: name,
    namespace,
    annotations,
    syncPolicy: { automated: { selfHeal: true }, syncOptions },
  });
  return { cluster, application, recorder };
}

function example(namespace: string, prometheus: string): KubeObject[] {
  const text = ['application.yaml', 'analysis.yaml', 'rollout.yaml']
    .map((file) => readFileSync(join(EXAMPLE, file), 'utf8'))
    .join('\n---\n');
  const steps = STEP_WEIGHTS.flatMap((setWeight) => [{ setWeight }, { pause: { duration: PAUSE } }]);
  return objectsOf(text)
    .filter(({ kind }) => kind !== 'Namespace')
    .map((object) => inNamespace(object, namespace))
    .map(canaryOf((canary) => ({ ...canary, steps })))
    .map(
      only('AnalysisTemplate', (template) => {
        const spec = asObject(template['spec']);
        const metrics = asArray(spec['metrics']).map((metric) => ({
          ...asObject(metric),
          initialDelay: '1s',
          interval: '2s',
          provider: { prometheus: { ...asObject(dig(metric, 'provider', 'prometheus')), address: prometheus } },
        }));
        return { ...template, spec: { ...spec, metrics } };
      }),
    );
}

function image(version: string): Change {
  return only(
    'Rollout',
    (rollout) =>
      JSON.parse(
        JSON.stringify(rollout).replace(/examples-helloworld-v\d/, `examples-helloworld-${version}`),
      ) as KubeObject,
  );
}

function atLeast(cluster: Cluster, namespace: string, weight: number): Promise<KubeObject> {
  return rolloutThat(
    cluster,
    namespace,
    NAME,
    `has at least ${weight} %`,
    (live) => (optionalNumber(dig(live, 'status', 'canary', 'weights', 'canary', 'weight')) ?? 0) >= weight,
  );
}

function aborted(cluster: Cluster, namespace: string): Promise<KubeObject> {
  return rolloutThat(
    cluster,
    namespace,
    NAME,
    'is aborted',
    (live) =>
      dig(live, 'status', 'abort') === true && dig(live, 'status', 'canary', 'weights', 'canary', 'weight') === 0,
  );
}

/** Waits until an update to an image, or the way back to it, has ended, and all requests go to the stable version. */
async function updated({ cluster, recorder }: Member, namespace: string, version: string): Promise<void> {
  await until(`the image ${version}`, async () => {
    const live = await cluster.controlPlane.admin.get(API_VERSION, 'Rollout', namespace, NAME);
    return JSON.stringify(live?.['spec'] ?? '').includes(`examples-helloworld-${version}`);
  });
  await rolloutThat(
    cluster,
    namespace,
    NAME,
    'is healthy',
    (live) =>
      dig(live, 'status', 'phase') === 'Healthy' &&
      dig(live, 'status', 'observedGeneration') === String(live.metadata['generation']),
    300_000,
  );
  // The controller writes that weight after it has said that the Rollout is healthy.
  await until('the weight 0', () => canaryWeight(recorder.versions.at(-1)) === 0);
}

function routeOf(virtualService: KubeObject | undefined): unknown {
  return asArray(dig(virtualService, 'spec', 'http'))[0];
}

function canaryWeight(virtualService: KubeObject | undefined): number {
  return optionalNumber(dig(asArray(dig(routeOf(virtualService), 'route'))[1], 'weight')) ?? 0;
}

function weightsOf(versions: readonly KubeObject[]): number[] {
  return versions.map(canaryWeight).filter((weight, index, all) => weight !== all[index - 1]);
}
