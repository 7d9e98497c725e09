import type { KubeObject } from '../../../../src/world/object.ts';
import type { Application, Shown } from '../../harness/argo-cd/application.ts';
import type { ArgoCd } from '../../harness/argo-cd/argo-cd.ts';
import type { GitRepository } from '../../harness/argo-cd/git-repository.ts';
import type { Cluster } from '../../harness/cluster.ts';
import { until } from '../../harness/program.ts';
import { arrivedOf, filesOf, type Arrived } from '../commits/arrived.ts';
import { retry, type Mode } from './modes.ts';

// So many comparisons or self-heals with the same result say that it stays so.
const OFTEN = 3;
// More retries than those of an Application that gives up.
const RETRIES = 6;

/** How an Application is set up. */
export interface ApplicationOptions {
  readonly mode: Mode;
  /** How often a failed sync is tried again. */
  readonly retries?: number;
  /** Whether Argo CD puts back what others change; by default it does. */
  readonly selfHeal?: boolean;
}

/** What Argo CD shows of an Application in the end. */
export type Settled =
  | 'Synced'
  /** It compares as different again and again, and with self-heal it syncs again and again. */
  | 'OutOfSync'
  /** It cannot compare, and so does not sync. */
  | 'ComparisonError'
  /** The sync has failed, and is not tried again. */
  | 'SyncError'
  /** The sync fails, and is tried again and again. */
  | 'Retrying';

/** What a {@link GitApplication} consists of. */
export interface Committed {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly application: Application;
  readonly repository: GitRepository;
  readonly objects: readonly KubeObject[];
  readonly revision: string;
  readonly selfHeal: boolean;
}

/** An Application with a Git repository of its own, both named as the namespace that it is installed in. */
export class GitApplication {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly application: Application;
  /** The objects of the last commit. */
  objects: readonly KubeObject[];
  readonly #repository: GitRepository;
  readonly #selfHeal: boolean;
  #revision: string;
  #before: readonly KubeObject[] = [];

  /** Takes what {@link committed} returns. */
  constructor({ cluster, namespace, application, repository, objects, revision, selfHeal }: Committed) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.application = application;
    this.#repository = repository;
    this.objects = objects;
    this.#revision = revision;
    this.#selfHeal = selfHeal;
  }

  /** Commits the objects after a change, and tells Argo CD. Without an object, the change removes it. */
  async commit(message: string, change: (object: KubeObject) => KubeObject | undefined): Promise<void> {
    this.#before = this.objects;
    this.objects = this.objects.map(change).filter((object) => object !== undefined);
    this.#revision = await this.#repository.commit(filesOf(this.objects), message);
    await this.application.refresh();
  }

  /** Waits until what Argo CD shows for the last commit no longer changes. */
  async settled(): Promise<Settled> {
    const before = this.application.syncs;
    let last = '';
    let times = 0;
    let errors = 0;
    let settled: Settled | undefined;
    await this.application.shows('settles', (shown) => {
      const now = `${shown.revision} ${shown.sync} ${shown.phase}`;
      times = now === last ? times + 1 : 1;
      last = now;
      if (shown.conditions.includes('ComparisonError')) errors++;
      settled = errors >= OFTEN ? 'ComparisonError' : this.#settledAs(shown, this.application.syncs - before, times);
      return settled !== undefined;
    });
    return settled as Settled;
  }

  #settledAs({ revision, sync, phase, retries, conditions }: Shown, syncs: number, times: number): Settled | undefined {
    if (revision !== this.#revision || phase === '') return undefined;
    if (phase === 'Running') return retries >= RETRIES ? 'Retrying' : undefined;
    if (sync === 'OutOfSync' && conditions.includes('SyncError')) return 'SyncError';
    if (phase !== 'Succeeded') return undefined;
    if (sync === 'OutOfSync' && syncs >= OFTEN) return 'OutOfSync';
    // It compares with its cache, which can be behind what the controller has just written.
    if (times < OFTEN) return undefined;
    if (sync === 'Synced') return 'Synced';
    return sync === 'OutOfSync' && !this.#selfHeal ? 'OutOfSync' : undefined;
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
  arrived(): Promise<Arrived> {
    return arrivedOf(this.#before, this.objects, ({ kind }) => this.live(kind));
  }

  /** Removes the Application, and leaves what it has installed. */
  async close(): Promise<void> {
    await this.application.remove();
  }
}

/** Commits objects, and creates the Application, which is then synced by itself. The namespace exists. */
export async function committed(
  cluster: Cluster,
  argoCd: ArgoCd,
  namespace: string,
  objects: readonly KubeObject[],
  { mode, retries = 0, selfHeal = true }: ApplicationOptions,
): Promise<Committed> {
  const repository = await argoCd.repository(namespace);
  const revision = await repository.commit(filesOf(objects), 'first');
  const { annotations, syncOptions, ignoreDifferences = [] } = mode;
  const application = await argoCd.application(namespace, {
    repository,
    namespace,
    annotations,
    ignoreDifferences,
    syncPolicy: { automated: { selfHeal, prune: true }, syncOptions, retry: retry(retries) },
  });
  return { cluster, namespace, application, repository, objects, revision, selfHeal };
}
