import { partialDeepStrictEqual } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { asArray, asString, dig } from '../../../../src/world/read.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import type { Application, Shown } from '../../harness/argo-cd/application.ts';
import type { ArgoCd } from '../../harness/argo-cd/argo-cd.ts';
import type { GitRepository } from '../../harness/argo-cd/git-repository.ts';
import type { Cluster } from '../../harness/cluster.ts';
import { yamlOf } from '../../harness/kubectl.ts';
import { until } from '../../harness/program.ts';
import { Recorder } from '../../harness/recorder.ts';
import { CANARIES, objectsIn, personsPart, type Canary } from '../canaries.ts';
import { retry, type Mode } from './modes.ts';

/** The Istio subset-level example. In its manifest the canary has all the traffic, as people write it. */
export const CANARY = CANARIES.find(({ name }) => name === 'istio-subset-level') as Canary;

const VIRTUAL_SERVICE = {
  apiVersion: 'networking.istio.io/v1beta1',
  kind: 'VirtualService',
  name: 'virtservice-app07',
};

// So many comparisons or self-heals with the same result say that it stays so.
const OFTEN = 3;
// More retries than those of an Application that gives up.
const RETRIES = 6;

/** How an Application is set up. */
export interface SceneOptions {
  readonly mode: Mode;
  /** How often a failed sync is tried again. */
  readonly retries?: number;
  /** Whether Argo CD puts back what others change. */
  readonly selfHeal?: boolean;
  /** Returns the objects of the first commit from those of the example. */
  readonly prepare?: (objects: readonly KubeObject[]) => readonly KubeObject[];
}

/** The kinds of the objects of a commit. */
export interface Arrived {
  readonly arrived: readonly string[];
  readonly missing: readonly string[];
}

/** What Argo CD shows of an Application in the end. */
export type Settled =
  | 'Synced'
  /** It compares as different again and again, and syncs again and again. */
  | 'OutOfSync'
  /** It cannot compare, and so does not sync. */
  | 'ComparisonError'
  /** The sync has failed, and is not tried again. */
  | 'SyncError'
  /** The sync fails, and is tried again and again. */
  | 'Retrying';

/** The example as an Application of its own, in a namespace of the same name. */
export class ArgoCdScene {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly application: Application;
  /** The objects of the last commit. */
  objects: readonly KubeObject[];
  readonly #repository: GitRepository;
  readonly #recorder: Recorder;
  #revision: string;
  #before: ReadonlyMap<string, KubeObject> = new Map();

  private constructor(
    cluster: Cluster,
    namespace: string,
    parts: { application: Application; repository: GitRepository; recorder: Recorder },
    first: { objects: readonly KubeObject[]; revision: string },
  ) {
    this.cluster = cluster;
    this.namespace = namespace;
    ({ application: this.application, repository: this.#repository, recorder: this.#recorder } = parts);
    ({ objects: this.objects, revision: this.#revision } = first);
  }

  /** Creates a namespace, commits the example, and creates the Application, which is then synced by itself. */
  static async open(cluster: Cluster, argoCd: ArgoCd, namespace: string, options: SceneOptions): Promise<ArgoCdScene> {
    await cluster.admin.run(['create', 'namespace', namespace]);
    const recorder = await Recorder.start(cluster.controlPlane.admin, { ...VIRTUAL_SERVICE, namespace });
    const repository = await argoCd.repository(namespace);
    const example = objectsIn(CANARY, namespace);
    const objects = options.prepare?.(example) ?? example;
    const revision = await repository.commit(filesOf(objects), 'first');
    const { annotations, syncOptions } = options.mode;
    const application = await argoCd.application(namespace, {
      repository,
      namespace,
      annotations,
      syncPolicy: {
        automated: { selfHeal: options.selfHeal ?? true },
        syncOptions,
        retry: retry(options.retries ?? 0),
      },
    });
    return new ArgoCdScene(cluster, namespace, { application, repository, recorder }, { objects, revision });
  }

  /** Commits the objects after a change, and tells Argo CD. */
  async commit(message: string, change: (object: KubeObject) => KubeObject): Promise<void> {
    this.#before = new Map(this.objects.map((object) => [nameOf(object), object]));
    this.objects = this.objects.map(change);
    this.#revision = await this.#repository.commit(filesOf(this.objects), message);
    await this.application.refresh();
  }

  /** Waits until what Argo CD shows for the last commit no longer changes. */
  async settled(): Promise<Settled> {
    const before = this.application.syncs;
    let errors = 0;
    let settled: Settled | undefined;
    await this.application.shows('settles', (shown) => {
      if (shown.conditions.includes('ComparisonError')) errors++;
      settled = this.#settledAs(shown, this.application.syncs - before, errors);
      return settled !== undefined;
    });
    return settled as Settled;
  }

  #settledAs(
    { revision, sync, phase, retries, conditions }: Shown,
    syncs: number,
    errors: number,
  ): Settled | undefined {
    if (errors >= OFTEN) return 'ComparisonError';
    if (revision === this.#revision && phase === 'Running' && retries >= RETRIES) return 'Retrying';
    if (revision !== this.#revision || phase === 'Running' || phase === '') return undefined;
    if (sync === 'Synced' && phase === 'Succeeded') return 'Synced';
    if (sync === 'OutOfSync' && conditions.includes('SyncError')) return 'SyncError';
    return sync === 'OutOfSync' && syncs >= OFTEN ? 'OutOfSync' : undefined;
  }

  /** Returns an object as it is stored. */
  live(kind: string): Promise<KubeObject> {
    const source = this.objects.find((object) => object.kind === kind);
    if (source === undefined) throw new Error(`no ${kind} in Git`);
    const { apiVersion, metadata } = source;
    return until(`${kind} ${metadata.name}`, () =>
      this.cluster.controlPlane.admin.get(apiVersion, kind, this.namespace, metadata.name),
    );
  }

  /** Returns the kinds of the objects that the last commit has changed, by whether all that a user sets is stored. */
  async arrived(): Promise<Arrived> {
    const changed = this.objects.filter((object) => !isDeepStrictEqual(object, this.#before.get(nameOf(object))));
    const stored = await Promise.all(
      changed.map(async (object) => holds(personsPart(await this.live(object.kind)), personsPart(object))),
    );
    const kindsWith = (wanted: boolean): string[] =>
      changed.filter((_, index) => stored[index] === wanted).map(({ kind }) => kind);
    return { arrived: kindsWith(true).sort(), missing: kindsWith(false).sort() };
  }

  /** Runs the plugin of Argo Rollouts, with a command and the Rollout. */
  async rollouts(command: string, ...args: readonly string[]): Promise<void> {
    await this.cluster.developer.run(['argo', 'rollouts', command, CANARY.rollout, ...args, '-n', this.namespace]);
  }

  /** Returns the weights of the canary in its VirtualService so far, oldest first, repetitions left out. */
  get weights(): number[] {
    return this.#recorder.versions
      .map(canaryWeight)
      .filter((weight) => weight !== undefined)
      .filter((weight, index, all) => weight !== all[index - 1]);
  }

  /** Removes the Application, and ends the recordings. */
  async close(): Promise<void> {
    await this.application.remove();
    await this.#recorder.stop();
  }
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}`;
}

function holds(stored: unknown, wanted: unknown): boolean {
  try {
    partialDeepStrictEqual(stored, wanted);
    return true;
  } catch {
    return false;
  }
}

function canaryWeight(virtualService: KubeObject): number | undefined {
  const found = asArray(dig(virtualService, 'spec', 'http'))
    .filter((route) => ROUTES.includes(asString(dig(route, 'name'))))
    .flatMap((route) => asArray(dig(route, 'route')))
    .find((entry) => dig(entry, 'destination', 'subset') === 'version-v2');
  const weight = dig(found, 'weight');
  return found === undefined ? undefined : Number(weight ?? 0);
}

/** The managed route of the example, and its name after a rename. */
export const ROUTES: readonly string[] = ['primary', 'main'];

function filesOf(objects: readonly KubeObject[]): Record<string, string> {
  return Object.fromEntries(
    objects.map((object) => [`${object.kind.toLowerCase()}-${object.metadata.name}.yaml`, yamlOf([object])]),
  );
}
