import { asArray, asString, dig, optionalNumber } from '../../../../src/world/read.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import type { Api } from '../api.ts';
import { until } from '../program.ts';
import { Recorder } from '../recorder.ts';
import type { GitRepository } from './git-repository.ts';

/** The namespace of Argo CD and its Applications. */
export const ARGO_CD_NAMESPACE = 'argocd';

const KIND = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: ARGO_CD_NAMESPACE } as const;
const REFRESH = 'argocd.argoproj.io/refresh';

/** What an Application consists of. */
export interface ApplicationSpec {
  readonly repository: GitRepository;
  /** The folder in it; by default all of it. */
  readonly path?: string;
  /** `spec.source.helm`, if that folder is a chart. */
  readonly helm?: object;
  /** The name of the cluster that it is installed in; by default that of Argo CD. */
  readonly cluster?: string;
  /** The namespace that it is installed in. */
  readonly namespace: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** `spec.ignoreDifferences`; none by default. */
  readonly ignoreDifferences?: readonly object[];
  /** `spec.syncPolicy`. */
  readonly syncPolicy: object;
}

/** What Argo CD shows of an Application at one time. */
export interface Shown {
  /** `Synced`, `OutOfSync` or `Unknown`; empty before the first comparison. */
  readonly sync: string;
  /** The commit that it was compared with. */
  readonly revision: string;
  readonly health: string;
  /** The types of its conditions, for example `ComparisonError`. */
  readonly conditions: readonly string[];
  /** The phase of its last sync; empty before the first one. */
  readonly phase: string;
  /** How often its last sync was tried again. */
  readonly retries: number;
  /** The messages of its conditions, its last sync and the objects of that sync, as its page shows them. */
  readonly says: string;
}

/** An Application, with a record of everything that Argo CD has shown of it. */
export class Application {
  readonly name: string;
  readonly #api: Api;
  readonly #spec: ApplicationSpec;
  readonly #recorder: Recorder;

  private constructor(api: Api, name: string, spec: ApplicationSpec, recorder: Recorder) {
    this.#api = api;
    this.#spec = spec;
    this.name = name;
    this.#recorder = recorder;
  }

  /** Creates an Application, and begins to record it. */
  static async create(api: Api, name: string, spec: ApplicationSpec): Promise<Application> {
    const recorder = await Recorder.start(api, { ...KIND, name });
    await api.create({
      apiVersion: KIND.apiVersion,
      kind: KIND.kind,
      metadata: { name, namespace: ARGO_CD_NAMESPACE, annotations: spec.annotations ?? {} },
      spec: {
        project: 'default',
        source: {
          repoURL: spec.repository.url,
          targetRevision: 'main',
          path: spec.path ?? '.',
          ...(spec.helm === undefined ? {} : { helm: spec.helm }),
        },
        destination: { name: spec.cluster ?? 'in-cluster', namespace: spec.namespace },
        ignoreDifferences: spec.ignoreDifferences ?? [],
        syncPolicy: spec.syncPolicy,
      },
    });
    return new Application(api, name, spec, recorder);
  }

  /**
   * Makes Argo CD compare it with Git and the cluster, as a webhook of Git does, and waits until that is done. Returns
   * what it shows then.
   */
  async refresh(): Promise<Shown> {
    await this.#api.patch({ ...KIND, name: this.name }, { metadata: { annotations: { [REFRESH]: 'normal' } } });
    return shownOf(
      await until(`Argo CD compares Application ${this.name}`, async () => {
        const live = await this.#get();
        return dig(live, 'metadata', 'annotations', REFRESH) === undefined ? live : undefined;
      }),
    );
  }

  /** Returns what Argo CD shows now. */
  async shown(): Promise<Shown> {
    return shownOf(await this.#get());
  }

  /**
   * Makes Argo CD compare it until a condition holds, and returns what Argo CD shows then. Rejects with everything that
   * Argo CD has shown.
   *
   * @param what - What is awaited.
   */
  async shows(what: string, holds: (shown: Shown) => boolean | Promise<boolean>, within = 120_000): Promise<Shown> {
    try {
      return await until(
        `Application ${this.name} ${what}`,
        async () => {
          const shown = await this.refresh();
          return (await holds(shown)) && shown;
        },
        { within, every: 500 },
      );
    } catch (error) {
      throw new Error(`${String(error)}; it has shown ${JSON.stringify(this.history)}`, { cause: error });
    }
  }

  /** Returns everything that Argo CD has shown, oldest first, repetitions left out. */
  get history(): Shown[] {
    return this.#recorder.versions
      .map(shownOf)
      .filter((shown, index, all) => JSON.stringify(shown) !== JSON.stringify(all[index - 1]));
  }

  /** Returns how often a sync has begun, its own retries not counted. */
  get syncs(): number {
    const begun = this.#recorder.versions.map((version) => version['operation'] !== undefined);
    return begun.filter((now, index) => now && begun[index - 1] !== true).length;
  }

  /** Begins a sync, as a person does on its page. */
  async sync(): Promise<void> {
    const { syncPolicy } = this.#spec;
    const sync = { revision: 'main', syncOptions: dig(syncPolicy, 'syncOptions') ?? [] };
    await this.#api.patch(
      { ...KIND, name: this.name },
      { operation: { initiatedBy: { username: 'somebody' }, sync, retry: dig(syncPolicy, 'retry') ?? {} } },
    );
  }

  /** Deletes it and leaves what it has installed. */
  async remove(): Promise<void> {
    await this.#recorder.stop();
    await this.#api.call(
      'DELETE',
      `/apis/${KIND.apiVersion}/namespaces/${ARGO_CD_NAMESPACE}/applications/${this.name}`,
    );
  }

  #get(): Promise<KubeObject> {
    return until(`Application ${this.name}`, () =>
      this.#api.get(KIND.apiVersion, KIND.kind, ARGO_CD_NAMESPACE, this.name),
    );
  }
}

function shownOf(application: KubeObject): Shown {
  const status = application['status'];
  return {
    sync: asString(dig(status, 'sync', 'status')),
    revision: asString(dig(status, 'sync', 'revision')),
    health: asString(dig(status, 'health', 'status')),
    conditions: asArray(dig(status, 'conditions')).map((each) => asString(dig(each, 'type'))),
    phase: asString(dig(status, 'operationState', 'phase')),
    retries: optionalNumber(dig(status, 'operationState', 'retryCount')) ?? 0,
    says: [
      ...asArray(dig(status, 'conditions')),
      dig(status, 'operationState'),
      ...asArray(dig(status, 'operationState', 'syncResult', 'resources')),
    ]
      .map((each) => asString(dig(each, 'message')))
      .join('\n'),
  };
}
