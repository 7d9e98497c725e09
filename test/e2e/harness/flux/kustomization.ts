import { asArray, asString, dig } from '../../../../src/world/read.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import type { Api } from '../api.ts';
import { until } from '../program.ts';
import type { Sources } from './sources.ts';

const API_VERSION = 'kustomize.toolkit.fluxcd.io/v1';

/** What Flux shows of a Kustomization. */
export interface FluxShows {
  /** Whether the last attempt has succeeded. */
  readonly ready: boolean;
  /** The message of the condition Ready, as `flux get kustomizations` prints it. */
  readonly message: string;
}

/** A Kustomization with a GitRepository of its own, both named as their namespace. */
export class Kustomization {
  readonly #api: Api;
  readonly #sources: Sources;
  readonly #namespace: string;
  #revision = '';

  private constructor(api: Api, sources: Sources, namespace: string) {
    this.#api = api;
    this.#sources = sources;
    this.#namespace = namespace;
  }

  /** Creates both in a namespace that exists. They have no commit yet. */
  static async create(api: Api, sources: Sources, namespace: string): Promise<Kustomization> {
    await sources.create(namespace, namespace);
    await api.create({
      apiVersion: API_VERSION,
      kind: 'Kustomization',
      metadata: { namespace, name: namespace },
      spec: {
        interval: '1h',
        retryInterval: '5s',
        timeout: '1m',
        prune: true,
        path: './',
        sourceRef: { kind: 'GitRepository', name: namespace },
      },
    });
    return new Kustomization(api, sources, namespace);
  }

  /** Commits files and nothing else. */
  async commit(files: Readonly<Record<string, string>>): Promise<void> {
    this.#revision = await this.#sources.commit(this.#namespace, this.#namespace, files);
  }

  /** Waits until Flux has tried to apply the last commit, and returns what it shows of that. */
  async attempted(): Promise<FluxShows> {
    const [condition] = await this.#conditionThat('tries the commit', () => true);
    return { ready: dig(condition, 'status') === 'True', message: asString(dig(condition, 'message')) };
  }

  /** Waits until Flux has applied the last commit. */
  async applied(): Promise<void> {
    await this.#conditionThat('applies the commit', (condition) => dig(condition, 'status') === 'True');
  }

  /** Makes Flux compare and apply the last commit once more, as `flux reconcile` does, and waits until it has. */
  async reconcile(): Promise<void> {
    const at = String(Date.now());
    const annotations = { 'reconcile.fluxcd.io/requestedAt': at };
    await this.#api.patch(this.#at, { metadata: { annotations } });
    await until(`Flux reconciles ${this.#namespace}`, async () => {
      const live = await this.#get();
      return dig(live, 'status', 'lastHandledReconcileAt') === at && readyOf(live) !== undefined;
    });
  }

  get #at(): { apiVersion: string; kind: string; namespace: string; name: string } {
    return { apiVersion: API_VERSION, kind: 'Kustomization', namespace: this.#namespace, name: this.#namespace };
  }

  async #conditionThat(what: string, holds: (condition: unknown) => boolean): Promise<[unknown]> {
    let last: KubeObject | undefined;
    try {
      return await until(`Flux ${what} in ${this.#namespace}`, async () => {
        last = await this.#get();
        const condition = readyOf(last);
        const attempted = dig(last, 'status', 'lastAttemptedRevision') === this.#revision;
        return attempted && condition !== undefined && holds(condition) && [condition];
      });
    } catch (error) {
      throw new Error(`${String(error)}; its status: ${JSON.stringify(last?.['status'])}`, { cause: error });
    }
  }

  #get(): Promise<KubeObject | undefined> {
    return this.#api.get(API_VERSION, 'Kustomization', this.#namespace, this.#namespace);
  }
}

// While Flux works, the condition is Unknown.
function readyOf(kustomization: KubeObject | undefined): unknown {
  return asArray(dig(kustomization, 'status', 'conditions')).find(
    (condition) => dig(condition, 'type') === 'Ready' && dig(condition, 'status') !== 'Unknown',
  );
}
